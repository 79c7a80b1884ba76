//! The bulkhead: at most so many calls at once, and a short queue before it.

mod acquire;
mod builder;
mod entry;
mod gate;
mod level;
mod run;

use std::future::Future;
use std::time::Duration;

use once_cell::race::OnceBox;

pub use self::acquire::BulkheadAcquire;
pub use self::entry::{BulkheadEntry, BulkheadPermit, Priority};
pub(crate) use self::run::ended;
pub use self::run::{BulkheadGuard, Learning};

use self::builder::{Config, Limit};
use self::gate::Gate;
use self::level::MOST_PERMITS;
use crate::adaptive::Adaptive;
use crate::book::{Note, OwnCount, Total};
use crate::error::number_of;
use crate::keyed::{Keyed, by_settings};
use crate::length::Length;
use crate::list::{Bound, Description};
use crate::rare::Rare;
use crate::shell::{Shell, shell};
use crate::stack::{Judged, Stack};
use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::Relaxed;
use crate::tune::Live;
use crate::when::{Blind, ByClass};
use crate::{Error, Event, Mode, Outcome, Reason, When};

/// Lets at most so many calls run at once, so that one slow server cannot take all of a program's memory, connections and
/// patience with it.
///
/// Calls that find no free permit wait in a bounded first-in-first-out queue, for a limited time:
/// a queue that is full, or a wait that was too long, is a refusal at once. Calls of
/// [high priority](BulkheadEntry::priority) are served before those of low, and take their places when the queue is full.
///
/// It is a value for a `static`, shared by all callers of what it guards. While there is room, coming in and going out is one
/// change of an atomic word each: no lock, no allocation, no clock.
///
/// # A limit that adapts
///
/// Nobody knows the right limit for a server that somebody else runs. With [`aimd`](Self::aimd), [`vegas`](Self::vegas) or
/// [`gradient`](Self::gradient) the bulkhead finds it, from how long calls take and how many are refused. It then needs to
/// know how calls end: use [`run_adaptive`](Self::run_adaptive), or end the permit with
/// [`settle`](BulkheadPermit::settle). From [`run`](Self::run) it learns nothing, and says so once, in a warning.
///
/// # Calls inside calls
///
/// A call that comes back to the bulkhead that it is inside of, in the same task, is let in if there is room. If there is
/// not, it is refused ([`Reason::Reentrant`]), since it might wait for itself. Only futures that
/// [`run`](Self::run) drives are known to be inside.
///
/// # Examples
///
/// ```
/// use resilient::{Bulkhead, Reason, Settled};
///
/// static REPORTS: Bulkhead = Bulkhead::named("reports").limit(2).queue(0);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let one = REPORTS.acquire().await.unwrap();
/// assert_eq!(REPORTS.run(async { 7 }).await, Settled::Outcome(7));
///
/// let two = REPORTS.acquire().await.unwrap();
/// let Settled::Rejected(rejection) = REPORTS.run(async { 8 }).await else { panic!() };
/// assert_eq!(rejection.reason(), Reason::QueueFull);
///
/// drop(one);
/// assert_eq!(REPORTS.run(async { 9 }).await, Settled::Outcome(9));
/// # drop(two);
/// # }
/// ```
#[must_use = "a bulkhead limits what runs in it"]
pub struct Bulkhead {
    shell: Shell<Self>,
    config: Live<Config>,
    gate: Gate,
    /// For a limit that adapts.
    adaptive: OnceBox<Adaptive>,
    counts: Rare<Counters>,
}

/// The counts of a bulkhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkheadCounts {
    /// Permits that there are.
    pub limit: u32,
    /// Permits in use; more than the limit for a while after it shrank.
    pub in_use: u32,
    /// Callers that wait.
    pub waiting: u32,
    /// Calls that had to wait, ever.
    pub queued: u64,
    /// Calls refused because the queue was full, or because a call of higher priority took their place, ever.
    pub queue_full: u64,
    /// Calls refused after a wait of [`max_wait`](Bulkhead::max_wait), ever.
    pub waited_too_long: u64,
    /// Calls refused because their deadline came first, ever.
    pub deadline_exceeded: u64,
    /// Calls refused because there was no runtime to end their wait, ever.
    pub no_runtime: u64,
    /// Calls refused because they were inside already, ever.
    pub reentrant: u64,
    /// Calls that would have had to wait or been refused, but were let in by [`Mode::Observe`], ever.
    pub observed: u64,
}

/// Relaxed throughout: nothing is decided on them.
#[derive(Debug)]
struct Counters {
    queued: OwnCount,
    queue_full: OwnCount,
    waited_too_long: OwnCount,
    deadline_exceeded: OwnCount,
    no_runtime: OwnCount,
    reentrant: OwnCount,
    observed: OwnCount,
    /// Set if it was said that it learns nothing.
    is_told: AtomicBool,
}

