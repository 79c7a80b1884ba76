//! The permit: one call that a rate limit let through, and what is learnt from how it ends.

use std::mem;

use super::{Quota, RateLimit};
use crate::book::Ended;
use crate::when::{ByClass, ByWhen, Judge};
use crate::{Class, Outcome, When};

/// The right to make one call, or as many as were asked for at once.
///
/// Tell it how the call ended with [`settle`](Self::settle): a server that asks for less then holds back every caller of
/// the limit. What was let through stays used, however it ends; dropping a permit says nothing about the server.
#[derive(Debug)]
#[must_use = "a permit learns from the call that it was for: settle it"]
pub struct RatePermit<'a> {
    limit: &'a RateLimit,
}

impl<'a> RatePermit<'a> {
    #[inline]
    pub(super) const fn new(limit: &'a RateLimit) -> Self {
        Self { limit }
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
    pub fn heed(&self, quota: impl Into<Quota>) {
        self.limit.heed(quota);
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
