//! Outcomes that are shared without being cloned.

use std::sync::Arc;

use crate::{Error, Settled};

/// An outcome that can be put behind an [`Arc`], its success and its failure apart; for `#[coalesce(share)]`.
#[diagnostic::on_unimplemented(
    message = "`share` puts both sides of a `Result` behind an `Arc`, and `{Self}` is none",
    label = "not a `Result`"
)]
pub trait Share {
    /// The outcome that callers get.
    type Shared;

    /// Puts it there.
    fn share(self) -> Self::Shared;
}

impl<T, E> Share for Result<T, E> {
    type Shared = Result<Arc<T>, Arc<E>>;

    fn share(self) -> Self::Shared {
        match self {
            Ok(value) => Ok(Arc::new(value)),
            Err(error) => Err(Arc::new(error)),
        }
    }
}

impl<O: Share> Share for Settled<O> {
    type Shared = Settled<O::Shared>;

    fn share(self) -> Self::Shared {
        match self {
            Self::Outcome(outcome) => Settled::Outcome(outcome.share()),
            Self::Rejected(rejection) => Settled::Rejected(rejection),
        }
    }
}

/// As [`finish`](crate::finish), for an outcome that is shared: a rejection becomes an error of the function's own type
/// behind an [`Arc`] of this caller's.
pub fn finish_shared<O>(settled: Settled<O::Shared>) -> O::Shared
where
    O: Sharing,
{
    match settled {
        Settled::Outcome(outcome) => outcome,
        Settled::Rejected(rejection) => O::reject(rejection),
    }
}

/// A `Result` that can be shared and has room for a rejection.
#[diagnostic::on_unimplemented(
    message = "a policy on this function can refuse the call, and `{Self}` has no room for that",
    label = "cannot hold a `resilient::Error`",
    note = "return a `Result` whose error type implements `From<resilient::Error>`, for instance with a variant that wraps it"
)]
pub trait Sharing: Share {
    /// The outcome that the caller gets for `rejection`.
    fn reject(rejection: Error) -> Self::Shared;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<Error>> Sharing for Result<T, E> {
    fn reject(rejection: Error) -> Self::Shared {
        Err(Arc::new(rejection.into()))
    }
}
