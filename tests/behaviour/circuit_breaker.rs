//! `#[circuit_breaker]`: each argument's effect. What the breaker itself does is tested beside it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use resilient::{Backoff, CircuitBreaker, Class, Reason, Retry, State, Timeout, circuit_breaker, retry, timeout};
use resilient_tests::{Error, Script, ms};
use tokio::time::advance;

/// Calls until the breaker refuses, and says how many calls it let through.
macro_rules! calls_until_open {
    ($function:ident, $script:expr) => {{
        let script: Script = $script;
        loop {
            match $function(&script).await {
                Err(Error::Refused(_)) => break script.attempts(),
                _ => assert!(script.attempts() < 1_000, "never opened"),
            }
        }
    }};
}

#[circuit_breaker]
async fn bare(script: &Script) -> Result<(), Error> {
    script.next()
}

#[tokio::test(start_paused = true)]
async fn bare_opens_after_five_failures_in_a_row() {
    assert_eq!(calls_until_open!(bare, Script::failing(100)), 5);
}

#[tokio::test(start_paused = true)]
async fn the_rejection_says_when_to_come_back_and_what_the_last_failure_was() {
    #[circuit_breaker(consecutive = 1, open_for = "10s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(1);
    function(&script).await.unwrap_err();
    advance(ms(1_000)).await;

    let Err(Error::Refused(rejection)) = function(&script).await else { panic!("refused") };

    let Reason::CircuitOpen { retry_after: Some(retry_after), last } = rejection.reason() else {
        panic!("{rejection:?}")
    };
    assert!((ms(8_000)..=ms(10_000)).contains(&retry_after), "nine seconds and a tenth of jitter: {retry_after:?}");
    assert_eq!(last, Some(Class::Transient));
    assert_eq!(rejection.name(), "function");
    assert_eq!(rejection.retry_after(), Some(retry_after));
}

