//! Every output, in the order of the input.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Input;
use super::drive::Drive;
use super::in_order::InOrder;
use super::input::OutputOf;

/// The future of every output of a [`FanOut`](super::FanOut), in the order of the input; what `.await` on it polls.
///
/// # Cancel safety
///
/// Dropping it drops the children that run and the outputs so far. Items not launched by then never are.
///
/// # Panics
///
/// When it is polled again after it has returned.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Collect<I: Input> {
    drive: Option<Drive<I>>,
    outputs: InOrder<OutputOf<I>>,
}

impl<I: Input> Collect<I> {
    pub(super) fn new(drive: Drive<I>) -> Self {
        Self { drive: Some(drive), outputs: InOrder::new() }
    }
}

impl<I: Input> Future for Collect<I> {
    type Output = Vec<OutputOf<I>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { drive, outputs } = self.get_mut();
        ready!(Drive::poll_each(drive, cx, |index, output| {
            outputs.insert(index, output);
            ControlFlow::<Infallible>::Continue(())
        }));
        Poll::Ready(outputs.take())
    }
}

/// The children are pinned where they are, and nothing else is.
impl<I: Input> Unpin for Collect<I> {}

impl<I: Input> fmt::Debug for Collect<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect").field("drive", &self.drive).finish_non_exhaustive()
    }
}
