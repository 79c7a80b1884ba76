//! A stream of items as the input.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::input::Source;

/// A stream of futures as the input of a [`FanOut`](super::FanOut); what
/// [`FanOut::from_stream`](super::FanOut::from_stream) makes.
pub struct Streamed<S> {
    futures: Pin<Box<S>>,
}

impl<S> Streamed<S> {
    pub(super) fn new(futures: S) -> Self {
        Self { futures: Box::pin(futures) }
    }
}

impl<S: Stream<Item: Future>> Source for Streamed<S> {
    type Child = S::Item;

    fn poll_child(&mut self, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.futures.as_mut().poll_next(cx)
    }

    fn children_left(&self) -> (usize, Option<usize>) {
        self.futures.size_hint()
    }

    /// An item that has not come by the end is none.
    fn count_rest(&mut self) -> usize {
        0
    }
}

impl<S> fmt::Debug for Streamed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").finish_non_exhaustive()
    }
}

pin_project_lite::pin_project! {
    /// A function applied to each item of a stream.
    pub struct Calls<S, F> {
        #[pin]
        items: S,
        function: F,
    }
}

impl<S, F> Calls<S, F> {
    pub(super) fn new(items: S, function: F) -> Self {
        Self { items, function }
    }
}

impl<S: Stream, F: FnMut(S::Item) -> Fut, Fut> Stream for Calls<S, F> {
    type Item = Fut;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Fut>> {
        let this = self.project();
        this.items.poll_next(cx).map(|item| item.map(this.function))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<S, F> fmt::Debug for Calls<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}
