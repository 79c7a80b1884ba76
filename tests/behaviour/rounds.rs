//! A retry under a time-out: its rounds as futures, in annotated functions and by hand.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt;
use resilient::{
    Backoff, CircuitBreaker, Deadline, Reason, Retry, Settled, Timeout, Verdict, circuit_breaker, retry, timeout,
};
use resilient_tests::{Alive, Error, Stopwatch, ms};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn the_rounds_have_the_limit_together() {
    #[timeout(total = "100ms")]
    #[retry(max = 10, backoff = "fixed", base = "20ms")]
    async fn function(attempts: &AtomicU32) -> Result<(), Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        sleep(ms(30)).await;
        Err(Error::Down)
    }
    let (attempts, watch) = (AtomicU32::new(0), Stopwatch::start());

    let error = function(&attempts).await.unwrap_err();

    // attempts at 0, 50 and 100 ms; the last of them could not begin in time
    assert_eq!((error, watch.elapsed()), (Error::Down, 80));
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_in_a_later_round_is_given_up_when_the_call_is_over() {
    #[timeout(total = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    async fn function(attempts: &AtomicU32, alive: &AtomicU32) -> Result<(), Error> {
        let _alive = Alive::new(alive);
        sleep(ms(30)).await;
        if attempts.fetch_add(1, Ordering::SeqCst) == 1 { pending().await } else { Err(Error::Down) }
    }
    let (attempts, alive, watch) = (AtomicU32::new(0), AtomicU32::new(0), Stopwatch::start());

    let error = function(&attempts, &alive).await.unwrap_err();

    assert_eq!((error.reason(), watch.elapsed()), (Reason::TimedOut { limit: ms(100) }, 100));
    assert_eq!((attempts.load(Ordering::SeqCst), alive.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_ready_at_once_starts_the_time_too() {
    #[timeout(total = "100ms")]
    #[retry(backoff = "fixed", base = "70ms")]
    async fn function(attempts: &AtomicU32) -> Result<(), Error> {
        if attempts.fetch_add(1, Ordering::SeqCst) == 0 { Err(Error::Down) } else { pending().await }
    }
    let (attempts, watch) = (AtomicU32::new(0), Stopwatch::start());

    let error = function(&attempts).await.unwrap_err();

    assert_eq!((error.reason(), watch.elapsed()), (Reason::TimedOut { limit: ms(100) }, 100));
}

#[tokio::test(start_paused = true)]
async fn the_attempt_is_gone_before_the_wait() {
    #[timeout(total = "1s")]
    #[retry(backoff = "fixed", base = "70ms")]
    #[circuit_breaker]
    async fn function(alive: &AtomicU32) -> Result<(), Error> {
        let _alive = Alive::new(alive);
        sleep(ms(10)).await;
        Err(Error::Down)
    }
    let alive = AtomicU32::new(0);
    let mut call = Box::pin(function(&alive));

    assert!(tokio::time::timeout(ms(40), &mut call).await.is_err());
    assert_eq!(alive.load(Ordering::SeqCst), 0);

    assert!(tokio::time::timeout(ms(45), &mut call).await.is_err());
    assert_eq!(alive.load(Ordering::SeqCst), 1, "the second attempt");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_from_further_out_is_kept_in_every_round() {
    #[timeout(total = "1s")]
    #[retry(backoff = "none", max = 9)]
    async fn function(attempts: &AtomicU32) -> Result<(), Error> {
        sleep(ms(20)).await;
        if attempts.fetch_add(1, Ordering::SeqCst) < 2 { Err(Error::Down) } else { pending().await }
    }
    #[timeout("80ms")]
    async fn outer(attempts: &AtomicU32) -> Result<(), Error> {
        function(attempts).await
    }
    let (attempts, watch) = (AtomicU32::new(0), Stopwatch::start());

    let error = Deadline::after(ms(90)).scope(function(&attempts)).await.unwrap_err();
    assert_eq!((error.reason(), watch.elapsed()), (Reason::DeadlineExceeded, 90));

    let (attempts, watch) = (AtomicU32::new(0), Stopwatch::start());

    let error = outer(&attempts).await.unwrap_err();
    assert_eq!((error.reason(), watch.elapsed()), (Reason::TimedOut { limit: ms(80) }, 80));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_attempt_is_a_strike_and_leaves_no_deadline_behind() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("panics");

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry]
    #[circuit_breaker(with = BREAKER)]
    async fn function() -> Result<(), Error> {
        sleep(ms(10)).await;
        panic!("on purpose")
    }

    assert!(AssertUnwindSafe(function()).catch_unwind().await.is_err());

    assert_eq!(BREAKER.counts().failures, 1);
    assert_eq!(Deadline::current(), None);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_is_dropped_has_used_its_time() {
    let policy = Timeout::named("lookup", ms(100));
    let (mut call, watch) = (policy.begin(), Stopwatch::start());

    assert!(tokio::time::timeout(ms(60), call.run(pending::<()>())).await.is_err());
    let settled = call.run(pending::<()>()).await;

    assert!(matches!(settled, Settled::Rejected(_)));
    assert_eq!(watch.elapsed(), 100);
}

#[test]
fn without_a_runtime_a_round_that_waits_is_refused() {
    let policy = Timeout::named("lookup", ms(100));
    let mut call = policy.begin();

    assert_eq!(call.run(async { 1 }).now_or_never(), Some(Settled::Outcome(1)));
    assert_eq!(call.run(async { 2 }).now_or_never(), Some(Settled::Outcome(2)));

    let Some(Settled::Rejected(rejection)) = call.run(pending::<u32>()).now_or_never() else {
        panic!("it was not refused")
    };
    assert_eq!(rejection.reason(), Reason::NoRuntime);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_time_out_has_ended_is_not_retried() {
    let log = resilient::test::record();
    let (total, policy) = (Timeout::named("lookup", ms(50)), Retry::named("lookup").backoff(Backoff::fixed(ms(10))));
    let (mut timeout, mut retry) = (total.begin(), policy.begin());

    let settled = resilient::run((&mut timeout, &mut retry), pending::<Result<(), Error>>()).await;
    let Verdict::Accept(Settled::Rejected(rejection)) = retry.verdict(settled) else { panic!("it has ended") };

    assert_eq!(rejection.reason(), Reason::TimedOut { limit: ms(50) });
    assert!(log.gave_up("lookup").is_empty(), "it had no say in it");
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_was_never_asked_for_says_nothing_of_the_next_attempt() {
    let policy = Retry::named("lookup").backoff(Backoff::none());
    let mut retry = policy.begin();

    let failed = resilient::run((&mut retry,), async { Err::<(), _>(Error::Down) }).await;
    let good = resilient::run((&mut retry,), async { Ok::<_, Error>(()) }).await;

    assert_eq!(failed, Settled::Outcome(Err(Error::Down)));
    assert!(matches!(retry.verdict(good), Verdict::Accept(Settled::Outcome(Ok(())))));
}

#[tokio::test(start_paused = true)]
async fn a_retry_within_a_time_out_begins_no_wait_that_would_end_after_it() {
    for (delay, retries) in [(49, true), (50, false)] {
        let (total, policy) =
            (Timeout::named("lookup", ms(60)), Retry::named("lookup").backoff(Backoff::fixed(ms(delay))));
        let (mut timeout, mut retry) = (total.begin(), policy.begin());

        let failing = sleep(ms(10)).map(|()| Err::<(), _>(Error::Down));
        let settled = resilient::run((&mut timeout, &mut retry), failing).await;
        let verdict = retry.verdict(settled);

        assert_eq!(matches!(verdict, Verdict::Retry(_)), retries, "{delay}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_breaker_runs_what_it_lets_through_and_nothing_else() {
    let breaker = CircuitBreaker::named("lookup").consecutive(1);
    let rejected = || Settled::Rejected::<Result<(), Error>>(breaker.acquire().unwrap_err());

    assert_eq!(breaker.run(async { Ok::<_, Error>(()) }).await, Settled::Outcome(Ok(())));
    assert!(breaker.run(sleep(ms(10)).map(Ok::<_, Error>)).now_or_never().is_none());
    assert_eq!(breaker.counts().calls, 1, "a call that is dropped does not count");

    assert_eq!(breaker.run(async { Err::<(), _>(Error::Down) }).await, Settled::Outcome(Err(Error::Down)));

    let mut polled = false;
    let refused = breaker
        .run(async {
            polled = true;
            Ok::<_, Error>(())
        })
        .await;
    assert_eq!(refused, rejected());
    assert!(!polled);
    assert_eq!(resilient::run((&breaker,), async { Ok::<_, Error>(()) }).await, rejected());
}
