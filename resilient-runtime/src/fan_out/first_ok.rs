//! The first success, or every error.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Input;
use super::drive::Drive;
use super::in_order::InOrder;

/// The future of the first success of a [`FanOut`](super::FanOut), or of all its errors; see
/// [`FanOut::first_ok`](super::FanOut::first_ok).
///
/// # Cancel safety
///
/// Dropping it drops the children that run and the errors so far. Items not launched by then never are.
///
/// # Panics
///
/// When it is polled again after it has returned.
#[must_use = "futures do nothing unless they are awaited"]
pub struct FirstOk<I: Input, E> {
    drive: Option<Drive<I>>,
    errors: InOrder<E>,
}

impl<I: Input, E> FirstOk<I, E> {
    pub(super) fn new(drive: Drive<I>) -> Self {
        Self { drive: Some(drive), errors: InOrder::new() }
    }
}

impl<I, T, E> Future for FirstOk<I, E>
where
    I: Input<Child: Future<Output = Result<T, E>>>,
{
    type Output = Result<T, Vec<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { drive, errors } = self.get_mut();
        let succeeded = ready!(Drive::poll_each(drive, cx, |index, outcome| match outcome {
            Ok(value) => ControlFlow::Break(value),
            Err(error) => {
                errors.insert(index, error);
                ControlFlow::Continue(())
            }
        }));
        Poll::Ready(succeeded.ok_or_else(|| errors.take()))
    }
}

/// The children are pinned where they are, and nothing else is.
impl<I: Input, E> Unpin for FirstOk<I, E> {}

impl<I: Input, E> fmt::Debug for FirstOk<I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOk").field("drive", &self.drive).finish_non_exhaustive()
    }
}
