//! One policy used by more and more tasks, on all cores.

use std::hint::black_box;

use resilient::{bulkhead, circuit_breaker, rate_limit, retry, timeout};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::charts::{Chart, Curve, least_nanos};
use crate::work::{Failure, attempt};

pub(crate) fn chart() -> Chart {
    let runtime = Builder::new_multi_thread().enable_time().build().expect("a runtime");
    let runtime = &runtime;
    let curves = vec![
        Curve::new("no policy", SIZES, |tasks| nanos(runtime, tasks, plain)),
        Curve::new("tokio `Semaphore`", SIZES, |tasks| nanos(runtime, tasks, semaphore)),
        Curve::new("resilient `#[circuit_breaker]`", SIZES, |tasks| nanos(runtime, tasks, guarded)),
        Curve::new("resilient `#[bulkhead]`", SIZES, |tasks| nanos(runtime, tasks, few)),
        Curve::new("resilient `#[rate_limit]`", SIZES, |tasks| nanos(runtime, tasks, limited)),
        Curve::new("resilient, time-out, retry and circuit breaker", SIZES, |tasks| nanos(runtime, tasks, stacked)),
    ];
    Chart {
        title: "Tasks",
        about: "So many tasks that make calls through one policy, on all cores of the machine (two, here), and give way to each other after 128 calls. The time is that of \
                the clock on the wall over the number of calls, so that it falls by half where two cores do not wait for each other.",
        axis: "tasks",
        unit: "ns per call",
        curves,
    }
}

fn nanos<F>(runtime: &Runtime, tasks: u64, call: fn(u64) -> F) -> f64
where
    F: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    least_nanos(CALLS, || {
        runtime.block_on(async {
            let task = |_| {
                tokio::spawn(async move {
                    for id in 0..CALLS / tasks {
                        black_box(call(black_box(id)).await.unwrap());
                        if id % TURN == 0 {
                            yield_now().await;
                        }
                    }
                })
            };
            for task in (0..tasks).map(task).collect::<Vec<_>>() {
                task.await.expect("no panic");
            }
        });
    })
}

async fn plain(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

async fn semaphore(id: u64) -> Result<u64, Failure> {
    static SEMAPHORE: Semaphore = Semaphore::const_new(64);
    let _permit = SEMAPHORE.acquire().await.expect("open");
    attempt(id).await
}

#[circuit_breaker]
async fn guarded(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

#[bulkhead(limit = 64)]
async fn few(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

#[rate_limit("1000000000/s")]
async fn limited(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

#[timeout(total = "60s")]
#[retry]
#[circuit_breaker]
async fn stacked(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64];
/// After so many calls, a task gives way to the others.
const TURN: u64 = 128;
const CALLS: u64 = 256_000;
