//! The permit: one call that a rate limit let through, and what is learnt from how it ends.

use std::mem;

use super::acquire::Taken;
use super::{Quota, RateLimit, saturated};
use crate::book::{Ended, Tally};
use crate::when::{ByClass, ByWhen, Judge};
use crate::{Class, Outcome, When};

/// The right to make one call, or as many as were asked for at once.
///
/// Tell it how the call ended with [`settle`](Self::settle): a server that asks for less then holds back every caller of
/// the limit. What was let through stays used, however it ends, unless [`charge`](Self::charge) corrects it; dropping a permit says
/// nothing about the server.
#[derive(Debug)]
#[must_use = "a permit learns from the call that it was for: settle it"]
pub struct RatePermit<'a> {
    limit: &'a RateLimit,
    taken: Taken,
}

impl<'a> RatePermit<'a> {
    #[inline]
    pub(super) fn new(limit: &'a RateLimit, taken: Taken) -> Self {
        if taken.calls > 1 {
            limit.tally(Tally::Reserved, taken.calls);
        }
        Self { limit, taken }
    }
}

impl RatePermit<'_> {
    /// Ends the call with its outcome, and hands the outcome back.
    ///
    /// | outcome | effect on every caller |
    /// |---|---|
    /// | [`Class::Throttled`] with a time | a [pause](RateLimit#when-the-server-asks-for-less) for so long |
    /// | [`Class::Throttled`] without | the rate is [halved](RateLimit#when-the-server-asks-for-less), and grows back |
    /// | any other class | none |
    /// | a [rejection](Outcome::rejection) by a policy further in | none: the server said nothing |
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use resilient::{Class, RateLimit, Reason};
    ///
    /// static SEARCH: RateLimit = RateLimit::named("search");
    ///
    /// # fn main() -> Result<(), resilient::Error> {
    /// let permit = SEARCH.try_acquire()?;
    /// permit.settle_as(Class::Throttled { after: Some(Duration::from_secs(9)) }, ());
    ///
    /// let rejection = SEARCH.try_acquire().unwrap_err();
    /// assert!(matches!(rejection.reason(), Reason::Paused { .. }));
    /// # Ok(())
    /// # }
    /// ```
    pub fn settle<O: Outcome>(self, outcome: O) -> O {
        self.judge(&outcome, &ByClass);
        outcome
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    pub fn settle_when<O, By>(self, outcome: O, when: impl When<O, By>) -> O {
        self.judge(&outcome, &ByWhen::new(when));
        outcome
    }

    /// Ends the call with a class that the caller determined, whatever the outcome is.
    pub fn settle_as<O>(self, class: Class, outcome: O) -> O {
        self.end(Ended::of(class), class);
        outcome
    }

    /// Ends the call and learns nothing from it; the same as dropping it.
    pub fn abandon(self) {
        self.end(Ended::Abandoned, Class::Success);
    }

    /// As [`RateLimit::heed`], for the answer to this call; before it is settled.
    ///
    /// A number that remains counts as of the time at which the call was let through, since the server counted it then or later. So
    /// a slow answer takes nothing away that has come back meanwhile.
    pub fn heed(&self, quota: impl Into<Quota>) {
        self.limit.heed_since(quota.into(), self.taken.when());
    }

    /// Charges what the call has cost in place of the weight that it was let through with.
    ///
    /// | cost | effect |
    /// |---|---|
    /// | less than the weight | the rest goes back at once, and the first in line asks again |
    /// | more than the weight | later calls wait for the difference, for at most [`max_pause`](RateLimit::max_pause) with an empty burst |
    /// | 0 | all of it goes back, as for a call that never ran |
    ///
    /// It may be called again with a better number; the last one counts. What a pause of the server's took away does not go back. While
    /// the server has slowed the limit, a unit that goes back makes up for less than it took. A limit that did not count the call,
    /// because it was off or observed only, charges nothing.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use resilient::RateLimit;
    ///
    /// static TOKENS: RateLimit = RateLimit::named("tokens").rate(90_000, Duration::from_secs(60)).burst(90_000);
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), resilient::Error> {
    /// let mut permit = TOKENS.acquire_many(60_000).await?; // the estimate
    /// assert!(TOKENS.try_acquire_many(40_000).is_err());
    ///
    /// permit.charge(20_000); // what the answer says
    /// permit.abandon();
    /// assert!(TOKENS.try_acquire_many(40_000).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn charge(&mut self, cost: u64) {
        if self.taken.when().is_some() {
            let cost = saturated(cost);
            self.limit.settle_cost(self.taken.calls, cost);
            self.taken.calls = cost;
        }
    }

    fn judge<O>(self, outcome: &O, judge: &impl Judge<O>) {
        let (ended, class) = judged(outcome, judge);
        self.end(ended, class);
    }

    fn end(self, ended: Ended, class: Class) {
        let limit = self.limit;
        mem::forget(self);
        limit.end(ended, class);
    }
}

/// A permit that is dropped by hand was for a call of which nothing else is known.
impl Drop for RatePermit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.limit.end(Ended::unsettled(), Class::Success);
    }
}

/// The end of a call, and the class from which its limit learns: a success where another policy refused the call.
#[inline]
pub(super) fn judged<O>(outcome: &O, judge: &impl Judge<O>) -> (Ended, Class) {
    match judge.rejection_in(outcome) {
        Some(rejection) => (Ended::of_rejection(rejection), Class::Success),
        None => {
            let class = judge.class_of(outcome);
            (Ended::of(class), class)
        }
    }
}

impl RateLimit {
    /// Ends a call that was let through.
    #[inline]
    pub(super) fn end(&self, ended: Ended, class: Class) {
        self.shell.count(ended);
        if let Class::Throttled { after } = class {
            self.throttled(after);
        }
    }
}
