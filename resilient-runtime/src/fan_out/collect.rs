//! Every output, in the order of the input.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::Launch;
use super::drive::Drive;
use super::in_order::InOrder;

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
pub struct Collect<I: Iterator, L: Launch<I::Item>> {
    drive: Option<Drive<I, L>>,
    outputs: InOrder<L::Output>,
}

impl<I: Iterator, L: Launch<I::Item>> Collect<I, L> {
    pub(super) fn new(drive: Drive<I, L>) -> Self {
        Self { drive: Some(drive), outputs: InOrder::new() }
    }
}

impl<I: Iterator, L: Launch<I::Item>> Future for Collect<I, L> {
    type Output = Vec<L::Output>;

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
impl<I: Iterator, L: Launch<I::Item>> Unpin for Collect<I, L> {}

impl<I: Iterator, L: Launch<I::Item>> fmt::Debug for Collect<I, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect").field("drive", &self.drive).finish_non_exhaustive()
    }
}
