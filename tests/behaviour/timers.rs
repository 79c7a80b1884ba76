//! The policies without a clock to wait on: on a runtime without timers, and outside any runtime.
//!
//! Each policy needs no wait, or leaves out the part that needs one, or refuses. No panic leaves the call.

use std::collections::HashMap;
use std::future::{Future, IntoFuture};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use futures_util::future::{join, join_all};
use resilient::test::record;
use resilient::{
    Bulkhead, FanOut, GaveUp, RateLimit, Reason, Retry, Verdict, batch, bulkhead, circuit_breaker, coalesce,
    fan::Settlement, hedge, rate_limit, retry, timeout,
};
use resilient_tests::{Error, Script, ms};
use tokio::task::yield_now;

/// Runs `run` on a runtime without timers, and then again outside any runtime.
fn everywhere<T>(mut run: impl AsyncFnMut() -> T) -> [T; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    [runtime.block_on(run()), off_runtime(run())]
}

/// Polls the future in a loop, as the simplest executor does.
fn off_runtime<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..1_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("it waits for ever");
}

/// Returns a future that is pending once and needs no runtime.
fn pending_once() -> impl Future<Output = ()> {
    let mut polled = false;
    std::future::poll_fn(move |cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Reason {
    outcome.unwrap_err().reason()
}

#[test]
fn a_rate_limit_refuses_to_wait() {
    static LIMIT: RateLimit = RateLimit::named("timers: rate").rate(1, ms(3_600_000)).burst(2).max_wait(ms(3_600_000));
    #[rate_limit(with = LIMIT)]
    async fn function() -> Result<(), Error> {
        Ok(())
    }
    assert_eq!(everywhere(function), [Ok(()), Ok(())]);

    assert_eq!(everywhere(function).map(reason), [Reason::NoRuntime, Reason::NoRuntime]);

    let counts = LIMIT.counts();
    assert_eq!((counts.admitted, counts.waiting), (2, 0));
}

#[test]
fn a_retry_that_would_wait_is_not_made() {
    #[retry(max = 3, backoff = "fixed", base = "10ms", name = "timers: waits")]
    async fn waits(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[timeout(total = "1s")]
    #[retry(max = 3, backoff = "fixed", base = "10ms", name = "timers: in time")]
    async fn in_time(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 3, backoff = "none")]
    async fn at_once(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let log = record();

    for script in everywhere(async || {
        let script = Script::failing(2);
        assert_eq!(waits(&script).await, Err(Error::Down));
        script
    }) {
        assert_eq!(script.attempts(), 1);
    }
    for attempts in everywhere(async || {
        let script = Script::failing(2);
        assert_eq!(in_time(&script).await, Err(Error::Down));
        script.attempts()
    }) {
        assert_eq!(attempts, 1);
    }
    for attempts in everywhere(async || {
        let script = Script::failing(2);
        assert_eq!(at_once(&script).await, Ok(()));
        script.attempts()
    }) {
        assert_eq!(attempts, 3);
    }

    assert_eq!(log.gave_up("timers: waits"), [GaveUp::NoTimer; 2]);
    assert_eq!(log.gave_up("timers: in time"), [GaveUp::NoTimer; 2]);
}

#[test]
fn a_retry_that_is_not_made_costs_the_budget_nothing() {
    static CALLS: Retry = Retry::named("timers: budget").backoff(resilient::Backoff::fixed(ms(10)));
    let before = CALLS.budget_balance();

    for settled in everywhere(async || {
        let mut call = CALLS.begin();
        let failed: Result<(), Error> = Err(Error::Down);
        call.settle(failed)
    }) {
        assert!(matches!(settled, Verdict::Accept(Err(Error::Down))));
    }

    assert!(CALLS.budget_balance() >= before);
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_is_awaited_elsewhere_yields_once() {
    static CALLS: Retry = Retry::named("timers: delay").backoff(resilient::Backoff::fixed(ms(10)));
    let failed: Result<(), Error> = Err(Error::Down);
    let Verdict::Retry(delay) = CALLS.begin().settle(failed) else { panic!("retried") };

    let polls = std::thread::spawn(move || {
        everywhere(async || {
            let mut polls = 0;
            let mut delayed = pin!(delay.into_future());
            std::future::poll_fn(|cx| {
                polls += 1;
                delayed.as_mut().poll(cx)
            })
            .await;
            polls
        })
    });

    assert_eq!(polls.join().unwrap(), [2, 2]);
}

#[test]
fn a_hedge_starts_nothing_by_time() {
    #[hedge(idempotent, after = "10ms", ratio = "100%")]
    async fn slow(attempts: &AtomicU32) -> Result<u32, Error> {
        pending_once().await;
        Ok(attempts.fetch_add(1, Ordering::SeqCst))
    }
    #[hedge(idempotent, after = "10ms", ratio = "100%")]
    async fn fails(script: &Script) -> Result<(), Error> {
        pending_once().await;
        script.next()
    }

    for outcome in everywhere(async || slow(&AtomicU32::new(0)).await) {
        assert_eq!(outcome, Ok(0));
    }
    for (outcome, attempts) in everywhere(async || {
        let script = Script::failing(1);
        (fails(&script).await, script.attempts())
    }) {
        assert_eq!((outcome, attempts), (Ok(()), 2), "a failure starts one");
    }
}

#[test]
fn a_bulkhead_refuses_to_wait_and_gets_its_permits_back() {
    static FEW: Bulkhead = Bulkhead::named("timers: few").limit(1).max_wait(ms(100));
    #[bulkhead(with = FEW)]
    async fn function() -> Result<(), Error> {
        pending_once().await;
        Ok(())
    }

    for (first, second) in everywhere(async || join(function(), function()).await) {
        assert_eq!(first, Ok(()));
        assert_eq!(reason(second), Reason::NoRuntime);
    }

    let counts = FEW.counts();
    assert_eq!((counts.in_use, counts.waiting, counts.no_runtime), (0, 0, 2));
    assert_eq!(everywhere(function), [Ok(()), Ok(())]);
}

#[test]
fn a_batch_gathers_for_one_turn() {
    #[batch(max_wait = "10ms")]
    async fn load(keys: Vec<u64>) -> Result<HashMap<u64, usize>, Error> {
        let count = keys.len();
        Ok(keys.into_iter().map(|key| (key, count)).collect())
    }

    for outcomes in everywhere(async || join_all([1, 2, 3].map(load_one)).await) {
        assert_eq!(outcomes, [Ok(Some(3)), Ok(Some(3)), Ok(Some(3))]);
    }
}

#[test]
fn a_fan_out_that_settles_in_time_has_no_time() {
    let item = |n: u32| async move {
        if n == 1 {
            std::future::pending::<()>().await;
        }
        Ok::<_, Error>(n)
    };

    for settled in everywhere(async || FanOut::new([0, 1, 2], item).settle_within(ms(100)).await) {
        assert_eq!(settled, [Settlement::Ok(0), Settlement::Unfinished, Settlement::Ok(2)]);
    }
}

#[test]
fn what_needs_no_time_works() {
    #[timeout("1s")]
    #[circuit_breaker]
    #[rate_limit("100/s", max_wait = "1s")]
    #[bulkhead(limit = 4)]
    async fn stack() -> Result<(), Error> {
        Ok(())
    }
    #[coalesce(key = n)]
    async fn shared(n: u32) -> Result<u32, Error> {
        pending_once().await;
        Ok(n)
    }

    assert_eq!(everywhere(stack), [Ok(()), Ok(())]);
    for outcomes in everywhere(async || join(shared(1), shared(1)).await) {
        assert_eq!(outcomes, (Ok(1), Ok(1)));
    }
}

#[test]
fn a_time_out_that_has_to_wait_is_refused() {
    #[timeout("1s")]
    async fn waits() -> Result<(), Error> {
        yield_now().await;
        std::future::pending::<()>().await;
        Ok(())
    }

    assert_eq!(everywhere(waits).map(reason), [Reason::NoRuntime, Reason::NoRuntime]);
}

/// The same policies in one boxed future, as an executor holds them.
#[test]
fn a_stack_refuses_and_does_not_panic() {
    #[retry(max = 2, backoff = "fixed", base = "10ms")]
    #[hedge(idempotent, after = "10ms", ratio = "100%")]
    #[rate_limit("1/s", max_wait = "10s")]
    async fn stack(script: &Script) -> Result<(), Error> {
        pending_once().await;
        script.next()
    }

    let outcomes = everywhere(async || {
        let script = Script::failing(5);
        let boxed: Pin<Box<dyn Future<Output = Result<(), Error>>>> = Box::pin(async move { stack(&script).await });
        boxed.await
    });

    assert_eq!(outcomes[0], Err(Error::Down));
    assert!(outcomes[1].is_err());
}
