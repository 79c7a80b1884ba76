//! One call through a retry: the decision after each attempt.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::hook::{Hooks, News, Tell};
use super::nested::suppressed;
use super::{Delay, Retry};
use crate::backoff::Memory;
use crate::book::Ended;
use crate::clock::{self, Ticks, nanos};
use crate::deadline::Limit;
use crate::event::{Event, GivingUp, Retrying};
use crate::notes::retry::{CALLS_BY_RETRIES, GAVE_UP, OBSERVED, RETRIES};
use crate::stack::Judged;
use crate::vocabulary::GaveUp;
use crate::when::{ByClass, ByWhen, Judge};
use crate::{Class, Cost, Deadline, Error, Mode, Outcome, Reason, When, random};

/// One call through a [`Retry`]: how many retries it has had, and what the back-off remembers.
#[derive(Debug)]
pub struct RetryCall<'a> {
    policy: &'a Retry,
    start: Start,
    /// The retries so far, whether the [end](ENDED) of the call was counted, and whether it has [paid](PAID). Zero at the first attempt of every call, which is
    /// all that most calls look at.
    retries: u32,
    /// When the attempt under way began, if it is a retry under a deadline; and whether the call blocks.
    attempt: Moment,
    decision: Decision,
}

/// A decision on an attempt: the wait before the next in nanoseconds, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision(u64);

