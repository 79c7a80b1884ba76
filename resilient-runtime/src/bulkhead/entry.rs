//! A call about to be made, and the right to make it.

use std::cmp::Ordering;
use std::future::Future;
use std::mem;

use super::{Bulkhead, BulkheadAcquire, BulkheadGuard, Learning, run};
use crate::adaptive::{Adaptive, Ended, Sample};
use crate::book;
use crate::notes::bulkhead::OBSERVED;
use crate::stack::{Judged, Stack};
use crate::when::{Blind, ByClass, Judge};
use crate::{Class, Error, Mode, Outcome, When};

/// Which calls matter more when there is no room for all: `Priority::High > Priority::Low`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Priority {
    /// Served first; the default.
    #[default]
    High,
    /// Served when no call of high priority waits, and the first to go when the queue is full. It waits for a limited
    /// time like every other, so that it is refused and not forgotten.
    Low,
}

impl Priority {
    /// The higher, the more it matters. The discriminant is the number of its lane, and the first lane is served first.
    const fn rank(self) -> u8 {
        match self {
            Self::High => 1,
            Self::Low => 0,
        }
    }
}

impl Ord for Priority {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A call about to be made, with its weight and priority.
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing comes in before it acquires or runs"]
pub struct BulkheadEntry<'a> {
    pub(super) bulkhead: &'a Bulkhead,
    pub(super) weight: u32,
    pub(super) priority: Priority,
}

/// The right to run, until it is dropped.
///
/// Dropping it ends the call without a word about the server, which is right for one that was cancelled; a limit that
/// adapts learns nothing from it.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once limits nothing"]
pub struct BulkheadPermit<'a> {
    bulkhead: &'a Bulkhead,
    /// A word, as a half of one would be written and then read with what is behind it.
    permits: u64,
    /// When the call began, for a limit that adapts.
    sample: Sample,
}

/// The end of a call, as far as the bulkhead takes note of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallEnd {
    counted: book::Ended,
    lesson: Lesson,
}

/// The lesson of a call for a limit that adapts.
#[derive(Debug, Clone, Copy)]
enum Lesson {
    Outcome(Ended),
    /// The call ended, and nobody judged its outcome.
    Withheld,
    None,
}

impl<'a> BulkheadEntry<'a> {
    /// Sets how many permits the call takes; 1 unless set, and 0 is taken for 1.
    ///
    /// A call that weighs more than there are permits takes all of them, alone. It waits in the queue like every other, and
    /// nobody overtakes it.
    pub const fn weight(mut self, weight: u32) -> Self {
        self.weight = if weight == 0 { 1 } else { weight };
        self
    }

    /// Which calls are served first; [`Priority::High`] unless set.
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The bulkhead that it is for.
    pub const fn bulkhead(&self) -> &'a Bulkhead {
        self.bulkhead
    }

    /// As [`Bulkhead::try_acquire`].
    ///
    /// # Errors
    ///
    /// [`Reason::QueueFull`](crate::Reason::QueueFull) if there is no room.
    #[inline]
    pub fn try_acquire(self) -> Result<BulkheadPermit<'a>, Error> {
        match self.enter_at_once() {
            Some(permit) => Ok(permit),
            None if self.bulkhead.current_mode() == Mode::Observe => {
                self.bulkhead.count(OBSERVED, |counts| &counts.observed);
                Ok(BulkheadPermit::new(self.bulkhead, self.bulkhead.gate.force(self.weight)))
            }
            None => {
                self.bulkhead.count_full();
                Err(self.bulkhead.full())
            }
        }
    }

    /// As [`Bulkhead::acquire`].
    #[inline]
    pub const fn acquire(self) -> BulkheadAcquire<'a> {
        BulkheadAcquire::new(self)
    }

    /// As [`Bulkhead::run`].
    #[inline]
    pub const fn run<F: Future>(self, future: F) -> Stack<F, BulkheadGuard<'a, Blind>> {
        Stack::new(future, BulkheadGuard::new(self, Blind))
    }

    /// As [`Bulkhead::run_adaptive`].
    #[inline]
    pub const fn run_adaptive<F: Future<Output: Outcome>>(self, future: F) -> Stack<F, BulkheadGuard<'a, ByClass>> {
        Stack::new(future, BulkheadGuard::new(self, ByClass))
    }

    /// The call in a [stack](crate::run), from whose end a limit that adapts learns.
    #[inline]
    pub const fn learning(self) -> Learning<'a> {
        Learning(self)
    }

    /// As [`learning`](Self::learning), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(self, when: W) -> Judged<Self, W, O> {
        Judged::new(self, when)
    }

    #[inline]
    pub(super) fn enter_at_once(self) -> Option<BulkheadPermit<'a>> {
        let Self { bulkhead, weight, .. } = self;
        let permits = if bulkhead.shell.mode() == Mode::Off { 0 } else { bulkhead.gate.enter(weight)? };
        Some(BulkheadPermit::new(bulkhead, permits))
    }
}