impl Bulkhead {
    /// Returns what it has seen; each number is right, but other threads may have changed one before the next was read.
    pub fn counts(&self) -> BulkheadCounts {
        let level = self.gate.level();
        let counts = self.counts.get();
        let count = |counter: fn(&Counters) -> &OwnCount| counts.map_or(0, |counts| counter(counts).sum());
        BulkheadCounts {
            limit: level.limit,
            in_use: level.in_use,
            waiting: level.waiting,
            queued: count(|counts| &counts.queued),
            queue_full: count(|counts| &counts.queue_full),
            waited_too_long: count(|counts| &counts.waited_too_long),
            deadline_exceeded: count(|counts| &counts.deadline_exceeded),
            no_runtime: count(|counts| &counts.no_runtime),
            reentrant: count(|counts| &counts.reentrant),
            observed: count(|counts| &counts.observed),
        }
    }

    /// Changes how many calls may run at once; 0 is taken for 1, and more than 1,000,000 for that.
    ///
    /// Calls that run go on. After it shrank, no call gets a permit until fewer run than it allows now. A limit that adapts goes on
    /// from its own figure at its next step.
    pub fn set_limit(&self, calls: u32) {
        self.gate.resize(|| calls.clamp(1, MOST_PERMITS));
    }

    /// Changes the mode. If it no longer enforces, all who wait are let in.
    pub fn set_mode(&self, mode: Mode) {
        self.shell.set_mode(mode);
        if mode != Mode::Enforce {
            self.gate.admit_all();
        }
    }

    /// A call of weight 1 and high priority, for which both can be set.
    #[inline]
    pub const fn entry(&self) -> BulkheadEntry<'_> {
        BulkheadEntry { bulkhead: self, weight: 1, priority: Priority::High }
    }

    /// Comes in if there is room, and nobody waits for it.
    ///
    /// # Errors
    ///
    /// [`Reason::QueueFull`] if there is none.
    #[inline]
    pub fn try_acquire(&self) -> Result<BulkheadPermit<'_>, Error> {
        self.entry().try_acquire()
    }

    /// Comes in, after a wait if need be.
    ///
    /// # Errors
    ///
    /// The future's are [`Reason::QueueFull`], [`Reason::WaitedTooLong`], [`Reason::DeadlineExceeded`],
    /// [`Reason::Reentrant`], and [`Reason::NoRuntime`] where there is no tokio runtime to measure the wait.
    #[inline]
    pub const fn acquire(&self) -> BulkheadAcquire<'_> {
        self.entry().acquire()
    }

    /// Runs `future` inside, after a wait if need be.
    ///
    /// It is for a limit that does not adapt. One that does learns nothing from it, since it cannot tell a success from a quick
    /// failure, and the first such call is an event, `limit learns nothing`, at `WARN`.
    ///
    /// # Errors
    ///
    /// [`Settled::Rejected`](crate::Settled::Rejected), for the reasons of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`, and then gives the permit back.
    #[inline]
    pub const fn run<F: Future>(&self, future: F) -> Stack<F, BulkheadGuard<'_, Blind>> {
        self.entry().run(future)
    }

    /// As [`run`](Self::run), and a limit that adapts learns from how it ends.
    #[inline]
    pub const fn run_adaptive<F: Future<Output: Outcome>>(&self, future: F) -> Stack<F, BulkheadGuard<'_, ByClass>> {
        self.entry().run_adaptive(future)
    }

    /// The bulkhead in a [stack](crate::run), whose limit learns from how the call ends.
    #[inline]
    pub const fn learning(&self) -> Learning<'_> {
        self.entry().learning()
    }

    /// As [`learning`](Self::learning), with outcomes judged by `when`.
    #[inline]
    pub const fn when<O, W: When<O, By>, By>(&self, when: W) -> Judged<BulkheadEntry<'_>, W, O> {
        self.entry().when(when)
    }

    /// Returns whether more than 70 % of the permits are in use.
    pub(crate) fn is_busy(&self) -> bool {
        let level = self.gate.level();
        u64::from(level.in_use) * 10 > u64::from(level.limit) * 7
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn queue_length(&self) -> u32 {
        self.config.queue.unwrap_or_else(|| self.gate.level().limit)
    }

    fn never_waits(&self) -> bool {
        self.config.max_wait == Some(Length::ZERO)
    }

    fn longest_wait(&self) -> Option<Duration> {
        self.config.max_wait.map(Length::time)
    }

    /// The estimate of a limit that adapts, which begins with its first call.
    #[inline]
    fn adaptive(&self) -> Option<&Adaptive> {
        match (self.adaptive.get(), self.config.limit) {
            (None, Limit::Fixed(_)) => None,
            (None, limit) => self.begin_to_adapt(limit),
            (begun, _) => begun,
        }
    }

    #[cold]
    fn begin_to_adapt(&self, limit: Limit) -> Option<&Adaptive> {
        self.adaptive.get_or_try_init(|| limit.adaptive().map(Box::new).ok_or(())).ok()
    }

    fn counters(&self) -> &Counters {
        self.counts.get_or_make(Counters::new)
    }

    fn count(&self, note: Note, counter: impl FnOnce(&Counters) -> &OwnCount) {
        self.shell.count_own(counter(self.counters()), Total::Noted(note));
    }

    #[cold]
    fn learns_nothing(&self) {
        let is_told = &self.counters().is_told;
        if !is_told.load(Relaxed) && !is_told.swap(true, Relaxed) {
            let policy = self.name();
            self.shell.emit(Event::LearnsNothing { policy, called: "run", instead: "run_adaptive" });
        }
    }

    /// Refuses a call because there is no room.
    fn refuse_full(&self) -> Error {
        self.count_full();
        self.full()
    }

    /// Counts a call that is refused because there is no room.
    #[inline]
    fn count_full(&self) {
        self.shell.count_own(&self.counters().queue_full, Total::Rejected(number_of::QUEUE_FULL));
    }

    /// The refusal because there is no room.
    #[inline]
    const fn full(&self) -> Error {
        self.shell.rejection(Reason::QueueFull)
    }

    fn refuse(&self, reason: Reason) -> Error {
        let counts = self.counters();
        let own = match reason {
            Reason::Reentrant => &counts.reentrant,
            Reason::DeadlineExceeded => &counts.deadline_exceeded,
            Reason::NoRuntime => &counts.no_runtime,
            _ => &counts.waited_too_long,
        };
        self.shell.reject_own(reason, own)
    }
}

