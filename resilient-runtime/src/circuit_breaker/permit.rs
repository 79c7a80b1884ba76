//! The permit: one call that a breaker let through.

use std::mem;
use std::thread;
use std::time::Duration;

use super::CircuitBreaker;
use super::state::{Cause, Vote};
use super::word::Ticket;
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
    ticket: Ticket,
    /// If calls are timed.
    began: Began,
}

/// When a call began: milliseconds, modulo 2³² (49 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Began(u32);

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(breaker: &'a CircuitBreaker, ticket: Ticket, began: Began) -> Self {
        let ticket = if thread::panicking() { ticket.unwinding() } else { ticket };
        Self { breaker, ticket, began }
    }
}

impl Began {
    /// Of a call that nobody times.
    pub(super) const UNKNOWN: Self = Self(0);

    pub(super) const fn at(now: Ticks) -> Self {
        Self((now.0 / NANOS_PER_MILLI) as u32)
    }

    pub(super) const fn elapsed(self, now: Ticks) -> Duration {
        Duration::from_millis(Self::at(now).0.wrapping_sub(self.0) as u64)
    }
}

impl Permit<'_> {
    /// Ends the call with its outcome, and hands the outcome back.
    ///
    /// | outcome | counts as |
    /// |---|---|
    /// | [`Class::Transient`] | failure |
    /// | [`Class::Throttled`] | success, unless it [counts](CircuitBreaker::throttled_fails) as a failure |
    /// | [`Class::Success`], [`Class::Permanent`] | success: the server answered |
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
    // A tenth of a happy call is what it takes to move the outcome into a function and out again.
    #[expect(clippy::inline_always)]
    #[inline(always)]
    pub fn settle<O: Outcome>(self, outcome: O) -> O {
        let vote = self.vote(outcome.rejection(), || outcome.class());
        self.end(vote, Ticks::now);
        outcome
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    #[expect(clippy::inline_always)]
    #[inline(always)]
    pub fn settle_when<O, By>(self, outcome: O, when: impl When<O, By>) -> O {
        let vote = self.vote(when.rejection_in(&outcome), || when.class_of(&outcome));
        self.end(vote, Ticks::now);
        outcome
    }

    /// Ends the call with a class that the caller determined, whatever the outcome is.
    pub fn settle_as<O>(self, class: Class, outcome: O) -> O {
        let vote = self.counted(class);
        self.end(vote, Ticks::now);
        outcome
    }

    /// Ends the call without a vote; the same as dropping it, except during a panic.
    pub fn abandon(self) {
        self.end(Vote::Abandoned, Ticks::now);
    }

    /// The vote of an outcome: a policy further in that refused says nothing about the server, except by a time-out.
    #[inline]
    fn vote(&self, rejection: Option<&Error>, class: impl FnOnce() -> Class) -> Vote {
        match rejection.map(Error::reason) {
            Some(Reason::TimedOut { .. }) => Vote::Failure(Cause::Transient),
            Some(_) => Vote::Abandoned,
            None => self.counted(class()),
        }
    }

    #[inline]
    fn counted(&self, class: Class) -> Vote {
        match class {
            Class::Transient => Vote::Failure(Cause::Transient),
            Class::Throttled { .. } if self.breaker.config.counts_throttled() => Vote::Failure(Cause::Throttled),
            Class::Success | Class::Throttled { .. } | Class::Permanent => Vote::Success,
        }
    }

    #[inline]
    pub(super) fn end(self, vote: Vote, clock: impl Fn() -> Ticks) {
        self.breaker.end(self.ticket, vote, self.began, clock);
        // It has ended, and must not end again as abandoned.
        mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let own_panic = thread::panicking() && !self.ticket.is_unwinding();
        let vote = if own_panic { Vote::Failure(Cause::Panic) } else { Vote::Abandoned };
        self.breaker.end(self.ticket, vote, self.began, Ticks::now);
    }
}

const NANOS_PER_MILLI: u64 = 1_000_000;
