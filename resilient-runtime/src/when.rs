//! The `when = …` of an attribute: a closure or function that classifies in place of the error's own `Classify`.

use std::time::Duration;

use crate::{Class, Classify, Error, Outcome, Settled};

/// The return value of a [`when`](When): a [`Class`], or a `bool` that says whether it was a transient failure.
pub trait IntoClass {
    /// The class; `accepted` is what `false` means.
    fn into_class(self, accepted: Class) -> Class;
}

impl IntoClass for Class {
    fn into_class(self, _accepted: Class) -> Class {
        self
    }
}

impl IntoClass for bool {
    fn into_class(self, accepted: Class) -> Class {
        if self { Class::Transient } else { accepted }
    }
}

/// The return value of a [`When`] over outcomes, instead of a bare class: the class, the rejection that is inside, and a hint.
///
/// A retry ends the call when a breaker further down has refused, and a breaker does not count that. Both can tell only
/// if the function shows them the rejection. Start from a class, which converts into it.
///
/// ```
/// use std::time::Duration;
/// use resilient::{Class, Classified};
///
/// let classified = Classified { hint: Some(Duration::from_secs(5)), ..Class::Transient.into() };
/// assert_eq!(classified.rejection, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Classified<'o> {
    /// The meaning of the outcome.
    pub class: Class,
    /// The rejection by a policy of another function that the outcome is or wraps.
    pub rejection: Option<&'o Error>,
    /// The time that the server asked callers to stay away from a transient failure, as for [`Classify::hint`].
    pub hint: Option<Duration>,
}

impl<'o> Classified<'o> {
    /// Returns what the outcome itself says.
    pub fn of(outcome: &'o impl Outcome) -> Self {
        Self { class: outcome.class(), rejection: outcome.rejection(), hint: outcome.hint() }
    }
}

/// Nothing is wrapped.
impl From<Class> for Classified<'_> {
    fn from(class: Class) -> Self {
        Self { class, rejection: None, hint: None }
    }
}

/// Classifies outcomes of type `O`: a function of the error of a `Result`, or of the whole outcome.
///
/// `By` tells the two apart and is always inferred. With a `bool`, `true` means [`Class::Transient`]; `false` means
/// [`Class::Permanent`] for an error and [`Class::Success`] for an outcome. A rejection by a policy inside is
/// never shown to it: that has a class of its own.
#[diagnostic::on_unimplemented(
    message = "`when` takes the error or the whole outcome by reference and returns a `bool` or a `Class`",
    label = "not a function of `&Error` or `&Outcome` that returns `bool` or `Class`",
    note = "for instance `when = |error: &MyError| error.is_temporary()`"
)]
pub trait When<O, By> {
    /// The class of `outcome`.
    fn class_of(&self, outcome: &O) -> Class;

    /// The rejection by a policy inside that `outcome` is, if it is one.
    fn rejection_in<'o>(&self, _outcome: &'o O) -> Option<&'o Error> {
        None
    }

    /// The hint beside the class of `outcome`, as for [`Classify::hint`].
    fn hint_in(&self, _outcome: &O) -> Option<Duration> {
        None
    }
}

/// Marks a [`When`] over the error of a `Result`.
#[derive(Debug, Clone, Copy)]
pub struct ByError;

/// Marks a [`When`] over the whole outcome.
#[derive(Debug, Clone, Copy)]
pub struct ByOutcome;

/// Marks a [`When`] over the whole outcome that also shows the rejection inside.
#[derive(Debug, Clone, Copy)]
pub struct ByClassified;

/// Marks a [`When`] over what is inside a [`Settled`].
#[derive(Debug, Clone, Copy)]
pub struct BySettled<By>(By);

impl<F, T, E, R> When<Result<T, E>, ByError> for F
where
    F: Fn(&E) -> R,
    R: IntoClass,
{
    fn class_of(&self, outcome: &Result<T, E>) -> Class {
        match outcome {
            Ok(_) => Class::Success,
            Err(error) => self(error).into_class(Class::Permanent),
        }
    }
}

impl<F, O, R> When<O, ByOutcome> for F
where
    F: Fn(&O) -> R,
    R: IntoClass,
{
    fn class_of(&self, outcome: &O) -> Class {
        self(outcome).into_class(Class::Success)
    }
}

impl<F, O> When<O, ByClassified> for F
where
    F: for<'o> Fn(&'o O) -> Classified<'o>,
{
    fn class_of(&self, outcome: &O) -> Class {
        self(outcome).class
    }

    fn rejection_in<'o>(&self, outcome: &'o O) -> Option<&'o Error> {
        self(outcome).rejection
    }

    fn hint_in(&self, outcome: &O) -> Option<Duration> {
        self(outcome).hint
    }
}

/// Implements [`When`] for a [`Settled`] by the [`When`] of that marker.
///
/// One implementation for every marker would lead to itself. The compiler, as it looks for a method of a similar name, would follow it until it
/// gives up, and say that in place of the mistake.
macro_rules! settled {
    ($by:ty) => {
        #[diagnostic::do_not_recommend]
        impl<W, O> $crate::When<$crate::Settled<O>, $crate::when::BySettled<$by>> for W
        where
            W: $crate::When<O, $by>,
        {
            fn class_of(&self, settled: &$crate::Settled<O>) -> $crate::Class {
                match settled {
                    $crate::Settled::Outcome(outcome) => self.class_of(outcome),
                    $crate::Settled::Rejected(rejection) => $crate::Classify::class(rejection),
                }
            }

            fn rejection_in<'o>(&self, settled: &'o $crate::Settled<O>) -> Option<&'o $crate::Error> {
                match settled {
                    $crate::Settled::Outcome(outcome) => self.rejection_in(outcome),
                    $crate::Settled::Rejected(rejection) => Some(rejection),
                }
            }

            fn hint_in(&self, settled: &$crate::Settled<O>) -> Option<std::time::Duration> {
                match settled {
                    $crate::Settled::Outcome(outcome) => self.hint_in(outcome),
                    $crate::Settled::Rejected(_) => None,
                }
            }
        }
    };
}

