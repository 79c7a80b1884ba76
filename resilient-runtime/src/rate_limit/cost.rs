//! The cost of a call, which is known only when it has ended.

use crate::Settled;
use crate::marker::{ByOutcome, BySettled};

/// Reads from an outcome of type `O` how many units of a rate limit it has cost: a function of the good answer, or of the whole
/// outcome.
///
/// `By` tells the two apart and is always inferred. It returns a `u64`, or an `Option<u64>` that is `None` where the cost is not known;
/// then the weight of the call stays charged. So it does for a failure, where the function is one of the good answer: most servers
/// count what they refuse to answer as well.
#[diagnostic::on_unimplemented(
    message = "`cost` takes the good answer or the whole outcome by reference and returns a `u64` or an `Option<u64>`",
    label = "not a function of `&Answer` or `&Outcome` that returns `u64` or `Option<u64>`",
    note = "for instance `cost = |answer: &Answer| answer.tokens_used`, or `u64::from(answer.tokens_used)` for a `u32`"
)]
pub trait CostOf<O, By> {
    /// The cost of `outcome`; `None` if it is not known.
    fn cost_of(&self, outcome: &O) -> Option<u64>;
}

/// The return value of a [`CostOf`]: a `u64`, or an `Option<u64>`.
#[diagnostic::on_unimplemented(
    message = "`cost` returns a `u64` or an `Option<u64>`, and not `{Self}`",
    label = "write `u64::from(…)`, or `… as u64`"
)]
pub trait IntoCost {
    /// The cost, if it is known.
    fn into_cost(self) -> Option<u64>;
}

impl IntoCost for u64 {
    #[inline]
    fn into_cost(self) -> Option<u64> {
        Some(self)
    }
}

impl IntoCost for Option<u64> {
    #[inline]
    fn into_cost(self) -> Option<u64> {
        self
    }
}

/// The weight of a call as it is; an annotated function has it checked here that it is a number of units.
#[inline]
#[must_use]
pub const fn weight(units: u64) -> u64 {
    units
}

/// Marks a [`CostOf`] over the good answer of a `Result`.
#[derive(Debug, Clone, Copy)]
pub struct ByGoodAnswer;

impl<F, T, E, R> CostOf<Result<T, E>, ByGoodAnswer> for F
where
    F: Fn(&T) -> R,
    R: IntoCost,
{
    #[inline]
    fn cost_of(&self, outcome: &Result<T, E>) -> Option<u64> {
        outcome.as_ref().ok().and_then(|answer| self(answer).into_cost())
    }
}

impl<F, O, R> CostOf<O, ByOutcome> for F
where
    F: Fn(&O) -> R,
    R: IntoCost,
{
    #[inline]
    fn cost_of(&self, outcome: &O) -> Option<u64> {
        self(outcome).into_cost()
    }
}

macro_rules! settled {
    ($by:ty) => {
        /// A rejection by a policy further in has no known cost.
        #[diagnostic::do_not_recommend]
        impl<C, O> CostOf<Settled<O>, BySettled<$by>> for C
        where
            C: CostOf<O, $by>,
        {
            #[inline]
            fn cost_of(&self, settled: &Settled<O>) -> Option<u64> {
                match settled {
                    Settled::Outcome(outcome) => self.cost_of(outcome),
                    Settled::Rejected(_) => None,
                }
            }
        }
    };
}

// one for every marker would lead to itself, as with `When`
settled!(ByGoodAnswer);
settled!(ByOutcome);
