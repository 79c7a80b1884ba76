//! Runs futures to their end: in a bare loop, or on a runtime for a peer that needs one.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

/// Polls the future until it is ready. Timers can be set in it, but never fire.
pub(crate) fn poll<F: Future>(future: F) -> F::Output {
    let _entered = RUNTIME.enter();
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Runs the future on a tokio runtime of one thread.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Makes `calls` calls one after the other, each with the next number, and returns the sum of their results.
pub(crate) async fn repeat(calls: u64, mut call: impl AsyncFnMut(u64) -> u64) -> u64 {
    let mut sum = 0;
    for id in 0..calls {
        sum += black_box(call(black_box(id)).await);
    }
    sum
}

/// Makes the same calls of a function that blocks.
pub(crate) fn repeat_blocking(calls: u64, mut call: impl FnMut(u64) -> u64) -> u64 {
    (0..calls).map(|id| black_box(call(black_box(id)))).sum()
}

pub(crate) fn runtime() -> &'static Runtime {
    &RUNTIME
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime of one thread");
    // A timer that fires before all others makes tokio wake its driver, which costs more than the measured work.
    // A service has other timers that fire earlier, so this runtime has one too.
    runtime.spawn(async { sleep(Duration::from_secs(1)).await });
    runtime.block_on(async { sleep(Duration::from_millis(1)).await });
    runtime
});
