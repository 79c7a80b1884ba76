//! Every output, as it comes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::Input;
use super::drive::{Drive, Running};
use super::input::OutputOf;

/// The stream of the outputs of a [`FanOut`](super::FanOut) as the children finish, each with the index of its item;
/// see [`FanOut::unordered`](super::FanOut::unordered).
///
/// The children run only while the stream is polled. They stand still while its consumer waits for something else, and
/// keep what they hold: a consumer that waits for a lock which a child has, or is next in line for, waits for ever.
///
/// # Cancel safety
///
/// Dropping the future of the next output loses nothing. Dropping the stream drops the children that run; items
/// not launched by then never are.
#[must_use = "streams do nothing unless they are polled"]
pub struct Unordered<I: Input> {
    drive: Option<Drive<I>>,
}

impl<I: Input> Unordered<I> {
    pub(super) fn new(drive: Drive<I>) -> Self {
        Self { drive: Some(drive) }
    }
}

impl<I: Input> Stream for Unordered<I> {
    type Item = (usize, OutputOf<I>);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(mut running) = Running::of(&mut self.get_mut().drive) else { return Poll::Ready(None) };
        let next = running.drive().poll_next(cx);
        if !matches!(next, Poll::Ready(None)) {
            running.goes_on();
        }
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.drive.as_ref().map_or((0, Some(0)), Drive::remaining)
    }
}

/// After the last output it returns `None` for good.
impl<I: Input> FusedStream for Unordered<I> {
    fn is_terminated(&self) -> bool {
        self.drive.is_none()
    }
}

/// The children are pinned where they are, and nothing else is.
impl<I: Input> Unpin for Unordered<I> {}

impl<I: Input> fmt::Debug for Unordered<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unordered").field("drive", &self.drive).finish_non_exhaustive()
    }
}
