//! The meaning of an attempt's outcome to the hedge.

use std::time::Duration;

use crate::when::Judge;
use crate::{Class, Error, Reason};

/// The end of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) class: Class,
    /// The next step of the hedge.
    pub(super) next: Next,
    /// The time that the server asked callers to stay away.
    pub(super) hint: Option<Duration>,
    /// Set if it took as long as attempts take.
    pub(super) tells_time: bool,
}

/// The consequence of an attempt's end.
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

impl End {
    #[inline]
    pub(super) fn of<O>(outcome: &O, judge: &impl Judge<O>) -> Self {
        let class = judge.class_of(outcome);
        let forbids = class == Class::Permanent && judge.forbids_attempts(outcome);
        let hint = match class {
            Class::Throttled { after } => after,
            Class::Transient => judge.hint_in(outcome),
            Class::Success | Class::Permanent => None,
        };
        Self { hint, ..Self::new(class, judge.rejection_in(outcome), forbids) }
    }

    #[inline]
    fn new(class: Class, rejection: Option<&Error>, forbids_attempts: bool) -> Self {
        let timed_out = rejection.is_some_and(|rejection| matches!(rejection.reason(), Reason::TimedOut { .. }));
        let next = match rejection {
            _ if class == Class::Success => Next::Accept,
            Some(_) if !timed_out => Next::Wait,
            _ if forbids_attempts => Next::Wait,
            _ if class == Class::Permanent => Next::Accept,
            _ => Next::Again,
        };
        Self { class, next, hint: None, tells_time: class == Class::Success || timed_out }
    }
}
