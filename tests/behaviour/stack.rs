//! Several policies on one function: source order is nesting order.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};

use resilient::{CircuitBreaker, CircuitBreakerState, Reason, bulkhead, circuit_breaker, resilient, retry, timeout};
use resilient_tests::{Alive, Error, Script, Stopwatch, ms};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_breaker_inside_the_retry_counts_every_attempt() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("inside");
    #[retry(max = 3, backoff = "none")]
    #[circuit_breaker(with = BREAKER)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    function(&Script::failing(4)).await.unwrap_err();

    assert_eq!(BREAKER.counts().failures, 4);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_outside_the_retry_counts_every_call() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("outside");
    #[circuit_breaker(with = BREAKER)]
    #[retry(max = 3, backoff = "none")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    function(&Script::failing(4)).await.unwrap_err();

    assert_eq!(BREAKER.counts().failures, 1);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_above_the_retry_limits_the_call_and_one_below_the_attempt() {
    #[timeout("100ms")]
    #[retry(max = 9, backoff = "fixed", base = "10ms")]
    async fn above(attempts: &AtomicU32) -> Result<(), Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        sleep(ms(60)).await;
        Err(Error::Down)
    }
    #[retry(max = 9, backoff = "fixed", base = "10ms")]
    #[timeout("100ms")]
    async fn below(attempts: &AtomicU32) -> Result<(), Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        sleep(ms(60)).await;
        Err(Error::Down)
    }
    let attempts = AtomicU32::new(0);
    let watch = Stopwatch::start();

    above(&attempts).await.unwrap_err();
    assert_eq!((attempts.swap(0, Ordering::SeqCst), watch.elapsed()), (2, 100));

    below(&attempts).await.unwrap_err();
    assert_eq!((attempts.load(Ordering::SeqCst), watch.elapsed()), (10, 100 + 10 * 60 + 9 * 10));
}

#[tokio::test(start_paused = true)]
async fn the_one_attribute_is_the_same_as_its_list() {
    #[resilient(timeout(total = "100ms"), retry(max = 9, backoff = "fixed", base = "10ms"))]
    async fn listed(attempts: &AtomicU32) -> Result<(), Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        sleep(ms(60)).await;
        Err(Error::Down)
    }
    let attempts = AtomicU32::new(0);
    let watch = Stopwatch::start();

    listed(&attempts).await.unwrap_err();

    assert_eq!((attempts.load(Ordering::SeqCst), watch.elapsed()), (2, 100));
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_ends_the_call_without_further_attempts() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("open").consecutive(2);
    #[retry(max = 5, backoff = "fixed", base = "10ms")]
    #[circuit_breaker(with = BREAKER)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(100);
    let watch = Stopwatch::start();

    let error = function(&script).await.unwrap_err();

    assert!(matches!(error.reason(), Reason::CircuitOpen { .. }), "{error:?}");
    assert_eq!((script.attempts(), watch.elapsed()), (2, 20));
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_of_another_function_ends_the_call_too() {
    #[circuit_breaker(consecutive = 2)]
    async fn inner(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 5, backoff = "none", number = n)]
    async fn outer(script: &Script, attempts: &AtomicU32) -> Result<(), Error> {
        attempts.store(n + 1, Ordering::SeqCst);
        inner(script).await
    }
    let (script, attempts) = (Script::failing(100), AtomicU32::new(0));

    let error = outer(&script, &attempts).await.unwrap_err();

    assert!(matches!(error.reason(), Reason::CircuitOpen { .. }), "{error:?}");
    assert_eq!((script.attempts(), attempts.load(Ordering::SeqCst)), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_times_out_is_a_strike_against_the_breaker() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("strikes").consecutive(3);
    #[retry(max = 9, backoff = "none")]
    #[circuit_breaker(with = BREAKER)]
    #[timeout(attempt = "10ms")]
    async fn function() -> Result<(), Error> {
        pending().await
    }
    let watch = Stopwatch::start();

    function().await.unwrap_err();

    assert_eq!((BREAKER.state(), watch.elapsed()), (CircuitBreakerState::Open, 30));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_from_outside_is_no_strike() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("abandoned").consecutive(1);
    #[timeout("10ms")]
    #[circuit_breaker(with = BREAKER)]
    async fn function() -> Result<(), Error> {
        pending().await
    }

    function().await.unwrap_err();

    assert_eq!((BREAKER.state(), BREAKER.counts().calls), (CircuitBreakerState::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_anywhere_drops_everything_in_it() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("dropped");
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(max = 3, backoff = "fixed", base = "10ms")]
    #[circuit_breaker(with = BREAKER)]
    async fn function(script: &Script, count: &AtomicU32) -> Result<(), Error> {
        let _alive = Alive::new(count);
        sleep(ms(5)).await;
        sleep(ms(5)).await;
        script.next()
    }
    let count = AtomicU32::new(0);
    for time in 0..60 {
        let script = Script::failing(10);

        let dropped = tokio::time::timeout(ms(time), function(&script, &count)).await;

        assert_eq!(count.load(Ordering::SeqCst), 0, "after {time} ms: {dropped:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_generic_function_shares_one_policy_between_its_instances() {
    #[circuit_breaker(consecutive = 2)]
    async fn function<T: Send>(script: &Script, _: T) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(2);

    function(&script, 1_u8).await.unwrap_err();
    function(&script, "text").await.unwrap_err();

    let error = function(&script, 1.0).await.unwrap_err();
    assert!(matches!(error.reason(), Reason::CircuitOpen { .. }), "{error:?}");
}

#[bulkhead(name = "stack: 0")]
#[bulkhead(name = "stack: 1")]
#[bulkhead(name = "stack: 2")]
#[bulkhead(name = "stack: 3")]
#[bulkhead(name = "stack: 4")]
#[bulkhead(name = "stack: 5")]
#[bulkhead(name = "stack: 6")]
#[bulkhead(name = "stack: 7")]
#[bulkhead(name = "stack: 8")]
#[bulkhead(name = "stack: 9")]
#[bulkhead(name = "stack: 10")]
#[bulkhead(name = "stack: 11")]
#[bulkhead(name = "stack: 12")]
#[bulkhead(name = "stack: 13")]
async fn under_fourteen() -> Result<u32, Error> {
    Ok(14)
}

#[tokio::test]
async fn a_stack_is_as_high_as_it_is_written() {
    assert_eq!(under_fourteen().await, Ok(14));
}
