//! `mode`: policies that only count what they would do, and policies that are off.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use resilient::metrics::collect;
use resilient::{Mode, Settled, Timeout, batch, cancel, fallback, retry, timeout};
use resilient_tests::{Error, Script, Stopwatch, ms};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The calls on which the policy of that name and layer would have acted.
fn observed(policy: &str, layer: &str) -> f64 {
    let all = collect();
    let mut found = all.iter().filter(|sample| {
        sample.family.name == "resilient_observed_total"
            && sample.labels.is_some_and(|labels| labels.policy == policy && labels.layer == layer)
    });
    found.next().expect("it is there").value
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_observes_counts_the_retries_that_it_does_not_make() {
    #[retry(max = 3, mode = "observe", name = "modes: observed retry")]
    async fn observes(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(1)
    }
    #[retry(max = 3, mode = "off", name = "modes: no retry")]
    async fn is_off(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(1)
    }
    let script = Script::failing(2);

    assert_eq!((observes(&script).await, script.attempts()), (Err(Error::Down), 1));
    assert!((observed("modes: observed retry", "retry") - 1.0).abs() < 0.1);
    assert_eq!((is_off(&script).await, script.attempts()), (Err(Error::Down), 2));
    assert!(observed("modes: no retry", "retry") < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_that_observes_lets_a_slow_call_end() {
    #[timeout("10ms", mode = "observe", name = "modes: observed time-out")]
    async fn observes(millis: u64) -> Result<Option<resilient::Deadline>, Error> {
        sleep(ms(millis)).await;
        Ok(resilient::Deadline::current())
    }
    #[timeout("10ms", mode = "off", name = "modes: no time-out")]
    async fn is_off() -> Result<(), Error> {
        sleep(ms(20)).await;
        Ok(())
    }
    #[timeout(total = "10ms", mode = "observe", name = "modes: observed total")]
    #[retry(max = 1, backoff = "none")]
    async fn in_attempts(script: &Script) -> Result<(), Error> {
        sleep(ms(8)).await;
        script.next()
    }

    assert_eq!((observes(20).await, observes(5).await), (Ok(None), Ok(None)));
    assert!((observed("modes: observed time-out", "timeout") - 1.0).abs() < 0.1);
    assert_eq!(is_off().await, Ok(()));
    let (watch, script) = (Stopwatch::start(), Script::failing(1));
    assert_eq!((in_attempts(&script).await, watch.elapsed()), (Ok(()), 16));
    assert!((observed("modes: observed total", "total_timeout") - 1.0).abs() < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_call_keeps_the_mode_in_which_its_time_out_began_to_wait() {
    static LIMIT: Timeout = Timeout::named("modes: switched time-out", Duration::from_millis(10));

    for (first, then, is_limited) in [
        (Mode::Enforce, Mode::Off, true),
        (Mode::Enforce, Mode::Observe, true),
        (Mode::Observe, Mode::Enforce, false),
        (Mode::Off, Mode::Enforce, false),
    ] {
        LIMIT.set_mode(first);
        let watch = Stopwatch::start();
        let mut call = pin!(LIMIT.run(async {
            // polled twice, before and after the switch
            sleep(ms(5)).await;
            sleep(ms(15)).await;
        }));
        assert!(call.as_mut().now_or_never().is_none());
        LIMIT.set_mode(then);
        let settled = call.await;

        assert_eq!(matches!(settled, Settled::Rejected(_)), is_limited, "{first} to {then}");
        assert_eq!(watch.elapsed(), if is_limited { 10 } else { 20 }, "{first} to {then}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_observes_leaves_the_error() {
    #[fallback(value = 3, mode = "observe", name = "modes: observed fallback")]
    async fn observes() -> Result<u32, Error> {
        Err(Error::Down)
    }
    #[fallback(value = 3, mode = "off", name = "modes: no fallback")]
    async fn is_off() -> Result<u32, Error> {
        Err(Error::Down)
    }

    assert_eq!((observes().await, is_off().await), (Err(Error::Down), Err(Error::Down)));
    assert!((observed("modes: observed fallback", "fallback") - 1.0).abs() < 0.1);
    assert!(observed("modes: no fallback", "fallback") < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_observes_counts_neither_what_would_stand_nor_a_value_that_is_called_a_failure() {
    #[fallback(value = 3, mode = "observe", name = "modes: outcomes that stand")]
    async fn stands(outcome: Result<u32, Error>) -> Result<u32, Error> {
        outcome
    }
    #[fallback(value = 3, mode = "observe", when = |_: &Result<u32, Error>| true, name = "modes: values that fail")]
    async fn always_fails() -> Result<u32, Error> {
        Ok(1)
    }

    assert_eq!((stands(Ok(1)).await, stands(Err(Error::Gone)).await), (Ok(1), Err(Error::Gone)));
    assert_eq!(always_fails().await, Ok(1));

    assert!(observed("modes: outcomes that stand", "fallback") < 0.1);
    assert!(observed("modes: values that fail", "fallback") < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_observes_lets_the_call_end() {
    #[cancel(token, mode = "observe", name = "modes: observed cancellation")]
    async fn observes(token: &CancellationToken) -> Result<u32, Error> {
        sleep(ms(5)).await;
        Ok(1)
    }
    let token = CancellationToken::new();
    token.cancel();

    assert_eq!(observes(&token).await, Ok(1));
    assert!((observed("modes: observed cancellation", "cancel") - 1.0).abs() < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_does_not_enforce_has_each_caller_make_its_own_call() {
    #[batch(mode = "off")]
    async fn load(keys: Vec<u32>) -> Result<HashMap<u32, usize>, Error> {
        let count = keys.len();
        Ok(keys.into_iter().map(|key| (key, count)).collect())
    }

    assert_eq!(tokio::join!(load_one(1), load_one(2)), (Ok(Some(1)), Ok(Some(1))));
}
