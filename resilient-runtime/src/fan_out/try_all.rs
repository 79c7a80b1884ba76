//! Every success, or the first error.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Input;
use super::drive::Drive;
use super::in_order::InOrder;

/// The future of every success of a [`FanOut`](super::FanOut), or of its first error; see
/// [`FanOut::try_all`](super::FanOut::try_all).
///
/// # Cancel safety
///
/// Dropping it drops the children that run and the successes so far. Items not launched by then never are.
///
/// # Panics
///
/// When it is polled again after it has returned.
#[must_use = "futures do nothing unless they are awaited"]
pub struct TryAll<I: Input, T> {
    drive: Option<Drive<I>>,
    values: InOrder<T>,
}

impl<I: Input, T> TryAll<I, T> {
    pub(super) fn new(drive: Drive<I>) -> Self {
        Self { drive: Some(drive), values: InOrder::new() }
    }
}

impl<I, T, E> Future for TryAll<I, T>
where
    I: Input<Child: Future<Output = Result<T, E>>>,
{
    type Output = Result<Vec<T>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { drive, values } = self.get_mut();
        let failed = ready!(Drive::poll_each(drive, cx, |index, outcome| match outcome {
            Ok(value) => {
                values.insert(index, value);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }));
        Poll::Ready(match failed {
            Some(error) => Err(error),
            None => Ok(values.take()),
        })
    }
}

/// The children are pinned where they are, and nothing else is.
impl<I: Input, T> Unpin for TryAll<I, T> {}

impl<I: Input, T> fmt::Debug for TryAll<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryAll").field("drive", &self.drive).finish_non_exhaustive()
    }
}
