//! One call through a retry: the decision after each attempt.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::nested::suppressed;
use super::run::{RetryFuture, RetryWithin, Stage};
use super::{Delay, Retry};
use crate::TimeoutCall;
use crate::backoff::Memory;
use crate::clock::{self, Ticks};
use crate::event::{Event, Retrying};
use crate::vocabulary::GaveUp;
use crate::{Class, Cost, Deadline, Error, Outcome, Reason, When, random};

/// One call through a [`Retry`]: how many retries it has had, and what the back-off remembers.
#[derive(Debug)]
pub struct RetryCall<'a> {
    policy: &'a Retry,
    start: Start,
    retries: u32,
    /// When the attempt under way began, if it is a retry under a deadline.
    attempt: Moment,
}

/// What [`RetryCall::settle`] decided.
#[derive(Debug)]
#[must_use]
pub enum Verdict<O> {
    /// The call ends with this outcome.
    Accept(O),
    /// Await the delay and make another attempt; the outcome is gone.
    Retry(Delay),
}

/// When the call began, if the policy limits how long it may go on, and what the back-off remembers: in one word, because it
/// is part of every future with a retry.
///
/// 40 bits of steps of 66 µs, modulo 2.3 years, and the upper 24 bits of the memory.
#[derive(Debug, Clone, Copy)]
struct Start(u64);

/// A time within a call in steps of 66 µs, modulo 78 hours; zero where none was taken.
///
/// It only measures attempts, for their median: one that took longer than 78 hours counts as a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment(u32);

impl<'a> RetryCall<'a> {
    #[inline]
    pub(super) fn new(policy: &'a Retry) -> Self {
        let began = if policy.max_elapsed.is_some() { Ticks::now() } else { Ticks(0) };
        let start = Start(0).with(policy.backoff.memory()).at(began);
        Self { policy, start, retries: 0, attempt: Moment::NONE }
    }

    /// Runs one attempt, [settles](Self::settle) its outcome, and waits if there is to be another attempt.
    ///
    /// The outcome, if the call ends with it; `None` after the wait, when it is time for the next attempt.
    ///
    /// ```
    /// use resilient::Retry;
    ///
    /// static LOOKUP: Retry = Retry::named("lookup");
    ///
    /// # async fn ask() -> Result<u32, std::io::Error> { Ok(42) }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut retry = LOOKUP.begin();
    /// let answer = loop {
    ///     if let Some(outcome) = retry.run(ask()).await {
    ///         break outcome;
    ///     }
    /// };
    /// assert_eq!(answer.unwrap(), 42);
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `attempt`, or ends the wait.
    pub const fn run<F: Future<Output: Outcome>>(&mut self, attempt: F) -> RetryFuture<'_, 'a, F> {
        RetryFuture { call: self, stage: Stage::Attempt { attempt } }
    }

    /// The same as `timeout.run(self.run(attempt))`: a round under a time-out that limits all of them together.
    ///
    /// It is for code that is generated many times. A future of one type takes the compiler less time than one
    /// within the other.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub const fn run_within<'c, F>(&'c mut self, timeout: &'c mut TimeoutCall<'a>, attempt: F) -> RetryWithin<'c, 'a, F>
    where
        F: Future<Output: Outcome>,
    {
        RetryWithin { round: timeout.run(self.run(attempt)) }
    }
}