/// A function that is told of what becomes of an attempt.
type Teller<'t> = &'t mut dyn FnMut(News<'_>);

/// The decision of [`RetryCall::settle`].
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

/// A time within a call in steps of 66 µs, modulo 39 hours; zero where none was taken. The highest bit says that the call [blocks](Self::BLOCKS) the thread while it waits.
///
/// It only measures attempts, for their median: one that took longer than 39 hours counts as a short one.
#[derive(Debug, Clone, Copy)]
struct Moment(u32);

impl<'a> RetryCall<'a> {
    #[inline]
    pub(super) fn new(policy: &'a Retry) -> Self {
        let config = &*policy.config;
        let began = if config.max_elapsed.is_some() { Ticks::now() } else { Ticks(0) };
        let start = Start(0).with(config.backoff.memory()).at(began);
        Self { policy, start, retries: 0, attempt: Moment::NONE, decision: Decision::ACCEPT }
    }

    /// The same call, which blocks the thread while it waits.
    #[inline]
    pub(super) fn that_blocks(mut self) -> Self {
        self.attempt.0 |= Moment::BLOCKS;
        self
    }
}

impl RetryCall<'_> {
    /// The attempt under way, counted from zero.
    pub const fn attempt(&self) -> u32 {
        self.retries & RETRIED
    }

    /// Accepts the outcome of an attempt, or drops it and says how long to wait before the next.
    ///
    /// Off a tokio runtime, and on one without timers, nothing can measure a wait: the call ends instead.
    #[inline]
    pub fn settle<O: Outcome>(&mut self, outcome: O) -> Verdict<O> {
        let decision = self.decide(&outcome, &ByClass, &Hooks::NONE);
        decision.on(outcome)
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns.
    #[inline]
    pub fn settle_when<O, By>(&mut self, outcome: O, when: impl When<O, By>) -> Verdict<O> {
        let decision = self.decide(&outcome, &ByWhen::new(when), &Hooks::NONE);
        decision.on(outcome)
    }

    /// The call in a [stack](crate::run), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(&mut self, when: W) -> Judged<&mut Self, W, O> {
        Judged::new(self, when)
    }

    /// The verdict on the outcome of an attempt that this call was [run](crate::run) in: it decided there, under the deadline that was in
    /// force. An outcome that it has not seen, such as the rejection by a time-out around it, is accepted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::{Retry, Settled, Timeout, Verdict};
    ///
    /// static TOTAL: Timeout = Timeout::named("lookup", Duration::from_millis(50));
    /// static LOOKUP: Retry = Retry::named("lookup");
    ///
    /// # async fn ask() -> Result<u32, std::io::Error> { Ok(42) }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut timeout = TOTAL.begin();
    /// let mut retry = LOOKUP.begin();
    /// let settled = loop {
    ///     let settled = resilient::run((&mut timeout, &mut retry), ask()).await;
    ///     match retry.verdict(settled) {
    ///         Verdict::Accept(settled) => break settled,
    ///         Verdict::Retry(delay) => delay.await,
    ///     }
    /// };
    /// assert!(matches!(settled, Settled::Outcome(Ok(42))));
    /// # }
    /// ```
    #[inline]
    pub fn verdict<O>(&mut self, outcome: O) -> Verdict<O> {
        mem::replace(&mut self.decision, Decision::ACCEPT).on(outcome)
    }

    /// Begins an attempt in a stack, on which nothing is decided.
    #[inline]
    pub(super) const fn begin_attempt(&mut self) {
        self.decision = Decision::ACCEPT;
    }

    /// Decides on the outcome of an attempt, for the [verdict](Self::verdict).
    #[inline]
    pub(super) fn note<O, R, G>(&mut self, outcome: &O, judge: &impl Judge<O>, hooks: &Hooks<R, G>)
    where
        R: Tell<Retrying, O>,
        G: Tell<GivingUp, O>,
    {
        let decision = self.decide(outcome, judge, hooks);
        // of most calls nothing is to be written: that they are accepted is what the attempt began with
        if decision.delay().is_some() {
            self.decision = decision;
        }
    }

    /// Decides whether there is to be another attempt after this outcome.
    #[expect(clippy::inline_always, reason = "most calls end here, and then nothing of the call need be in memory")]
    #[inline(always)]
    pub(super) fn decide<O, R, G>(&mut self, outcome: &O, judge: &impl Judge<O>, hooks: &Hooks<R, G>) -> Decision
    where
        R: Tell<Retrying, O>,
        G: Tell<GivingUp, O>,
    {
        let class = judge.class_of(outcome);
        if class == Class::Success {
            if self.retries == 0 {
                self.succeed_at_once();
            } else {
                self.succeed_at_last();
            }
            return Decision::ACCEPT;
        }
        let (rejection, hint) = (judge.rejection_in(outcome), judge.hint_in(outcome));
        let tell = &mut |news: News<'_>| match news {
            News::Retrying(retrying) => hooks.on_retry.tell(retrying, outcome),
            News::GivingUp(giving_up) => hooks.on_give_up.tell(giving_up, outcome),
        };
        let tell = if R::IS_TOLD || G::IS_TOLD { Some(tell as Teller<'_>) } else { None };
        self.decide_slowly(class, rejection, hint, tell)
    }

    /// As [`decide`](Self::decide), for all but a success, after which there is nothing to decide. Unless there is another attempt, it
    /// says of a failure why not.
    #[cold]
    #[inline(never)]
    fn decide_slowly(
        &mut self,
        class: Class,
        rejection: Option<&Error>,
        hint: Option<Duration>,
        mut tell: Option<Teller<'_>>,
    ) -> Decision {
        self.sample();
        self.deposit();
        if !class.is_retryable() {
            self.end(Ended::of(class));
            return Decision::ACCEPT;
        }
        match self.next(class, rejection, hint, &mut tell) {
            Ok(decision) => decision,
            Err(why) => {
                self.give_up(class, why, tell);
                Decision::ACCEPT
            }
        }
    }

    /// Ends the call with a failure that was worth another attempt.
    #[cold]
    fn give_up(&mut self, class: Class, why: GaveUp, tell: Option<Teller<'_>>) {
        let (policy, retries) = (self.policy.name(), self.attempt());
        self.policy.shell.note(GAVE_UP + why as usize, 1);
        self.end(Ended::of(class));
        self.policy.shell.emit(Event::GaveUp { policy, retries, class, why });
        if let Some(tell) = tell {
            tell(News::GivingUp(&GivingUp { policy, retries, class, why }));
        }
    }

    /// Returns the wait before the next attempt, if there is to be one.
    #[cfg(feature = "tower-0-5")]
    pub(crate) fn wait_after<O>(&mut self, outcome: &O, judge: &impl Judge<O>) -> Option<Delay> {
        self.decide(outcome, judge, &Hooks::NONE).delay()
    }

    /// Ends the call with the outcome of a request that cannot be sent again.
    #[cfg(feature = "tower-0-5")]
    pub(crate) fn end_with<O>(&mut self, outcome: &O, judge: &impl Judge<O>) {
        self.end(Ended::of(judge.class_of(outcome)));
    }

    /// Ends a call whose first attempt succeeded.
    #[inline]
    fn succeed_at_once(&mut self) {
        self.retries = ENDED;
        self.policy.funds.succeed_at_once(&self.policy.shell);
    }

    /// Ends a call that has had retries, or an end already, with a success.
    #[cold]
    #[inline(never)]
    fn succeed_at_last(&mut self) {
        self.sample();
        self.end(Ended::Success);
    }

    /// Takes note of how long a retry took, if that is measured.
    fn sample(&self) {
        if self.attempt.is_taken() {
            self.policy.pace.sample(self.attempt.elapsed(clock::now()));
        }
    }

    /// Pays in for the call, unless that is done.
    fn deposit(&mut self) {
        if self.retries & (PAID | ENDED) == 0 {
            self.retries |= PAID;
            self.policy.funds.deposit(&self.policy.shell);
        }
    }

    /// Counts the end of the call, unless it had one.
    #[cold]
    fn end(&mut self, ended: Ended) {
        if self.has_ended() {
            return;
        }
        self.deposit();
        let retries = self.attempt();
        if retries > 0 {
            self.policy.shell.note(CALLS_BY_RETRIES + bucket(retries), 1);
        }
        self.retries |= ENDED;
        self.policy.shell.count(ended);
    }

    /// Returns whether its end was counted.
    #[inline]
    const fn has_ended(&self) -> bool {
        self.retries & ENDED != 0
    }

    /// The next attempt, or why there is none.
    fn next(
        &mut self,
        class: Class,
        rejection: Option<&Error>,
        hint: Option<Duration>,
        tell: &mut Option<Teller<'_>>,
    ) -> Result<Decision, GaveUp> {
        let policy = self.policy;
        let config = &*policy.config;
        let mode = policy.shell.mode();
        if mode == Mode::Off {
            return Err(GaveUp::SwitchedOff);
        }
        if rejection.is_some_and(Error::ends_the_call) {
            return Err(GaveUp::Refused);
        }
        if suppressed() {
            return Err(GaveUp::Suppressed);
        }
        if config.max.is_some_and(|max| self.attempt() >= max) {
            return Err(GaveUp::NoRetriesLeft);
        }

        let (hint, lengthened) = match class {
            Class::Throttled { after: None } => (None, Some(config.throttled())),
            Class::Throttled { after } => (after, None),
            _ => (hint, None),
        };
        let backoff = lengthened.as_ref().unwrap_or(&config.backoff);
        let mut memory = self.start.memory();
        let own = backoff.wait(self.attempt(), random::next, &mut memory);
        self.start = self.start.with(memory);
        let delay = Delay::of_nanos(match hint {
            Some(hint) if hint > config.max_hint => return Err(GaveUp::HintTooLong),
            Some(hint) => own.max(nanos(spread(hint))),
            None => own,
        });
        self.fits(delay)?;
        if !delay.is_zero() && !self.attempt.blocks() && !clock::has_timers() {
            return Err(GaveUp::NoTimer);
        }
        let cost = cost(class, rejection);
        let withdrawal = match policy.funds.budget(policy.name()).map(|budget| budget.reserve_for(cost)) {
            Some(None) => return Err(GaveUp::BudgetExhausted),
            withdrawal => withdrawal.flatten(),
        };

        if mode == Mode::Observe {
            policy.shell.note(OBSERVED, 1);
            return Err(GaveUp::SwitchedOff);
        }
        if Event::is_heard_at_debug() || policy.hook.is_some() || tell.is_some() {
            // Whoever is told may panic, and the budget then gets back what it has given.
            self.announce(class, delay, tell);
        }
        if let Some(withdrawal) = withdrawal {
            withdrawal.spend();
        }
        let retry = (self.attempt() + 1).min(RETRIED);
        self.retries = self.retries & !RETRIED | retry;
        policy.shell.note(RETRIES, 1);
        let gives_way = delay.is_zero() && retry.is_multiple_of(AT_ONCE) && !self.attempt.blocks();
        Ok(Decision::retry(if gives_way { Delay::TURN } else { delay }))
    }

    /// Tells everybody who listens of the next attempt.
    #[cold]
    fn announce(&self, class: Class, delay: Delay, tell: &mut Option<Teller<'_>>) {
        let policy = self.policy;
        let retrying = Retrying { policy: policy.name(), retry: self.attempt(), class, delay: delay.duration() };
        policy.shell.emit(Event::Retrying(retrying));
        if let Some(hook) = policy.hook {
            hook(&retrying);
        }
        if let Some(tell) = tell {
            tell(News::Retrying(&retrying));
        }
    }

    /// Refuses a delay after which an attempt would not begin, and probably end, in time; notes when it begins.
    #[inline]
    fn fits(&mut self, delay: Delay) -> Result<(), GaveUp> {
        if Limit::current() == Limit::NONE && self.policy.config.max_elapsed.is_none() {
            return Ok(());
        }
        self.fits_in_time(delay.duration())
    }

    #[inline(never)]
    fn fits_in_time(&mut self, delay: Duration) -> Result<(), GaveUp> {
        let policy = self.policy;
        let max_elapsed = policy.config.max_elapsed;
        let deadline = Deadline::current();

        let now = clock::now();
        if let Some(max) = max_elapsed {
            // a call that began before there was such a limit has all of the time
            if self.start.is_unknown() {
                self.start = self.start.at(Ticks::at(now));
            }
            if self.start.elapsed(now).saturating_add(delay) > max {
                return Err(GaveUp::TimeOver);
            }
        }
        let Some(deadline) = deadline else { return Ok(()) };
        let left = deadline.instant().saturating_duration_since(now);
        if delay >= left {
            return Err(GaveUp::DeadlineFirst);
        }
        if policy.pace.median().is_some_and(|median| delay.saturating_add(median) > left) {
            return Err(GaveUp::DeadlineTooClose);
        }
        self.attempt = self.attempt.at(now + delay);
        Ok(())
    }
}

impl Decision {
    const ACCEPT: Self = Self(u64::MAX);

    #[inline]
    const fn retry(Delay(nanos): Delay) -> Self {
        Self(nanos)
    }

    #[inline]
    fn delay(self) -> Option<Delay> {
        (self.0 != Self::ACCEPT.0).then_some(Delay(self.0))
    }

    /// The verdict on the outcome that it was made on.
    #[inline]
    pub(super) fn on<O>(self, outcome: O) -> Verdict<O> {
        match self.delay() {
            Some(delay) => Verdict::Retry(delay),
            None => Verdict::Accept(outcome),
        }
    }
}

impl Start {
    const fn at(self, began: Ticks) -> Self {
        Self(Self::steps(began) << Self::MEMORY | self.0 & ((1 << Self::MEMORY) - 1))
    }

    const fn is_unknown(self) -> bool {
        self.0 >> Self::MEMORY == 0
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

    /// Returns that time, in the same call.
    fn at(self, instant: Instant) -> Self {
        let steps = (Ticks::at(instant).0 >> Self::STEP) as u32 & Self::STEPS;
        Self(self.0 & Self::BLOCKS | steps.max(1))
    }

    const fn is_taken(self) -> bool {
        self.0 & Self::STEPS != 0
    }

    const fn blocks(self) -> bool {
        self.0 & Self::BLOCKS != 0
    }

    fn elapsed(self, now: Instant) -> Duration {
        let steps = self.at(now).0.wrapping_sub(self.0) & Self::STEPS;
        Duration::from_nanos(u64::from(steps) << Self::STEP)
    }

    const STEP: u32 = 16;
    const BLOCKS: u32 = 1 << 31;
    const STEPS: u32 = Self::BLOCKS - 1;
}

/// Of so many retries without a wait, one gives way to other tasks.
const AT_ONCE: u32 = 32;
/// The bit that says that the end of the call was counted.
const ENDED: u32 = 1 << 31;
/// The bit that says that the call has paid into the budget.
const PAID: u32 = 1 << 30;
/// The bits that count the retries.
const RETRIED: u32 = PAID - 1;

impl Drop for RetryCall<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.has_ended() {
            self.end(Ended::Abandoned);
        }
    }
}

/// The place of so many retries among 1, 2, 3, up to 5, up to 10, and more.
const fn bucket(retries: u32) -> usize {
    match retries {
        0..=1 => 0,
        2 => 1,
        3 => 2,
        4..=5 => 3,
        6..=10 => 4,
        _ => 5,
    }
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

#[cfg(all(test, not(resilient_loom)))]
mod tests;
