//! Children that run as tasks of their own.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::retry::as_here;
use crate::{Deadline, Error, FromRejection, PolicyKind, Reason};

/// Makes each future of `function` a tokio task, so that the children of a fan-out run on all cores.
///
/// A task is spawned when the future is first polled, takes the [`Deadline`] in force along, and whether
/// [retries are turned off](crate::without_retries). Dropping the future aborts it: what it holds is dropped at its next
/// `.await`, which may be a little later. So a [`limit`](crate::FanOut::limit) counts tasks that have not been aborted.
///
/// A panic in a task goes on in whoever polls the future. A task that the runtime drops because it shuts down is a
/// rejection ([`Reason::Cancelled`]), and so is the want of a runtime ([`Reason::NoRuntime`]).
///
/// # Examples
///
/// ```
/// use resilient::{Error, FanOut, fan::spawned};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Error> {
/// let checksum = |block: Vec<u8>| async move { Ok::<_, Error>(block.iter().map(|byte| u64::from(*byte)).sum::<u64>()) };
///
/// assert_eq!(FanOut::new([vec![1, 2], vec![3]], spawned(checksum)).try_all().await?, [3, 3]);
/// # Ok(())
/// # }
/// ```
pub fn spawned<T, F, Fut>(mut function: F) -> impl FnMut(T) -> Task<Fut>
where
    F: FnMut(T) -> Fut,
    Fut: Future<Output: FromRejection + Send + 'static> + Send + 'static,
{
    move |item| Task::new(function(item), |future, runtime| runtime.spawn(carrying(future)))
}

/// Runs each future of `function` on a thread for blocking work, so that the children of a fan-out may block.
///
/// As [`spawned`], but a future that has been started cannot be stopped: dropping it only keeps one from being started that
/// waits for a thread.
///
/// # Examples
///
/// ```
/// use resilient::{Error, FanOut, fan::spawned_blocking};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Error> {
/// let size = |path: &'static str| async move { Ok::<_, Error>(std::fs::metadata(path).is_ok_and(|file| file.is_dir())) };
///
/// assert_eq!(FanOut::new(["/", "/no such directory"], spawned_blocking(size)).try_all().await?, [true, false]);
/// # Ok(())
/// # }
/// ```
pub fn spawned_blocking<T, F, Fut>(mut function: F) -> impl FnMut(T) -> Task<Fut>
where
    F: FnMut(T) -> Fut,
    Fut: Future<Output: FromRejection + Send + 'static> + Send + 'static,
{
    move |item| {
        Task::new(function(item), |future, runtime| {
            let (future, driver) = (carrying(future), runtime.clone());
            runtime.spawn_blocking(move || driver.block_on(future))
        })
    }
}

/// Takes what is in force here along.
fn carrying<F: Future>(future: F) -> impl Future<Output = F::Output> {
    Deadline::inherit(as_here(future))
}

/// A future that runs as a task of its own; what the functions of [`spawned`] and [`spawned_blocking`] return.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Task<F: Future> {
    stage: Stage<F>,
    spawn: fn(F, &Handle) -> JoinHandle<F::Output>,
}

enum Stage<F: Future> {
    /// Never polled where it is.
    New(F),
    Running(JoinHandle<F::Output>),
    Over,
}

impl<F: Future> Task<F> {
    fn new(future: F, spawn: fn(F, &Handle) -> JoinHandle<F::Output>) -> Self {
        Self { stage: Stage::New(future), spawn }
    }
}

impl<F: Future<Output: FromRejection>> Future for Task<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        if let Stage::New(future) = match this.stage {
            Stage::New(_) => std::mem::replace(&mut this.stage, Stage::Over),
            _ => Stage::Over,
        } {
            let Ok(runtime) = Handle::try_current() else {
                return Poll::Ready(reject(Reason::NoRuntime));
            };
            this.stage = Stage::Running((this.spawn)(future, &runtime));
        }
        let Stage::Running(handle) = &mut this.stage else { panic!("a task was polled after it had finished") };
        let outcome = ready!(Pin::new(handle).poll(cx));
        this.stage = Stage::Over;
        Poll::Ready(match outcome {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => reject(Reason::Cancelled),
            },
        })
    }
}

impl<F: Future> Drop for Task<F> {
    fn drop(&mut self) {
        if let Stage::Running(handle) = &self.stage {
            handle.abort();
        }
    }
}

/// The future is moved into the task, and polled there.
impl<F: Future> Unpin for Task<F> {}

impl<F: Future> fmt::Debug for Task<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::New(_) => "new",
            Stage::Running(_) => "running",
            Stage::Over => "over",
        };
        f.debug_struct("Task").field("stage", &stage).finish_non_exhaustive()
    }
}

fn reject<O: FromRejection>(reason: Reason) -> O {
    O::from_rejection(Error::new(PolicyKind::FanOut, "fan_out", reason))
}
