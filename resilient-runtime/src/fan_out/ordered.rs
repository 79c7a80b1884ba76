//! Every output in the order of the input, as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::Input;
use super::drive::{Drive, POLLS_PER_TURN, Running};
use super::input::OutputOf;

/// The stream of the outputs of a [`FanOut`](super::FanOut) in the order of the input; see
/// [`FanOut::ordered`](super::FanOut::ordered).
///
/// The children run only while the stream is polled, as those of [`Unordered`](super::Unordered) do.
///
/// # Cancel safety
///
/// Dropping the future of the next output loses nothing. Dropping the stream drops the children that run, and the outputs
/// that had to wait for an earlier one; items not launched by then never are.
#[must_use = "streams do nothing unless they are polled"]
pub struct Ordered<I: Input> {
    drive: Option<Drive<I>>,
    /// The outputs that have not been handed out, from the next one on.
    waiting: VecDeque<Option<OutputOf<I>>>,
    /// The number of those that are there.
    held: usize,
    /// The number of outputs that were handed out: the index of the next.
    next: usize,
    /// The number of outputs that are left before other tasks have their turn: while there is one at hand, the drive cannot give way.
    allowance: u32,
}

impl<I: Input> Ordered<I> {
    pub(super) fn new(drive: Drive<I>) -> Self {
        Self { drive: Some(drive), waiting: VecDeque::new(), held: 0, next: 0, allowance: POLLS_PER_TURN }
    }

    /// Runs the children until one has the next output, if that is not there, or as far as there is room for what they
    /// return.
    fn advance(&mut self, cx: &mut Context<'_>) -> Option<OutputOf<I>> {
        let at_hand = self.is_at_hand();
        let mut running = Running::of(&mut self.drive)?;
        loop {
            running.drive().hold(self.held);
            match running.drive().poll_next(cx) {
                Poll::Ready(Some((index, output))) if index == self.next && !at_hand => {
                    running.goes_on();
                    self.waiting.pop_front();
                    self.next += 1;
                    return Some(output);
                }
                Poll::Ready(Some((index, output))) => {
                    let offset = index - self.next;
                    if self.waiting.len() <= offset {
                        self.waiting.resize_with(offset + 1, || None);
                    }
                    self.waiting[offset] = Some(output);
                    self.held += 1;
                }
                Poll::Ready(None) => return None,
                Poll::Pending => {
                    running.goes_on();
                    return None;
                }
            }
        }
    }

    fn is_at_hand(&self) -> bool {
        self.waiting.front().is_some_and(Option::is_some)
    }

    /// The next output, if it has been waiting.
    fn hand_out(&mut self) -> Option<OutputOf<I>> {
        let output = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.held -= 1;
        self.next += 1;
        Some(output)
    }
}

impl<I: Input> Stream for Ordered<I> {
    type Item = OutputOf<I>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.allowance == 0 {
            this.allowance = POLLS_PER_TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // First, so that what has become free is used also while outputs are at hand.
        if let Some(output) = this.advance(cx).or_else(|| this.hand_out()) {
            this.allowance -= 1;
            return Poll::Ready(Some(output));
        }
        if this.drive.is_none() {
            return Poll::Ready(None);
        }
        this.allowance = POLLS_PER_TURN;
        Poll::Pending
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.drive.as_ref().map_or((0, Some(0)), Drive::remaining);
        (least.saturating_add(self.held), most.and_then(|most| most.checked_add(self.held)))
    }
}

/// After the last output it returns `None` for good.
impl<I: Input> FusedStream for Ordered<I> {
    fn is_terminated(&self) -> bool {
        self.drive.is_none() && !self.is_at_hand()
    }
}

/// The children are pinned where they are, and nothing else is.
impl<I: Input> Unpin for Ordered<I> {}

impl<I: Input> fmt::Debug for Ordered<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").field("drive", &self.drive).field("held", &self.held).finish_non_exhaustive()
    }
}