impl Counters {
    fn new() -> Self {
        Self {
            queued: OwnCount::new(),
            queue_full: OwnCount::new(),
            waited_too_long: OwnCount::new(),
            deadline_exceeded: OwnCount::new(),
            no_runtime: OwnCount::new(),
            reentrant: OwnCount::new(),
            observed: OwnCount::new(),
            is_told: AtomicBool::new(false),
        }
    }
}

shell!(Bulkhead is Bulkhead, agrees: |one, other| one.config.built == other.config.built,
    shows: |this| { config: *this.config, counts: this.counts() }, resets: forget, tunes: Config, adopts: adopt
);

impl Bulkhead {
    /// One for a key, by these settings.
    #[expect(clippy::unused_self, reason = "as for the other policies")]
    fn made(&self, shell: Shell<Self>, config: Live<Config>) -> Self {
        let Config { limit, .. } = *config;
        Self {
            shell,
            config,
            gate: Gate::new(limit.initial()),
            adaptive: OnceBox::new(),
            counts: Rare::new(Counters::new),
        }
    }
}

impl Keyed for Bulkhead {
    by_settings!(|one, other| std::mem::discriminant(&one.limit) == std::mem::discriminant(&other.limit));

    fn activity(&self) -> u64 {
        let level = self.gate.level();
        u64::from(level.in_use) + u64::from(level.waiting)
    }

    fn is_in_trouble(&self) -> bool {
        let level = self.gate.level();
        level.in_use >= level.limit
    }

    fn is_held_by_hand(&self) -> bool {
        let is_resized = matches!(self.config.limit, Limit::Fixed(limit) if limit != self.gate.level().limit);
        is_resized || self.shell.is_switched()
    }

    fn is_as_new(&self, _again: bool) -> bool {
        let level = self.gate.level();
        matches!(self.config.limit, Limit::Fixed(_)) && level.in_use == 0 && level.waiting == 0
    }
}

impl Bulkhead {
    /// Says what it is told and how full it is, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        let level = self.gate.level();
        description.settings_of(&self.config);
        description.now("limit", level.limit);
        description.level("limit", f64::from(level.limit));
        description.level("in_use", f64::from(level.in_use));
        description.level("waiting", f64::from(level.waiting));
        description.bound = match self.config.max_wait {
            Some(wait) => Bound::Wait(wait.time()),
            None => Bound::WaitUntilDeadline(Duration::from_secs(1)),
        };
    }

    /// Lets as many calls run as its settings say. A limit that adapts begins again.
    #[cfg(feature = "config")]
    fn adopt(&self, before: &Config) {
        if before.limit != self.config.limit {
            self.forget();
        }
    }

    /// Sets the limit that its settings say. Calls that run go on.
    fn forget(&self) {
        if let Limit::Fixed(limit) = self.config.limit {
            self.gate.resize(|| limit);
        }
        if let (Some(adaptive), Some(new)) = (self.adaptive(), self.config.limit.adaptive()) {
            adaptive.restart(new);
            self.gate.resize(|| adaptive.limit());
        }
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests;

#[cfg(all(test, not(resilient_loom)))]
mod model;

#[cfg(all(test, resilient_loom))]
mod loom_models;