impl<'a> BulkheadPermit<'a> {
    #[inline]
    pub(super) fn new(bulkhead: &'a Bulkhead, permits: u32) -> Self {
        // One that was let in without a permit is not counted, and teaches nothing.
        let adaptive = bulkhead.adaptive().filter(|_| permits > 0);
        let sample = adaptive.map_or(Sample::UNTIMED, Adaptive::begin);
        Self { bulkhead, permits: permits.into(), sample }
    }

    /// Returns how many permits it is: the weight of the call, or fewer if there were no more.
    pub const fn permits(&self) -> u32 {
        self.permits as u32
    }

    /// Ends the call with its outcome, from which a limit that adapts learns, and hands the outcome back.
    ///
    /// | outcome | what it tells |
    /// |---|---|
    /// | [`Class::Success`](crate::Class::Success) | how long a call takes |
    /// | [`Class::Throttled`](crate::Class::Throttled), and a rejection because of a time-out | that there were too many |
    /// | anything else | nothing: a quick failure is not a quick server |
    pub fn settle<O: Outcome>(self, outcome: O) -> O {
        let end = CallEnd::of(&outcome, &ByClass);
        self.end(end);
        outcome
    }

    #[inline]
    fn end(self, end: CallEnd) {
        let (bulkhead, permits, sample) = self.into_parts();
        bulkhead.end(permits, sample, end);
    }

    /// The permits and the sample, from which its bulkhead makes the permit [again](Self::of), or [ends](Bulkhead::end) the call. One of
    /// these must be done.
    #[inline]
    pub(super) const fn into_parts(self) -> (&'a Bulkhead, u32, Sample) {
        let parts = (self.bulkhead, self.permits(), self.sample);
        mem::forget(self);
        parts
    }

    #[inline]
    pub(super) const fn of(bulkhead: &'a Bulkhead, permits: u32, sample: Sample) -> Self {
        Self { bulkhead, permits: permits as u64, sample }
    }
}

impl BulkheadPermit<'_> {
    /// Takes note that the call was dropped while it ran.
    pub(super) fn abandon(self) {
        self.end(CallEnd { counted: book::Ended::Abandoned, lesson: Lesson::None });
    }
}

/// A permit that is dropped by hand has ended its call, of which nothing else is known.
impl Drop for BulkheadPermit<'_> {
    #[inline]
    fn drop(&mut self) {
        let end = CallEnd { counted: book::Ended::unsettled(), lesson: Lesson::None };
        self.bulkhead.end(self.permits(), self.sample, end);
    }
}

impl CallEnd {
    #[inline]
    pub(super) fn of<O, J: Judge<O>>(outcome: &O, judge: &J) -> Self {
        if !J::JUDGES {
            return Self { counted: book::Ended::Success, lesson: Lesson::Withheld };
        }
        let mut class = Class::Success;
        let rejection = judge.rejection_in(outcome);
        let ended = run::ended(rejection, || {
            class = judge.class_of(outcome);
            class
        });
        let counted = rejection.map_or(book::Ended::of(class), book::Ended::of_rejection);
        Self { counted, lesson: Lesson::Outcome(ended) }
    }
}

impl Bulkhead {
    /// Ends a call that has so many permits.
    #[inline]
    pub(super) fn end(&self, permits: u32, sample: Sample, end: CallEnd) {
        self.shell.count(end.counted);
        if permits == 0 {
            return;
        }
        if let Some(adaptive) = self.adaptive.get() {
            return self.end_and_learn(adaptive, permits, sample, end.lesson);
        }
        self.gate.leave(permits);
    }

    #[inline(never)]
    fn end_and_learn(&self, adaptive: &Adaptive, permits: u32, sample: Sample, lesson: Lesson) {
        let in_use = self.gate.level().in_use;
        self.gate.leave(permits);
        match lesson {
            Lesson::Outcome(ended) => {
                if adaptive.end(sample, in_use, ended).is_some() {
                    self.gate.resize(|| adaptive.limit());
                }
            }
            Lesson::Withheld => self.learns_nothing(),
            Lesson::None => {}
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::Priority;

    #[test]
    fn high_is_more_than_low() {
        assert!(Priority::High > Priority::Low);
        assert_eq!([Priority::High, Priority::Low].into_iter().max(), Some(Priority::High));
    }
}
