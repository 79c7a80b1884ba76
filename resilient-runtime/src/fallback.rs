//! The fallback: decides whether a failed call gets another answer, and keeps old ones.

use std::hash::Hash;
use std::time::Duration;

mod answer;
mod call;
mod failure;
mod kept;

use self::kept::Kept;
use crate::{Class, FromRejection, Outcome, Settled, When};

pub use self::answer::{Answer, ByFuture, ByValue, answer};
pub use self::call::FallbackCall;
pub use self::failure::FallbackFailure;

/// Gives a failed call another answer: a value, what a function says, or the last good outcome.
///
/// Every failure falls back but a permanent one: the caller's own mistake is not to be hidden, nor a cancellation.
///
/// ```
/// use resilient::{Fallback, Rescue};
///
/// static LOOKUP: Fallback = Fallback::named("lookup");
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let failed: Result<u32, std::io::Error> = Err(std::io::ErrorKind::ConnectionReset.into());
/// let outcome = match LOOKUP.settle(failed) {
///     Rescue::Accept(outcome) => outcome,
///     Rescue::FallBack(failure) => failure.value(42),
/// };
/// assert_eq!(outcome.unwrap(), 42);
/// # }
/// ```
///
/// # Old answers
///
/// A [`call`](Self::call) with a key [keeps](FallbackCall::keep) its good value, and [recalls](FallbackCall::recall) the last one
/// of that key while it is no older than [`max_age`](Self::max_age). At most [`MOST_KEPT`](Self::MOST_KEPT) are kept for each
/// type of value; the one that was kept longest ago leaves first. Keys are not kept: each is known by a 128-bit hash under
/// secrets of the process, as for [`Coalesce`](crate::Coalesce).
#[derive(Debug)]
pub struct Fallback {
    name: &'static str,
    max_age: Duration,
    kept: Kept,
}

/// The decision of [`Fallback::settle`].
#[derive(Debug)]
#[must_use]
pub enum Rescue<T, E> {
    /// The call ends with this outcome.
    Accept(Result<T, E>),
    /// It failed, and may have another answer.
    FallBack(FallbackFailure<E>),
}

/// A `Result` under whatever name, or one inside a [`Settled`], that can be taken apart.
#[diagnostic::on_unimplemented(
    message = "this takes an `Err`, but the function returns `{Self}`",
    label = "not a `Result`",
    note = "return a `Result`"
)]
pub trait IntoResult {
    /// The good value.
    type Value;
    /// The error.
    type Error;

    /// The `Result`, with a rejection as an error of its own type.
    ///
    /// # Errors
    ///
    /// The error that it holds.
    fn into_result(self) -> Result<Self::Value, Self::Error>;
}

impl Fallback {
    /// The number of old values of a type that are kept at the most.
    pub const MOST_KEPT: usize = 1_000;

    /// A fallback with the name that its events carry.
    pub const fn named(name: &'static str) -> Self {
        Self { name, max_age: Duration::MAX, kept: Kept::new() }
    }

    /// Greatest age of a value that is [recalled](FallbackCall::recall), from when it was kept. Default: any age.
    #[must_use]
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Says whether the outcome stands.
    pub fn settle<O: Outcome + IntoResult>(&self, outcome: O) -> Rescue<O::Value, O::Error> {
        let class = outcome.class();
        self.decide(class, outcome.into_result())
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns: `true`, transient and throttled fall back.
    pub fn settle_when<O: IntoResult, By>(&self, outcome: O, when: impl When<O, By>) -> Rescue<O::Value, O::Error> {
        let class = when.class_of(&outcome);
        self.decide(class, outcome.into_result())
    }

    fn decide<T, E>(&self, class: Class, outcome: Result<T, E>) -> Rescue<T, E> {
        match outcome {
            Err(error) if class.is_retryable() => Rescue::FallBack(FallbackFailure::new(self.name, class, error)),
            outcome => Rescue::Accept(outcome),
        }
    }

    /// A call that begins now, with that key, which is not kept.
    ///
    /// # Panics
    ///
    /// If the key's `Hash` does.
    pub fn call<K: Hash + ?Sized>(&self, key: &K) -> FallbackCall<'_> {
        FallbackCall::new(self, key)
    }
}

impl<T, E> IntoResult for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

impl<T, E> IntoResult for Settled<Result<T, E>>
where
    Result<T, E>: FromRejection,
{
    type Value = T;
    type Error = E;

    fn into_result(self) -> Result<T, E> {
        crate::finish(self)
    }
}