#[tokio::test(start_paused = true)]
async fn permanent_and_throttled_errors_do_not_open_it() {
    #[circuit_breaker]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::of((0..100).map(|n| if n % 2 == 0 { Error::Gone } else { Error::Busy { after: None } }));

    for _ in 0..100 {
        let outcome = function(&script).await;

        assert!(!matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn consecutive_changes_how_many_failures_in_a_row_open_it() {
    #[circuit_breaker(consecutive = 2)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 2);
}

#[tokio::test(start_paused = true)]
async fn consecutive_off_leaves_the_rate() {
    #[circuit_breaker(consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 20);
}

#[tokio::test(start_paused = true)]
async fn min_calls_changes_from_when_on_the_rate_counts() {
    #[circuit_breaker(min_calls = 8, consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 8);
}

#[tokio::test(start_paused = true)]
async fn failure_rate_changes_how_many_failures_are_too_many() {
    #[circuit_breaker(failure_rate = "20%", min_calls = 10)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let one_in_four = (0..100).map(|n| if n % 4 == 3 { Error::Down } else { Error::Gone });

    assert_eq!(calls_until_open!(function, Script::of(one_in_four)), 12);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_time_forgets() {
    #[circuit_breaker(window = "1s", min_calls = 4, consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(100);
    for _ in 0..10 {
        assert_eq!(function(&script).await, Err(Error::Down));
        advance(ms(400)).await;
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 2, "two of the last second are remembered");
}

#[tokio::test(start_paused = true)]
async fn a_window_of_calls_forgets() {
    #[circuit_breaker(window = 4, failure_rate = "75%", consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let alternating = (0..40).map(|n| if n % 2 == 0 { Error::Down } else { Error::Gone });
    let then_down = std::iter::repeat_n(Error::Down, 10);

    assert_eq!(calls_until_open!(function, Script::of(alternating.chain(then_down))), 41 + 1);
}

#[tokio::test(start_paused = true)]
async fn open_for_says_how_long_it_stays_open() {
    #[circuit_breaker(consecutive = 1, open_for = "5s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(1);
    function(&script).await.unwrap_err();

    advance(ms(4_400)).await;
    assert!(matches!(function(&script).await, Err(Error::Refused(_))));
    advance(ms(1_200)).await;
    assert_eq!(function(&script).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn open_max_limits_how_long_it_grows() {
    #[circuit_breaker(consecutive = 1, open_for = "1s", open_max = "2s", probes = 1)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(100);
    for _ in 0..10 {
        function(&script).await.unwrap_err();
        advance(ms(2_250)).await;
    }

    assert_eq!(script.attempts(), 10, "each time it is half-open again after at most two seconds and a tenth");
}

#[tokio::test(start_paused = true)]
async fn probes_says_how_many_may_try_and_must_succeed() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("probes").consecutive(1).probes(2);
    #[circuit_breaker(with = BREAKER)]
    async fn slow(script: &Script) -> Result<(), Error> {
        tokio::time::sleep(ms(10)).await;
        script.next()
    }
    #[circuit_breaker(consecutive = 1, probes = 2)]
    async fn by_attribute(script: &Script) -> Result<(), Error> {
        tokio::time::sleep(ms(10)).await;
        script.next()
    }
    let script = Script::failing(1);
    slow(&script).await.unwrap_err();
    by_attribute(&Script::failing(1)).await.unwrap_err();
    advance(ms(1_200)).await;

    let admitted = |outcomes: (Result<(), Error>, Result<(), Error>, Result<(), Error>)| {
        [outcomes.0, outcomes.1, outcomes.2].iter().filter(|outcome| outcome.is_ok()).count()
    };

    assert_eq!(admitted(tokio::join!(slow(&script), slow(&script), slow(&script))), 2);
    assert_eq!(BREAKER.state(), State::Closed);
    let fine = Script::fine();
    assert_eq!(admitted(tokio::join!(by_attribute(&fine), by_attribute(&fine), by_attribute(&fine))), 2);
}

#[tokio::test(start_paused = true)]
async fn probe_timeout_says_when_a_probe_that_hangs_has_failed() {
    #[circuit_breaker(consecutive = 1, probes = 1, open_for = "1s", probe_timeout = "3s")]
    async fn function(time: Duration) -> Result<(), Error> {
        tokio::time::sleep(time).await;
        Err(Error::Down)
    }
    function(ms(0)).await.unwrap_err();
    advance(ms(1_150)).await;
    let hanging = tokio::spawn(function(ms(1_000_000)));
    tokio::task::yield_now().await;

    advance(ms(2_900)).await;
    let Err(Error::Refused(before)) = function(ms(0)).await else { panic!("the probe is out") };
    advance(ms(200)).await;
    let Err(Error::Refused(after)) = function(ms(0)).await else { panic!("reopened") };

    assert!(before.retry_after().unwrap() <= ms(200), "{before:?}");
    assert!(after.retry_after().unwrap() > ms(1_000), "open again, for longer: {after:?}");
    hanging.abort();
}

#[tokio::test(start_paused = true)]
async fn when_decides_what_is_a_failure() {
    #[circuit_breaker(consecutive = 1, when = |error| matches!(error, Error::Gone))]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::of([Error::Down, Error::Down, Error::Gone])), 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_counts_as_a_failure_and_goes_on() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("panics").consecutive(1);
    #[circuit_breaker(with = BREAKER, when = |_| false)]
    async fn function(panics: bool) -> Result<(), Error> {
        assert!(!panics, "on purpose");
        Ok(())
    }

    let joined = tokio::spawn(function(true)).await;

    assert!(joined.unwrap_err().is_panic());
    assert_eq!(BREAKER.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_policy_behind_an_arc_can_be_used() {
    struct Client {
        breaker: Arc<CircuitBreaker>,
        retry: Arc<Retry>,
        timeout: Box<Timeout>,
    }
    impl Client {
        #[timeout(with = self.timeout)]
        #[retry(with = self.retry)]
        #[circuit_breaker(with = self.breaker)]
        async fn call(&self) -> Result<(), Error> {
            Err(Error::Down)
        }
    }
    let client = Client {
        breaker: Arc::new(CircuitBreaker::named("behind an arc")),
        retry: Arc::new(Retry::named("behind an arc").max(2).backoff(Backoff::none())),
        timeout: Box::new(Timeout::named("behind a box", ms(10))),
    };

    client.call().await.unwrap_err();

    assert_eq!(client.breaker.counts().failures, 3);
    assert!(client.retry.budget_balance() < 99.0, "{}", client.retry.budget_balance());
}

#[tokio::test(start_paused = true)]
async fn instances_share_a_breaker_through_with() {
    struct Client<'a> {
        breaker: &'a CircuitBreaker,
        calls: Cell<u32>,
    }
    impl Client<'_> {
        #[circuit_breaker(with = self.breaker)]
        async fn call(&self) -> Result<(), Error> {
            self.calls.set(self.calls.get() + 1);
            Err(Error::Down)
        }
    }
    let breaker = CircuitBreaker::named("shared");
    let clients: Vec<_> = (0..50).map(|_| Client { breaker: &breaker, calls: Cell::new(0) }).collect();

    for client in &clients {
        client.call().await.unwrap_err();
    }

    assert_eq!(clients.iter().map(|client| client.calls.get()).sum::<u32>(), 5);
}
