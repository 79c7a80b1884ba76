//! What an attempt's outcome means to the hedge.

use crate::bulkhead::{ByClass, ByWhen};
use crate::{Class, Error, Outcome, Reason, When};

/// Says what an outcome means: its own class, or a `when`.
pub trait Decide<O>: sealed::Decide<O> {}

impl<O, J: sealed::Decide<O>> Decide<O> for J {}

mod sealed {
    use super::End;

    pub trait Decide<O> {
        #[doc(hidden)]
        fn decide(&self, outcome: &O) -> End;
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub(super) class: Class,
    /// What the hedge is to do.
    pub(super) next: Next,
    /// Whether it took as long as attempts take.
    pub(super) tells_time: bool,
}

/// What the end of an attempt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The call ends with it.
    Accept,
    /// Another may start at once, or at the time that the server named.
    Again,
    /// A policy further in refuses, and would refuse another one too.
    Wait,
}

impl End {
    fn of(class: Class, rejection: Option<&Error>) -> Self {
        let timed_out = rejection.is_some_and(|rejection| matches!(rejection.reason(), Reason::TimedOut { .. }));
        let next = match rejection {
            _ if class == Class::Success => Next::Accept,
            Some(_) if !timed_out => Next::Wait,
            _ if class == Class::Permanent => Next::Accept,
            _ => Next::Again,
        };
        Self { class, next, tells_time: class == Class::Success || timed_out }
    }
}

impl<O: Outcome> sealed::Decide<O> for ByClass {
    #[inline]
    fn decide(&self, outcome: &O) -> End {
        End::of(outcome.class(), outcome.rejection())
    }
}

impl<O, W: When<O, By>, By> sealed::Decide<O> for ByWhen<W, By> {
    #[inline]
    fn decide(&self, outcome: &O) -> End {
        let when = self.when();
        End::of(when.class_of(outcome), when.rejection_in(outcome))
    }
}
