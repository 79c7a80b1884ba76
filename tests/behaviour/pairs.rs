//! Two policies of one kind on one function: each does its own part, with any other policy between them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilient::{Timeout, bulkhead, circuit_breaker, rate_limit, resilient, retry, timeout};
use resilient_tests::Error;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

static TEN: Timeout = Timeout::named("pairs", Duration::from_secs(10));
static ONE: Timeout = Timeout::named("pairs", Duration::from_secs(1));

/// Runs the stack over a body that hangs: ten seconds for the call, one second for each attempt, three retries.
macro_rules! ends_each_attempt {
    ($($name:ident: $($policy:ident($($arguments:tt)*)),*;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            #[resilient($($policy($($arguments)*)),*)]
            async fn hangs(attempts: &AtomicU32) -> Result<u8, Error> {
                attempts.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_secs(60)).await;
                Ok(1)
            }
            let (attempts, start) = (AtomicU32::new(0), Instant::now());

            let outcome = hangs(&attempts).await;

            let limit = match outcome.unwrap_err().reason() {
                resilient::Reason::TimedOut { limit } => limit,
                other => panic!("{other:?}"),
            };
            assert_eq!((attempts.load(Ordering::SeqCst), limit), (4, Duration::from_secs(1)));
            assert_eq!(start.elapsed().as_secs(), 4);
        }
    )*};
}

/// Runs the same with each other policy between the two time-outs, on either side of the retry.
macro_rules! whatever_stands_between {
    ($($form:ident: ($($outer:tt)*), ($($inner:tt)*);)*) => {$(
        mod $form {
            use super::*;

            ends_each_attempt! {
                nothing: timeout($($outer)*), retry(max = 3, backoff = "none"), timeout($($inner)*);
                a_condition: timeout($($outer)*), retry(max = 3, backoff = "none", when = |_: &Error| true), timeout($($inner)*);
                a_bulkhead: timeout($($outer)*), retry(max = 3, backoff = "none"), bulkhead(), timeout($($inner)*);
                a_bulkhead_above: timeout($($outer)*), bulkhead(), retry(max = 3, backoff = "none"), timeout($($inner)*);
                a_rate_limit: timeout($($outer)*), retry(max = 3, backoff = "none"), rate_limit("1000/s"), timeout($($inner)*);
                a_rate_limit_above: timeout($($outer)*), rate_limit("1000/s"), retry(max = 3, backoff = "none"), timeout($($inner)*);
                a_breaker: timeout($($outer)*), retry(max = 3, backoff = "none"), circuit_breaker(consecutive = off), timeout($($inner)*);
                a_breaker_above: timeout($($outer)*), circuit_breaker(), retry(max = 3, backoff = "none"), timeout($($inner)*);
                a_breaker_below: timeout($($outer)*), retry(max = 3, backoff = "none"), timeout($($inner)*), circuit_breaker();
                a_token: timeout($($outer)*), retry(max = 3, backoff = "none"), cancel(CancellationToken::new()), timeout($($inner)*);
                a_token_above: timeout($($outer)*), cancel(CancellationToken::new()), retry(max = 3, backoff = "none"), timeout($($inner)*);
                a_hedge: timeout($($outer)*), retry(max = 3, backoff = "none"), hedge(idempotent, after = "900ms", ratio = "0.01%"), timeout($($inner)*);
                a_fallback_above: fallback(function = same), timeout($($outer)*), retry(max = 3, backoff = "none"), timeout($($inner)*);
                a_flight_above: coalesce(key = module_path!(), shared_across(attempts)), timeout($($outer)*), retry(max = 3, backoff = "none"), timeout($($inner)*);
                a_whole_stack:
                    fallback(function = same),
                    cancel(CancellationToken::new()),
                    timeout($($outer)*),
                    retry(max = 3, backoff = "none"),
                    circuit_breaker(consecutive = off),
                    rate_limit("1000/s"),
                    bulkhead(),
                    timeout($($inner)*);
            }
        }
    )*};
}

#[allow(clippy::unused_async)]
async fn same(_: &AtomicU32, error: &Error) -> Result<u8, Error> {
    Err(error.clone())
}

whatever_stands_between! {
    bare_and_bare: ("10s"), ("1s");
    bare_and_attempt: ("10s"), (attempt = "1s");
    total_and_bare: (total = "10s"), ("1s");
    total_and_attempt: (total = "10s"), (attempt = "1s");
    values: (with = TEN), (with = ONE);
    bare_and_value: ("10s"), (with = ONE);
    value_and_bare: (with = TEN), ("1s");
    total_and_value: (total = "10s"), (with = ONE);
    value_and_attempt: (with = TEN), (attempt = "1s");
}

ends_each_attempt! {
    three_with_a_hedge_between:
        timeout("10s"),
        retry(max = 3, backoff = "none"),
        timeout("5s"),
        hedge(idempotent, after = "900ms", ratio = "0.01%"),
        timeout("1s");
}

