//! The return value of a fallback function: the outcome, or a future of it.

use std::future::{Future, Ready, ready};

/// An outcome, or a future of one.
///
/// `By` tells the two apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "a fallback function returns what the function returns, or is `async` and does",
    label = "this does not return `{O}`"
)]
pub trait Answer<O, By> {
    /// The future of the outcome.
    type Future: Future<Output = O>;

    /// Makes a future of it.
    fn into_answer(self) -> Self::Future;
}

/// Marks an [`Answer`] that is the outcome.
#[derive(Debug, Clone, Copy)]
pub struct ByValue;

/// Marks an [`Answer`] that is a future.
#[derive(Debug, Clone, Copy)]
pub struct ByFuture;

impl<O> Answer<O, ByValue> for O {
    type Future = Ready<O>;

    fn into_answer(self) -> Ready<O> {
        ready(self)
    }
}

impl<O, F: Future<Output = O>> Answer<O, ByFuture> for F {
    type Future = F;

    fn into_answer(self) -> F {
        self
    }
}

/// The outcome of a fallback function, be it `async` or not.
pub fn answer<O, By, A: Answer<O, By>>(answer: A) -> A::Future {
    answer.into_answer()
}
