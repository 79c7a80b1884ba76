//! The values that flow through a stack: the body's outcome, or a policy's rejection in its place.

use std::time::Duration;

use crate::{Class, Classify, Error};

/// The outcome of an attempt or a call, as far as the policies need to know it.
///
/// `Result` implements it for every classified error. Implement it for a type of your own that is not a `Result`.
#[diagnostic::on_unimplemented(
    message = "the policies decide on the `Err` of a `Result`, but this function returns `{Self}`",
    label = "not a `Result`",
    note = "return a `Result`, implement `resilient::Outcome` for the type, or give the attribute a `when = |outcome: &_| …`"
)]
pub trait Outcome {
    /// Returns what the outcome means.
    fn class(&self) -> Class;

    /// The rejection that the outcome is or wraps, if it is one.
    fn rejection(&self) -> Option<&Error> {
        None
    }

    /// Returns the hint beside a transient class, as [`Classify::hint`] does.
    fn hint(&self) -> Option<Duration> {
        None
    }

    /// Returns whether the server asks for no further attempt, as [`Classify::forbids_attempts`] says.
    fn forbids_attempts(&self) -> bool {
        false
    }
}

impl<T, E: Classify> Outcome for Result<T, E> {
    fn class(&self) -> Class {
        match self {
            Ok(_) => Class::Success,
            Err(error) => error.class(),
        }
    }

    fn rejection(&self) -> Option<&Error> {
        self.as_ref().err().and_then(Classify::rejection)
    }

    fn hint(&self) -> Option<Duration> {
        self.as_ref().err().and_then(Classify::hint)
    }

    #[inline]
    fn forbids_attempts(&self) -> bool {
        self.as_ref().err().is_some_and(Classify::forbids_attempts)
    }
}

/// An outcome that can say that a policy refused.
#[diagnostic::on_unimplemented(
    message = "a policy on this function can refuse the call, and `{Self}` has no room for that",
    label = "cannot hold a `resilient::Error`",
    note = "return a `Result` whose error type implements `From<resilient::Error>`, for instance with a variant that wraps it",
    note = "time-outs, circuit breakers, limits and cancellation can refuse a call"
)]
pub trait FromRejection {
    /// The outcome that the caller gets for `rejection`.
    fn from_rejection(rejection: Error) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<Error>> FromRejection for Result<T, E> {
    fn from_rejection(rejection: Error) -> Self {
        Err(rejection.into())
    }
}

/// The end of one attempt inside a stack: with the body's outcome, or with a rejection.
///
/// The two stay apart until the call ends, so that a policy never has to guess from the error whether it was the
/// server or another policy that refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Settled<O> {
    /// The body ran to its end.
    Outcome(O),
    /// A policy refused, or gave up waiting.
    Rejected(Error),
}

impl<O> Settled<O> {
    /// The same end, with a look at the outcome.
    pub(crate) fn as_ref(&self) -> Settled<&O> {
        match self {
            Self::Outcome(outcome) => Settled::Outcome(outcome),
            Self::Rejected(rejection) => Settled::Rejected(rejection.clone()),
        }
    }
}

impl<O> Settled<Settled<O>> {
    /// Joins two layers that can both refuse.
    pub fn flatten(self) -> Settled<O> {
        match self {
            Self::Outcome(settled) => settled,
            Self::Rejected(rejection) => Settled::Rejected(rejection),
        }
    }
}

/// Ends a call: gives its caller the body's outcome, or the rejection as an error of the function's own type.
pub fn finish<O: FromRejection>(settled: Settled<O>) -> O {
    match settled {
        Settled::Outcome(outcome) => outcome,
        Settled::Rejected(rejection) => O::from_rejection(rejection),
    }
}

impl<O: Outcome> Outcome for Settled<O> {
    fn class(&self) -> Class {
        match self {
            Self::Outcome(outcome) => outcome.class(),
            Self::Rejected(rejection) => rejection.class(),
        }
    }

    fn rejection(&self) -> Option<&Error> {
        match self {
            Self::Outcome(outcome) => outcome.rejection(),
            Self::Rejected(rejection) => Some(rejection),
        }
    }

    fn hint(&self) -> Option<Duration> {
        match self {
            Self::Outcome(outcome) => outcome.hint(),
            Self::Rejected(_) => None,
        }
    }

    #[inline]
    fn forbids_attempts(&self) -> bool {
        matches!(self, Self::Outcome(outcome) if outcome.forbids_attempts())
    }
}