#[tokio::test(start_paused = true)]
async fn written_as_attributes_they_are_two_as_well() {
    #[timeout("10s")]
    #[retry(max = 3, backoff = "none")]
    #[bulkhead]
    #[timeout("1s")]
    async fn hangs(attempts: &AtomicU32) -> Result<u8, Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_secs(60)).await;
        Ok(1)
    }
    let (attempts, start) = (AtomicU32::new(0), Instant::now());

    hangs(&attempts).await.unwrap_err();

    assert_eq!((attempts.into_inner(), start.elapsed().as_secs()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn the_outer_one_ends_the_call() {
    #[timeout("3s")]
    #[retry(max = 9, backoff = "none")]
    #[bulkhead]
    #[timeout("2s")]
    async fn hangs() -> Result<u8, Error> {
        sleep(Duration::from_secs(60)).await;
        Ok(1)
    }
    let start = Instant::now();

    let reason = hangs().await.unwrap_err().reason();

    assert!(matches!(reason, resilient::Reason::TimedOut { limit } if limit == Duration::from_secs(3)), "{reason:?}");
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn two_rate_limits_with_a_name_each_both_hold() {
    #[rate_limit("2/s", burst = 2, name = "pairs: a second")]
    #[rate_limit("3/min", burst = 3, name = "pairs: a minute")]
    async fn call() -> Result<(), Error> {
        Ok(())
    }
    let mut at_once = 0;
    for _ in 0..4 {
        at_once += u32::from(call().await.is_ok());
    }
    sleep(Duration::from_secs(2)).await;
    let mut later = 0;
    for _ in 0..4 {
        later += u32::from(call().await.is_ok());
    }

    assert_eq!((at_once, later), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn two_breakers_with_a_key_and_a_name_count_each_for_itself() {
    #[circuit_breaker(name = "pairs: all hosts", consecutive = 4)]
    #[circuit_breaker(key = host, consecutive = 2)]
    async fn call(host: &str) -> Result<(), Error> {
        if host == "good" { Ok(()) } else { Err(Error::Down) }
    }
    async fn refused_by(host: &str) -> Option<String> {
        match call(host).await {
            Err(Error::Refused(refusal)) => Some(refusal.name().to_owned()),
            _ => None,
        }
    }

    for host in ["a", "a"] {
        assert_eq!(refused_by(host).await, None);
    }
    assert_eq!(refused_by("a").await.as_deref(), Some("call"), "that of the host is open");
    assert_eq!(refused_by("good").await, None, "the one for all is not");
    for host in ["b", "b", "c", "c"] {
        refused_by(host).await;
    }
    assert_eq!(refused_by("good").await.as_deref(), Some("pairs: all hosts"));
}

#[tokio::test(start_paused = true)]
async fn two_bulkheads_one_for_all_and_one_for_each_tenant() {
    #[bulkhead(limit = 3, queue = 0, name = "pairs: all tenants")]
    #[bulkhead(limit = 2, queue = 0, key = tenant)]
    async fn call(tenant: &str) -> Result<(), Error> {
        sleep(Duration::from_secs(1)).await;
        let _ = tenant;
        Ok(())
    }

    let (a1, a2, a3, b1, b2) = tokio::join!(call("a"), call("a"), call("a"), call("b"), call("b"));

    assert_eq!([a1, a2, b1], [Ok(()), Ok(()), Ok(())]);
    let refused_by = |outcome: Result<(), Error>| match outcome {
        Err(Error::Refused(refusal)) => refusal.name().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!((refused_by(a3).as_str(), refused_by(b2).as_str()), ("call", "pairs: all tenants"));
}

#[tokio::test(start_paused = true)]
async fn a_time_out_around_a_queue_and_one_inside() {
    #[timeout("3s")]
    #[bulkhead(limit = 1, max_wait = "10s")]
    #[timeout("2s")]
    async fn call(seconds: u64) -> Result<(), Error> {
        sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }
    let limit = |outcome: Result<(), Error>| match outcome.unwrap_err().reason() {
        resilient::Reason::TimedOut { limit } => limit.as_secs(),
        other => panic!("{other:?}"),
    };

    assert_eq!(limit(call(60).await), 2);
    let (first, second) = tokio::join!(call(60), call(60));

    assert_eq!((limit(first), limit(second)), (2, 3));
}

mod in_a_profile {
    use super::*;

    resilient::profile! {
        two_limits = rate_limit("10/s", burst = 10, name = "pairs: s"), rate_limit("5/min", burst = 5, name = "pairs: m")
    }

    #[resilient(profile = two_limits, rate_limit("50/s", burst = 50, name = "pairs: s"))]
    async fn call() -> Result<(), Error> {
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_says_which_is_changed() {
        let mut admitted = 0;
        for _ in 0..100 {
            admitted += u32::from(call().await.is_ok());
        }

        assert_eq!(admitted, 5, "the limit of a minute is as it was");
    }
}

#[tokio::test(start_paused = true)]
async fn two_tokens_each_end_the_call() {
    #[resilient::cancel(on = stop)]
    #[timeout("1h")]
    #[resilient::cancel(on = request)]
    async fn call(stop: &CancellationToken, request: &CancellationToken) -> Result<(), Error> {
        sleep(Duration::from_secs(60)).await;
        Ok(())
    }
    let token = || CancellationToken::new();

    for cancelled in [0, 1] {
        let tokens = [token(), token()];
        tokens[cancelled].cancel();
        let reason = call(&tokens[0], &tokens[1]).await.unwrap_err().reason();
        assert_eq!(reason, resilient::Reason::Cancelled);
    }
    assert_eq!(call(&token(), &token()).await, Ok(()));
}
