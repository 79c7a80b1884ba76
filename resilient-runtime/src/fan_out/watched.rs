//! An input that says how far its children have come, and one that can be told to stop.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use super::Input;
use super::input::{OutputOf, Source, as_its_input};
use crate::{Error, Event, FromRejection, PolicyKind, Reason};

/// The progress of a [`FanOut`](super::FanOut).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The index of the item that has just finished.
    pub item: usize,
    /// The number of items that have finished, whatever their outcome.
    pub finished: usize,
    /// The number of items that have been launched, those that have finished included.
    pub launched: usize,
    /// The number of items that there are in all, if the input knows.
    pub total: Option<usize>,
}

/// An input with a function that hears of every item that has finished; see
/// [`FanOut::progress`](super::FanOut::progress).
pub struct Observed<I, F> {
    pub(super) input: I,
    pub(super) observer: F,
}

impl<I: Input, F: FnMut(Progress)> Source for Observed<I, F> {
    type Child = I::Child;

    as_its_input!(counting, poll_child, children, limit, stopped);

    const LISTENS: bool = true;

    fn finished(&mut self, progress: Progress) {
        self.input.finished(progress);
        (self.observer)(progress);
    }
}

impl<I: fmt::Debug, F> fmt::Debug for Observed<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("input", &self.input).finish_non_exhaustive()
    }
}

/// An input with a signal that ends it; see [`FanOut::cancel_on`](super::FanOut::cancel_on).
pub struct Cancellable<I, S> {
    pub(super) input: I,
    /// `None` once it has come.
    pub(super) signal: Option<Pin<Box<S>>>,
}

impl<I, S> Source for Cancellable<I, S>
where
    I: Input<Child: Future<Output: FromRejection>>,
    S: Future,
{
    type Child = I::Child;

    as_its_input!(listens, counting, poll_child, children, limit, finished);

    fn stopped(&mut self, cx: &mut Context<'_>) -> Option<fn() -> OutputOf<I>> {
        if let Some(signal) = &mut self.signal {
            if signal.as_mut().poll(cx).is_pending() {
                return self.input.stopped(cx);
            }
            self.signal = None;
            Event::Cancelled { policy: NAME }.emit();
        }
        Some(|| OutputOf::<I>::from_rejection(Error::new(PolicyKind::Cancel, NAME, Reason::Cancelled)))
    }
}

impl<I: fmt::Debug, S> fmt::Debug for Cancellable<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellable").field("input", &self.input).finish_non_exhaustive()
    }
}

const NAME: &str = "fan_out";
