//! `#[timeout]` and the deadline it sets.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilient::{Deadline, Mode, Reason, Settled, Timeout, retry, timeout};
use resilient_tests::{Alive, Error, Stopwatch, ms};
use tokio::time::sleep;

#[timeout("50ms")]
async fn takes(time: Duration) -> Result<(), Error> {
    sleep(time).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_in_time_is_left_alone() {
    let watch = Stopwatch::start();

    assert_eq!(takes(ms(49)).await, Ok(()));

    assert_eq!(watch.elapsed(), 49);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_is_given_up() {
    let watch = Stopwatch::start();

    let error = takes(ms(1_000)).await.unwrap_err();

    assert_eq!(error.reason(), Reason::TimedOut { limit: ms(50) });
    assert_eq!(error, Error::Refused(resilient_error(&error)));
    assert_eq!(watch.elapsed(), 50);
}

fn resilient_error(error: &Error) -> resilient::Error {
    match error {
        Error::Refused(rejection) => rejection.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_message_names_the_function_and_the_time() {
    let error = takes(ms(1_000)).await.unwrap_err();

    assert_eq!(resilient_error(&error).to_string(), "`takes` did not end within 50ms");
}

#[tokio::test(start_paused = true)]
async fn a_name_of_its_own_is_in_the_message() {
    #[timeout("50ms", name = "the look-up")]
    async fn renamed() -> Result<(), Error> {
        pending().await
    }

    assert_eq!(resilient_error(&renamed().await.unwrap_err()).name(), "the look-up");
}

#[tokio::test(start_paused = true)]
async fn the_body_is_dropped_before_the_caller_hears_of_it() {
    #[timeout("50ms")]
    async fn holds(count: &AtomicU32) -> Result<(), Error> {
        let _alive = Alive::new(count);
        pending().await
    }
    let count = AtomicU32::new(0);

    holds(&count).await.unwrap_err();

    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn the_body_sees_its_deadline() {
    #[timeout("50ms")]
    async fn asks() -> Result<[Duration; 2], Error> {
        let at_first = Deadline::current().unwrap().remaining();
        sleep(ms(20)).await;
        let later = Deadline::current().unwrap().remaining();
        Ok([at_first, later])
    }

    assert_eq!(Deadline::current(), None);
    assert_eq!(asks().await, Ok([ms(50), ms(30)]));
    assert_eq!(Deadline::current(), None, "it does not leak out");
}

#[tokio::test(start_paused = true)]
async fn an_inner_deadline_is_never_later_than_an_outer_one() {
    #[timeout("1s")]
    async fn inner() -> Result<Duration, Error> {
        sleep(ms(10)).await;
        Ok(Deadline::current().unwrap().remaining())
    }
    #[timeout("50ms")]
    async fn outer() -> Result<[Duration; 2], Error> {
        let nested = inner().await?;
        Ok([nested, Deadline::current().unwrap().remaining()])
    }

    assert_eq!(outer().await, Ok([ms(40), ms(40)]));
}

#[tokio::test(start_paused = true)]
async fn the_outer_time_out_is_the_one_that_fires_when_it_comes_first() {
    #[timeout("1s")]
    async fn inner() -> Result<(), Error> {
        pending().await
    }
    #[timeout("50ms")]
    async fn outer() -> Result<(), Error> {
        inner().await
    }
    let watch = Stopwatch::start();

    let error = outer().await.unwrap_err();

    assert_eq!(error.reason(), Reason::TimedOut { limit: ms(50) });
    assert_eq!(watch.elapsed(), 50);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_after_the_deadline() {
    #[timeout("10ms")]
    async fn inner(started: &AtomicU32) -> Result<(), Error> {
        started.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    // a body that does not yield runs on past the deadline
    #[timeout("50ms")]
    async fn outer(started: &AtomicU32) -> Result<(), Error> {
        sleep(ms(10)).await;
        tokio::time::advance(ms(60)).await;
        inner(started).await
    }
    let started = AtomicU32::new(0);

    let error = outer(&started).await.unwrap_err();

    assert!(matches!(error.reason(), Reason::DeadlineExceeded | Reason::TimedOut { .. }), "{error:?}");
    assert_eq!(started.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn total_and_attempt_go_to_their_levels() {
    #[timeout(total = "100ms", attempt = "60ms")]
    #[retry(max = 10, backoff = "none")]
    async fn never(attempts: &AtomicU32) -> Result<(), Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        pending().await
    }
    let attempts = AtomicU32::new(0);
    let watch = Stopwatch::start();

    let error = never(&attempts).await.unwrap_err();

    assert_eq!(error.reason(), Reason::TimedOut { limit: ms(100) });
    assert_eq!((attempts.load(Ordering::SeqCst), watch.elapsed()), (2, 100));
}

#[tokio::test(start_paused = true)]
async fn a_limit_may_be_a_constant_expression() {
    const LIMIT: Duration = ms(7);
    #[timeout(LIMIT)]
    async fn constant() -> Result<(), Error> {
        pending().await
    }
    #[timeout(Duration::from_millis(2 * 4))]
    async fn expression() -> Result<(), Error> {
        pending().await
    }
    let watch = Stopwatch::start();

    constant().await.unwrap_err();
    expression().await.unwrap_err();

    assert_eq!(watch.elapsed(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_policy_value_of_the_users_can_be_used() {
    struct Api {
        timeout: Timeout,
    }
    impl Api {
        #[timeout(with = self.timeout)]
        async fn hangs(&self) -> Result<(), Error> {
            pending().await
        }
    }
    let api = Api { timeout: Timeout::named("api", ms(9)) };

    assert_eq!(api.hangs().await.unwrap_err().reason(), Reason::TimedOut { limit: ms(9) });
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let outcome = futures_util::future::FutureExt::now_or_never(takes_nothing()).unwrap();

    assert_eq!(outcome, Ok(()), "ready at once needs no timer");

    let mut waits = Box::pin(waits_without_timer());
    let outcome = futures_util::future::FutureExt::now_or_never(waits.as_mut()).unwrap();

    assert_eq!(outcome.unwrap_err().reason(), Reason::NoRuntime);
}

#[timeout("50ms")]
async fn takes_nothing() -> Result<(), Error> {
    Ok(())
}

#[timeout("50ms")]
async fn waits_without_timer() -> Result<(), Error> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_deadline_from_elsewhere_is_kept_by_the_time_out_under_it() {
    #[timeout("1s")]
    async fn hangs() -> Result<(), Error> {
        pending().await
    }
    let watch = Stopwatch::start();

    let error = Deadline::after(ms(30)).scope(hangs()).await.unwrap_err();

    assert_eq!((error.reason(), watch.elapsed()), (Reason::DeadlineExceeded, 30));
}

#[tokio::test(start_paused = true)]
async fn a_scope_tightens_and_never_loosens() {
    #[timeout("50ms")]
    async fn inside(scope: Duration) -> Result<Duration, Error> {
        Ok(Deadline::after(scope).scope(async { Deadline::current().unwrap().remaining() }).await)
    }

    assert_eq!(inside(ms(1_000)).await, Ok(ms(50)));
    assert_eq!(inside(ms(20)).await, Ok(ms(20)));
    assert_eq!(Deadline::current(), None);
}

#[tokio::test(start_paused = true)]
async fn a_spawned_task_has_the_deadline_only_if_it_inherits_it() {
    #[timeout("50ms")]
    async fn spawns() -> Result<[bool; 2], Error> {
        let ask = || async { Deadline::current().is_some() };
        let without = tokio::spawn(ask()).await.unwrap();
        let with = tokio::spawn(Deadline::inherit(ask())).await.unwrap();
        Ok([without, with])
    }

    assert_eq!(spawns().await, Ok([false, true]));
}

#[tokio::test(start_paused = true)]
async fn a_retry_keeps_a_deadline_that_came_in_a_header() {
    #[retry(max = 10, backoff = "fixed", base = "100ms")]
    async fn fails(attempts: &AtomicU32) -> Result<(), Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        Err(Error::Down)
    }
    let attempts = AtomicU32::new(0);
    let watch = Stopwatch::start();

    Deadline::from_header("250m").unwrap().scope(fails(&attempts)).await.unwrap_err();

    assert_eq!((attempts.load(Ordering::SeqCst), watch.elapsed()), (3, 200));
}

#[tokio::test(start_paused = true)]
async fn a_panic_does_not_leave_its_deadline_behind() {
    #[timeout("50ms")]
    async fn panics() -> Result<(), Error> {
        panic!("on purpose")
    }

    let panicked = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(panics())).await;

    assert!(panicked.is_err());
    assert_eq!(Deadline::current(), None);
}

mod polled_somewhere_else {
    //! A future that was first polled under an earlier deadline keeps its own limit under another.

    use std::pin::pin;

    use futures_util::FutureExt;
    use resilient::{Deadline, Reason, Settled, Timeout, retry, timeout};
    use resilient_tests::{Error, ms};
    use tokio::time::Instant;

    #[timeout("10s")]
    async fn slow() -> Result<(), Error> {
        std::future::pending().await
    }

    #[timeout(total = "10s", attempt = "300ms")]
    #[retry(max = 100, backoff = "none", budget = none)]
    async fn in_rounds() -> Result<(), Error> {
        std::future::pending().await
    }

    static QUICK: Timeout = Timeout::named("quick", ms(1_000));

    /// Polls the future under a second, and then under the rest of its own ten seconds.
    async fn after_a_hurry(call: impl Future<Output = Result<(), Error>>) -> (Reason, u64) {
        let start = Instant::now();
        let mut call = pin!(call);

        assert!(matches!(QUICK.run(call.as_mut()).await, Settled::Rejected(_)));
        let reason = call.await.unwrap_err().reason();

        (reason, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_earlier_time_out() {
        assert_eq!(after_a_hurry(slow()).await, (Reason::TimedOut { limit: ms(10_000) }, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn in_the_rounds_of_a_retry() {
        let start = Instant::now();
        let mut call = Box::pin(in_rounds());

        // the first attempt begins under the deadline, and the others begin outside of it
        let first = Deadline::after(ms(1_000)).scope(call.as_mut()).now_or_never();
        assert!(first.is_none());
        let reason = call.await.unwrap_err().reason();

        // the call may end before its ten seconds, at an attempt that could not end within them
        let seconds = start.elapsed().as_secs_f64();
        assert!(
            matches!(reason, Reason::TimedOut { .. }) && (9.0..=10.0).contains(&seconds),
            "{reason:?} after {seconds} s"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn in_another_task() {
        let start = Instant::now();
        let mut call = Box::pin(slow());

        assert!(matches!(QUICK.run(call.as_mut()).await, Settled::Rejected(_)));
        let outcome = tokio::spawn(call).await.unwrap();

        assert_eq!(outcome.unwrap_err().reason(), Reason::TimedOut { limit: ms(10_000) });
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn shared_with_a_caller_who_is_not_in_a_hurry() {
        let start = Instant::now();
        let call = slow().map(|outcome| outcome.unwrap_err().reason()).boxed().shared();

        let (hurried, patient) = tokio::join!(QUICK.run(call.clone()), call);

        assert!(matches!(hurried, Settled::Rejected(_)));
        assert_eq!((patient, start.elapsed().as_secs()), (Reason::TimedOut { limit: ms(10_000) }, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_scope_of_an_earlier_deadline() {
        let start = Instant::now();
        let mut call = Box::pin(slow());

        let first = Deadline::after(ms(1_000)).scope(call.as_mut()).now_or_never();
        assert!(first.is_none());
        let reason = call.await.unwrap_err().reason();

        assert_eq!((reason, start.elapsed().as_secs()), (Reason::TimedOut { limit: ms(10_000) }, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn from_the_scope_of_a_deadline_into_that_of_an_earlier_one() {
        let start = Instant::now();
        let mut call = Box::pin(slow());

        let first = Deadline::after(ms(5_000)).scope(call.as_mut()).now_or_never();
        assert!(first.is_none());
        let reason = Deadline::after(ms(2_000)).scope(call).await.unwrap_err().reason();

        assert_eq!((reason, start.elapsed().as_secs()), (Reason::DeadlineExceeded, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn into_the_scope_of_an_earlier_deadline() {
        let start = Instant::now();
        let mut call = Box::pin(slow());

        assert!(call.as_mut().now_or_never().is_none());
        let reason = Deadline::after(ms(2_000)).scope(call).await.unwrap_err().reason();

        assert_eq!((reason, start.elapsed().as_secs()), (Reason::DeadlineExceeded, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_out_that_does_not_enforce_sets_no_deadline() {
    for (mode, left) in [(Mode::Enforce, Some(ms(10))), (Mode::Observe, None), (Mode::Off, None)] {
        let timeout = Timeout::named("deadline by mode", ms(10)).mode(mode);

        let remaining = async || Ok::<_, Error>(Deadline::current().map(Deadline::remaining));
        let inside = timeout.run(remaining()).await;
        let under = Deadline::after(ms(20)).scope(timeout.run(remaining())).await;

        assert!(matches!(inside, Settled::Outcome(Ok(found)) if found == left), "{mode:?}");
        assert!(matches!(under, Settled::Outcome(Ok(found)) if found == left.or(Some(ms(20)))), "{mode:?}");
    }
}
