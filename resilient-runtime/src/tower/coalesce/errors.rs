//! Errors of a service that several callers get.

use std::error::Error as StdError;
use std::sync::Arc;

use ::tower::BoxError;

use crate::call::Shareable;
use crate::tower::policies::{AsBoxed, AsTyped, Errors};
use crate::{Classify, Error};

/// The error that a coalescing layer returns, which several callers get.
#[diagnostic::on_unimplemented(
    message = "an error of type `{E}` cannot be given to several callers",
    note = "write `.boxed()` behind the coalescing layer; or derive `Clone` and `resilient::Classify` for the service's error"
)]
pub trait SharedErrors<E>: Errors<E> {
    /// The error while it is shared.
    type Shared: Shareable;

    /// Makes it one that can be shared.
    fn share(error: E) -> Self::Shared;

    /// Returns a caller's own.
    fn give(shared: Self::Shared) -> Self::Error;

    /// Returns the rejection that it is or wraps.
    fn rejection(shared: &Self::Shared) -> Option<&Error>;
}

// `do_not_recommend`: the message is that of the trait
#[diagnostic::do_not_recommend]
impl<E: Shareable + Classify> SharedErrors<E> for AsTyped {
    type Shared = E;

    fn share(error: E) -> E {
        error
    }

    fn give(shared: E) -> E {
        shared
    }

    fn rejection(shared: &E) -> Option<&Error> {
        shared.rejection()
    }
}

impl<E: Into<BoxError>> SharedErrors<E> for AsBoxed {
    type Shared = Arc<dyn StdError + Send + Sync>;

    fn share(error: E) -> Self::Shared {
        Arc::from(error.into())
    }

    /// A search through the box finds the error in the [`Arc`].
    fn give(shared: Self::Shared) -> BoxError {
        Box::new(shared)
    }

    fn rejection(shared: &Self::Shared) -> Option<&Error> {
        shared.rejection()
    }
}

/// Returns whether the error says something of the leader's call only.
pub(in crate::tower) fn is_of_the_caller<E, Shares: SharedErrors<E>>(shared: &Shares::Shared) -> bool {
    Shares::rejection(shared).is_some_and(crate::coalesce::is_of_the_caller)
}