impl RetryCall<'_> {
    /// The attempt under way, counted from zero.
    pub const fn attempt(&self) -> u32 {
        self.retries
    }

    /// Accepts the outcome of an attempt, or drops it and says how long to wait before the next.
    ///
    /// Off a tokio runtime, and on one without timers, nothing can measure a wait: the call ends instead.
    #[inline]
    pub fn settle<O: Outcome>(&mut self, outcome: O) -> Verdict<O> {
        let class = outcome.class();
        self.decide(class, outcome, Outcome::rejection)
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    #[inline]
    pub fn settle_when<O, By>(&mut self, outcome: O, when: impl When<O, By>) -> Verdict<O> {
        let class = when.class_of(&outcome);
        self.decide(class, outcome, |outcome| when.rejection_in(outcome))
    }

    #[inline]
    fn decide<O>(&mut self, class: Class, outcome: O, rejection: impl Fn(&O) -> Option<&Error>) -> Verdict<O> {
        if self.attempt != Moment::NONE {
            self.policy.pace.sample(self.attempt.elapsed(clock::now()));
        }
        if !class.is_retryable() {
            return Verdict::Accept(outcome);
        }
        match self.next(class, rejection(&outcome)) {
            Ok(delay) => Verdict::Retry(delay),
            Err(why) => {
                Event::GaveUp { policy: self.policy.name, retries: self.retries, class, why }.emit();
                Verdict::Accept(outcome)
            }
        }
    }

    /// The wait before the next attempt, or why there is none.
    #[cold]
    fn next(&mut self, class: Class, rejection: Option<&Error>) -> Result<Delay, GaveUp> {
        let policy = self.policy;
        if rejection.is_some_and(Error::ends_the_call) {
            return Err(GaveUp::Refused);
        }
        if suppressed() {
            return Err(GaveUp::Suppressed);
        }
        if policy.max.is_some_and(|max| self.retries >= max) {
            return Err(GaveUp::NoRetriesLeft);
        }

        let mut memory = self.start.memory();
        let own = policy.backoff.delay(self.retries, random::next, &mut memory);
        self.start = self.start.with(memory);
        let delay = match class {
            Class::Throttled { after: Some(hint) } if hint > policy.max_hint => {
                return Err(GaveUp::HintTooLong);
            }
            Class::Throttled { after: Some(hint) } => own.max(spread(hint)),
            _ => own,
        };
        self.fits(delay)?;
        if !delay.is_zero() && !clock::has_timers() {
            return Err(GaveUp::NoTimer);
        }
        let cost = cost(class, rejection);
        let withdrawal = match policy.funds.budget(policy.name).map(|budget| budget.reserve_for(cost)) {
            Some(None) => return Err(GaveUp::BudgetExhausted),
            withdrawal => withdrawal.flatten(),
        };

        // Whoever is told may panic, and the budget then gets back what it has given.
        Event::Retrying(Retrying { policy: policy.name, retry: self.retries, class, delay }).emit();
        if let Some(hook) = policy.hook {
            hook(&Retrying { policy: policy.name, retry: self.retries, class, delay });
        }
        if let Some(withdrawal) = withdrawal {
            withdrawal.spend();
        }
        self.retries = self.retries.saturating_add(1);
        Ok(Delay(delay))
    }

    /// Whether an attempt after this delay would begin, and probably end, in time; notes when it begins.
    fn fits(&mut self, delay: Duration) -> Result<(), GaveUp> {
        let policy = self.policy;
        let deadline = Deadline::current();
        if deadline.is_none() && policy.max_elapsed.is_none() {
            return Ok(());
        }

        let now = clock::now();
        if policy.max_elapsed.is_some_and(|max| self.start.elapsed(now).saturating_add(delay) > max) {
            return Err(GaveUp::TimeOver);
        }
        let Some(deadline) = deadline else { return Ok(()) };
        let left = deadline.instant().saturating_duration_since(now);
        if delay >= left {
            return Err(GaveUp::DeadlineFirst);
        }
        if policy.pace.median().is_some_and(|median| delay.saturating_add(median) > left) {
            return Err(GaveUp::DeadlineTooClose);
        }
        self.attempt = Moment::at(now + delay);
        Ok(())
    }
}

impl Start {
    const fn at(self, began: Ticks) -> Self {
        Self(Self::steps(began) << Self::MEMORY | self.0 & ((1 << Self::MEMORY) - 1))
    }

    fn elapsed(self, now: Instant) -> Duration {
        let steps = Self::steps(Ticks::at(now)).wrapping_sub(self.0 >> Self::MEMORY) & Self::STEPS;
        Duration::from_nanos(steps << Moment::STEP)
    }

    const fn steps(time: Ticks) -> u64 {
        time.0 >> Moment::STEP & Self::STEPS
    }

    const fn with(self, memory: Memory) -> Self {
        Self(self.0 >> Self::MEMORY << Self::MEMORY | (memory.0 >> (u32::BITS - Self::MEMORY)) as u64)
    }

    const fn memory(self) -> Memory {
        Memory((self.0 as u32) << (u32::BITS - Self::MEMORY))
    }

    const MEMORY: u32 = 24;
    const STEPS: u64 = u64::MAX >> Self::MEMORY;
}

impl Moment {
    const NONE: Self = Self(0);

    fn at(instant: Instant) -> Self {
        Self(((Ticks::at(instant).0 >> Self::STEP) as u32).max(1))
    }

    fn elapsed(self, now: Instant) -> Duration {
        let steps = Self::at(now).0.wrapping_sub(self.0);
        Duration::from_nanos(u64::from(steps) << Self::STEP)
    }

    const STEP: u32 = 16;
}

/// A time-out has cost the server more than an ordinary failure, and a throttle less.
fn cost(class: Class, rejection: Option<&Error>) -> Cost {
    match (class, rejection.map(Error::reason)) {
        (_, Some(Reason::TimedOut { .. })) => Cost::Timeout,
        (Class::Throttled { .. }, _) => Cost::Throttle,
        _ => Cost::Failure,
    }
}

/// The server's hint and up to a tenth more, so that those who were told the same time do not come back together.
fn spread(hint: Duration) -> Duration {
    let fraction = random::next() as f64 / u64::MAX as f64;
    hint.saturating_add((hint / 10).mul_f64(fraction))
}
