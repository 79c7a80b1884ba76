//! The source of a fan-out's children, and its say in other things.

use std::future::Future;
use std::task::{Context, Poll};

use super::{FanOutPolicy, Progress};
use crate::Class;

/// The source of a [`FanOut`](super::FanOut)'s children: an iterator of futures, or a [`Streamed`](super::Streamed) one.
///
/// It is implemented for both, for what the methods of [`FanOut`](super::FanOut) make of them, and for nothing else.
pub trait Input: sealed::Input {}

impl<I: sealed::Input> Input for I {}

pub(super) use self::sealed::Input as Source;

/// The output of a child.
pub(super) type OutputOf<I> = <<I as Source>::Child as Future>::Output;

/// The output of a child that was never allowed to finish.
pub(super) type Refusal<I> = fn() -> OutputOf<I>;

/// Writes the named methods of an input `I` for one that has it in its field `input`, as that has them. `counting` is all that a policy which counts
/// items asks.
macro_rules! as_its_input {
    ($($method:ident),+ $(,)?) => {
        $(crate::fan_out::input::as_its_input!(@ $method);)+
    };
    (@ listens) => {
        const LISTENS: bool = I::LISTENS;
    };
    (@ counting) => {
        const COUNTS: bool = I::COUNTS;

        fn policy(&self) -> Option<&'static crate::FanOutPolicy> {
            self.input.policy()
        }

        #[inline]
        fn class_of(&self, output: &crate::fan_out::input::OutputOf<Self>) -> crate::Class {
            self.input.class_of(output)
        }
    };
    (@ children) => {
        fn children_left(&self) -> (usize, Option<usize>) {
            self.input.children_left()
        }

        fn count_rest(&mut self) -> usize {
            self.input.count_rest()
        }
    };
    (@ poll_child) => {
        fn poll_child(&mut self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<I::Child>> {
            self.input.poll_child(cx)
        }
    };
    (@ limit) => {
        fn limit(&self, set: usize, running: usize) -> usize {
            self.input.limit(set, running)
        }
    };
    (@ finished) => {
        fn finished(&mut self, progress: crate::fan_out::Progress) {
            self.input.finished(progress);
        }
    };
    (@ stopped) => {
        fn stopped(
            &mut self,
            cx: &mut std::task::Context<'_>,
        ) -> Option<crate::fan_out::input::Refusal<I>> {
            self.input.stopped(cx)
        }
    };
}

pub(super) use as_its_input;

mod sealed {
    use super::{Class, Context, FanOutPolicy, Future, OutputOf, Poll, Progress};

    pub trait Input {
        /// One child.
        type Child: Future;

        /// The next child, or `None` for good.
        fn poll_child(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Child>>;

        /// Returns how many children are still to come, as [`Iterator::size_hint`] says it.
        fn children_left(&self) -> (usize, Option<usize>);

        /// Returns how many items there are that will never be launched, as far as they can be counted.
        fn count_rest(&mut self) -> usize;

        /// Returns how many children may exist at once, when `set` is what the caller asked for and `running` are there.
        #[inline]
        fn limit(&self, set: usize, _running: usize) -> usize {
            set
        }

        /// Set if it wants to know when a child has finished.
        const LISTENS: bool = false;

        /// Learns that a child has finished.
        #[inline]
        fn finished(&mut self, _progress: Progress) {}

        /// Set if a policy counts the items.
        const COUNTS: bool = false;

        /// The policy that counts the items, if one does.
        fn policy(&self) -> Option<&'static FanOutPolicy> {
            None
        }

        /// Returns what the output means to that policy.
        #[inline]
        fn class_of(&self, _output: &OutputOf<Self>) -> Class {
            Class::Success
        }

        /// Returns what every child that has not finished returns from now on, if it is told to stop.
        #[inline]
        fn stopped(&mut self, _cx: &mut Context<'_>) -> Option<fn() -> OutputOf<Self>> {
            None
        }
    }

    impl<I: Iterator<Item: Future>> Input for I {
        type Child = I::Item;

        #[inline]
        fn poll_child(&mut self, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
            Poll::Ready(self.next())
        }

        #[inline]
        fn children_left(&self) -> (usize, Option<usize>) {
            self.size_hint()
        }

        fn count_rest(&mut self) -> usize {
            match self.size_hint() {
                // how an endless one says that it is
                (usize::MAX, _) => 0,
                (least, Some(most)) if least == most => least,
                _ => self.by_ref().count(),
            }
        }
    }
}
