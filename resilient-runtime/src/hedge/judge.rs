//! What an attempt's outcome means to the hedge.

use crate::when::{ByClass, ByWhen};
use crate::{Class, Error, Outcome, Reason, When};

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
    /// No other may start, and those that run may still succeed: a policy further in refuses, and would refuse another one too, or the
    /// server asks for no further attempt.
    Wait,
}

/// What an attempt's outcome means to a hedge.
pub trait Decide<O>: sealed::Decide<O> {}

impl<O, D: sealed::Decide<O>> Decide<O> for D {}

pub(super) mod sealed {
    use super::End;

    pub trait Decide<O> {
        #[doc(hidden)]
        fn end(&self, outcome: &O) -> End;
    }
}

impl<O: Outcome> sealed::Decide<O> for ByClass {
    #[inline]
    fn end(&self, outcome: &O) -> End {
        let class = outcome.class();
        let forbids = class == Class::Permanent && outcome.forbids_attempts();
        End::of(class, outcome.rejection(), forbids)
    }
}

impl<O, W: When<O, By>, By> sealed::Decide<O> for ByWhen<W, By> {
    #[inline]
    fn end(&self, outcome: &O) -> End {
        End::of(self.when.class_of(outcome), self.when.rejection_in(outcome), false)
    }
}

impl End {
    #[inline]
    fn of(class: Class, rejection: Option<&Error>, forbids_attempts: bool) -> Self {
        let timed_out = rejection.is_some_and(|rejection| matches!(rejection.reason(), Reason::TimedOut { .. }));
        let next = match rejection {
            _ if class == Class::Success => Next::Accept,
            Some(_) if !timed_out => Next::Wait,
            _ if forbids_attempts => Next::Wait,
            _ if class == Class::Permanent => Next::Accept,
            _ => Next::Again,
        };
        Self { class, next, tells_time: class == Class::Success || timed_out }
    }
}
