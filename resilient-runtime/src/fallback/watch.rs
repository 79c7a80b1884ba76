//! A watch over a call, which counts it where it has no outcome.

use std::mem;

use super::{Fallback, IntoResult, Rescue};
use crate::book::Ended;
use crate::{Outcome, When};

/// A watch over a call of a [`Fallback`]; from [`Fallback::begin`].
///
/// ```
/// use resilient::{Fallback, call::Rescue};
///
/// static LOOKUP: Fallback = Fallback::named("lookup");
///
/// # async fn ask() -> Result<u32, std::io::Error> { Err(std::io::ErrorKind::TimedOut.into()) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let watch = LOOKUP.begin();
/// let outcome = match watch.settle(ask().await) {
///     Rescue::Accept(outcome) => outcome,
///     Rescue::FallBack(failure) => failure.value(42),
/// };
/// assert_eq!(outcome.unwrap(), 42);
/// # }
/// ```
///
/// # Cancel safety
///
/// A call whose watch is dropped unsettled counts as abandoned, and nothing falls back.
#[derive(Debug)]
#[must_use = "a call whose watch is dropped counts as abandoned"]
pub struct FallbackWatch<'a> {
    policy: &'a Fallback,
}

impl<'a> FallbackWatch<'a> {
    #[inline]
    pub(super) const fn new(policy: &'a Fallback) -> Self {
        Self { policy }
    }

    /// Says whether the outcome stands, as [`Fallback::settle`] does.
    pub fn settle<O: Outcome + IntoResult>(self, outcome: O) -> Rescue<'a, O::Value, O::Error> {
        self.over().settle(outcome)
    }

    /// Says whether the outcome stands, as [`Fallback::settle_when`] does.
    pub fn settle_when<O: IntoResult, By>(self, outcome: O, when: impl When<O, By>) -> Rescue<'a, O::Value, O::Error> {
        let class = when.class_of(&outcome);
        self.over().decide(class, outcome.into_result())
    }

    /// Ends the watch: the policy counts the call itself.
    #[inline]
    fn over(self) -> &'a Fallback {
        let policy = self.policy;
        mem::forget(self);
        policy
    }
}

impl Drop for FallbackWatch<'_> {
    fn drop(&mut self) {
        self.policy.shell.count(Ended::Abandoned);
    }
}
