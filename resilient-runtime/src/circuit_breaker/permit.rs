//! The permit: one call that a breaker let through.

use std::mem;
use std::thread;

use super::CircuitBreaker;
use super::state::{Epoch, Vote};
use crate::clock::Ticks;
use crate::{Class, Error, Outcome, Reason, When};

/// The right to make one call, which ends as a success, a failure or not at all.
///
/// Tell it how the call ended with [`settle`](Self::settle). Dropping it is abandoning it: the call votes neither
/// way, and if it was a probe, the next caller gets its place. Dropping it while a panic that began after
/// [`acquire`](CircuitBreaker::acquire) unwinds counts as a failure.
///
/// # Cancel safety
///
/// A future that holds a permit may be dropped at any await; the breaker cannot get stuck on it. A permit that is kept
/// for ever holds back at most one half-open state, for [`probe_timeout`](CircuitBreaker::probe_timeout).
#[derive(Debug)]
#[must_use = "a permit that is dropped at once guards nothing"]
pub struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    epoch: Epoch,
    /// Whether a panic was already unwinding, and so is not this call's.
    unwinding: bool,
}

impl<'a> Permit<'a> {
    pub(super) fn new(breaker: &'a CircuitBreaker, epoch: Epoch) -> Self {
        Self { breaker, epoch, unwinding: thread::panicking() }
    }
}

impl Permit<'_> {
    /// Ends the call with its outcome, and hands the outcome back.
    ///
    /// | outcome | counts as |
    /// |---|---|
    /// | [`Class::Transient`] | failure |
    /// | [`Class::Success`], [`Class::Throttled`], [`Class::Permanent`] | success: the server answered |
    /// | a rejection because of a time-out | failure |
    /// | any other [rejection](Outcome::rejection) | nothing, as when it is dropped |
    ///
    /// ```
    /// use resilient::CircuitBreaker;
    ///
    /// static BREAKER: CircuitBreaker = CircuitBreaker::named("disk");
    ///
    /// # fn main() -> Result<(), resilient::Error> {
    /// let permit = BREAKER.acquire()?;
    /// let outcome = permit.settle(std::fs::read("/no such file"));
    ///
    /// assert!(outcome.is_err());
    /// assert_eq!(BREAKER.counts().failures, 0); // a missing file is permanent: the disk works
    /// assert_eq!(BREAKER.counts().calls, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn settle<O: Outcome>(self, outcome: O) -> O {
        let vote = Vote::of(outcome.rejection(), || outcome.class());
        self.end(vote, Ticks::now);
        outcome
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    pub fn settle_when<O, By>(self, outcome: O, when: impl When<O, By>) -> O {
        let vote = Vote::of(when.rejection_in(&outcome), || when.class_of(&outcome));
        self.end(vote, Ticks::now);
        outcome
    }

    /// Ends the call with a class that the caller determined, whatever the outcome is.
    pub fn settle_as<O>(self, class: Class, outcome: O) -> O {
        self.end(Vote::from(class), Ticks::now);
        outcome
    }

    /// Ends the call without a vote; the same as dropping it, except during a panic.
    pub fn abandon(self) {
        self.end(Vote::Abandoned, Ticks::now);
    }

    #[inline]
    pub(super) fn end(self, vote: Vote, clock: impl Fn() -> Ticks) {
        self.breaker.end(self.epoch, vote, clock);
        // It has ended, and must not end again as abandoned.
        mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let vote = if thread::panicking() && !self.unwinding { Vote::Panic } else { Vote::Abandoned };
        self.breaker.end(self.epoch, vote, Ticks::now);
    }
}

impl Vote {
    /// The vote of an outcome: a policy further in that refused says nothing about the server, except by a time-out.
    fn of(rejection: Option<&Error>, class: impl FnOnce() -> Class) -> Self {
        match rejection.map(Error::reason) {
            Some(Reason::TimedOut { .. }) => Self::Failure,
            Some(_) => Self::Abandoned,
            None => Self::from(class()),
        }
    }
}

impl From<Class> for Vote {
    fn from(class: Class) -> Self {
        match class {
            Class::Transient => Self::Failure,
            Class::Success | Class::Throttled { .. } | Class::Permanent => Self::Success,
        }
    }
}