pub(crate) use settled;

settled!(ByError);
settled!(ByOutcome);
settled!(ByClassified);

/// Judges an outcome by its own class.
#[derive(Debug, Clone, Copy)]
pub struct ByClass;

/// Judges outcomes of type `O` by a [`When`].
///
/// It holds the methods of the `When`, so that the compiler looks for them once: where the `When` is given.
#[derive(Debug)]
pub struct ByWhen<W, O> {
    when: W,
    class_of: fn(&W, &O) -> Class,
    /// One function for both: each would be a word in every future that judges.
    beside: for<'o> fn(&W, &'o O) -> Beside<'o>,
}

impl<W: Clone, O> Clone for ByWhen<W, O> {
    #[inline]
    fn clone(&self) -> Self {
        Self { when: self.when.clone(), ..*self }
    }
}

impl<W: Copy, O> Copy for ByWhen<W, O> {}

/// The rejection inside an outcome, and its hint.
type Beside<'o> = (Option<&'o Error>, Option<Duration>);

/// Judges no outcome.
#[derive(Debug, Clone, Copy)]
pub struct Blind;

impl<W, O> ByWhen<W, O> {
    pub(crate) const fn new<By>(when: W) -> Self
    where
        W: When<O, By>,
    {
        Self {
            when,
            class_of: W::class_of,
            beside: |when, outcome| (when.rejection_in(outcome), when.hint_in(outcome)),
        }
    }
}

/// Tells a policy how a call has ended.
pub trait Judge<O>: sealed::Judge<O> {}

impl<O, J: sealed::Judge<O>> Judge<O> for J {}

pub(crate) mod sealed {
    use std::time::Duration;

    use crate::{Class, Error};

    pub trait Judge<O> {
        /// `false` for a judge of nothing.
        #[doc(hidden)]
        const JUDGES: bool = true;

        #[doc(hidden)]
        fn class_of(&self, outcome: &O) -> Class;

        #[doc(hidden)]
        fn rejection_in<'o>(&self, outcome: &'o O) -> Option<&'o Error>;

        /// Returns the hint beside a transient class.
        #[doc(hidden)]
        fn hint_in(&self, _outcome: &O) -> Option<Duration> {
            None
        }

        /// Returns whether the server asks for no further attempt.
        #[doc(hidden)]
        fn forbids_attempts(&self, _outcome: &O) -> bool {
            false
        }
    }
}

impl<O: Outcome> sealed::Judge<O> for ByClass {
    #[inline]
    fn class_of(&self, outcome: &O) -> Class {
        outcome.class()
    }

    #[inline]
    fn rejection_in<'o>(&self, outcome: &'o O) -> Option<&'o Error> {
        outcome.rejection()
    }

    #[inline]
    fn hint_in(&self, outcome: &O) -> Option<Duration> {
        outcome.hint()
    }

    #[inline]
    fn forbids_attempts(&self, outcome: &O) -> bool {
        outcome.forbids_attempts()
    }
}

impl<W, O> sealed::Judge<O> for ByWhen<W, O> {
    #[inline]
    fn class_of(&self, outcome: &O) -> Class {
        (self.class_of)(&self.when, outcome)
    }

    #[inline]
    fn rejection_in<'o>(&self, outcome: &'o O) -> Option<&'o Error> {
        (self.beside)(&self.when, outcome).0
    }

    #[inline]
    fn hint_in(&self, outcome: &O) -> Option<Duration> {
        (self.beside)(&self.when, outcome).1
    }
}

impl<O> sealed::Judge<O> for Blind {
    const JUDGES: bool = false;

    fn class_of(&self, _outcome: &O) -> Class {
        Class::Success
    }

    fn rejection_in<'o>(&self, _outcome: &'o O) -> Option<&'o Error> {
        None
    }
}

/// Judges an outcome as `J` does, and a rejection by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InStack<'j, J>(pub(crate) &'j J);

impl<'o, O, J: Judge<O>> sealed::Judge<Settled<&'o O>> for InStack<'_, J> {
    const JUDGES: bool = J::JUDGES;

    #[inline]
    fn class_of(&self, settled: &Settled<&'o O>) -> Class {
        match settled {
            Settled::Outcome(outcome) => self.0.class_of(outcome),
            Settled::Rejected(rejection) => rejection.class(),
        }
    }

    #[inline]
    fn rejection_in<'s>(&self, settled: &'s Settled<&'o O>) -> Option<&'s Error> {
        match settled {
            Settled::Outcome(outcome) => self.0.rejection_in(outcome),
            Settled::Rejected(rejection) => Some(rejection),
        }
    }

    #[inline]
    fn hint_in(&self, settled: &Settled<&'o O>) -> Option<Duration> {
        match settled {
            Settled::Outcome(outcome) => self.0.hint_in(outcome),
            Settled::Rejected(_) => None,
        }
    }
}
