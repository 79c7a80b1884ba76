//! The callers: those that wait for their call, and those that do everything else.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use resilient::{Deadline, Settled, Timeout};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::fault::panic_on_purpose;
use crate::luck::Luck;
use crate::part::Call;
use crate::world::World;

static SHORT: Timeout = Timeout::named("chaos: short", Duration::from_millis(5));
static LONG: Timeout = Timeout::named("chaos: long", Duration::from_secs(30));

/// Makes a call and gives it a fate.
pub(crate) async fn caller(world: Arc<World>, mut luck: Luck) {
    let mut call = world.call(&mut luck, 0);
    match luck.below(11) {
        0..4 => drop(call.await),
        // aborted from outside, at any await
        4 => {
            let task = tokio::spawn(call);
            sleep(luck.millis(100)).await;
            task.abort();
            let _ = task.await;
        }
        5 => polled(&mut call, luck.below(12)).await,
        6 => drop(timeout(luck.millis(100), call).await),
        // begun in one task, and ended in another
        7 if !is_ended(&mut call) => {
            let mut tasks = JoinSet::new();
            tasks.spawn(async move { drop(timeout(Duration::from_secs(60), call).await) });
            tasks.join_all().await;
        }
        8 if !is_ended(&mut call) => {
            world.parked.lock().unwrap().push(call);
        }
        // begun in one time-out, and ended in another, or in a deadline of its own
        9 if !matches!(SHORT.run(once(&mut call)).await, Settled::Outcome(true)) => {
            if luck.once_in(2) {
                drop(LONG.run(call).await);
            } else {
                drop(Deadline::after(luck.millis(200)).scope(timeout(Duration::from_secs(60), call)).await);
            }
        }
        _ => drop(call),
    }
}

/// Polls it so often, with other work in between, and drops it.
async fn polled(call: &mut Call, times: u32) {
    for _ in 0..times {
        if once(call).await {
            break;
        }
        tokio::task::yield_now().await;
    }
}

/// Polls it once in this task, and returns whether it has ended.
pub(crate) fn once(call: &mut Call) -> impl Future<Output = bool> {
    poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready()))
}

/// Polls it once with a waker of no task, as a caller does that forgets it.
fn is_ended(call: &mut Call) -> bool {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Polls it once with a waker that panics when it wakes.
pub(crate) fn poll_with_a_waker_that_panics(call: &mut Call) {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic_on_purpose();
        }
    }

    let _ = call.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(Panics))));
}

/// Drops a call, whose key may panic then.
pub(crate) fn forget(call: Call) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(call)));
}
