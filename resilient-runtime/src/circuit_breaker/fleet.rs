//! A breaker that machines share: what this machine knows of the others, and the questions to the store.
//!
//! The window of each machine decides when to open. The store knows whether the fleet is open or half-open, and leases the probes. A task asks it
//! as long as calls come, and leaves its answer here; each call looks here first, and never waits for an answer.

use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::CircuitBreaker;
use super::config::Config;
use super::state::{Cause, Circuit, Ending, MAX_REOPENINGS, Phase, Trip, Vote};
use super::tally::Tally;
use crate::clock::{self, Ticks};
use crate::event::Event;
use crate::notes::circuit_breaker::{DEGRADED, EXCHANGES, FAILED_EXCHANGES};
use crate::shared::{self, CircuitAsk, CircuitView, Local, ProbeTerms, SharedState, Store, StoreError, WhenDown};
use crate::{Mode, random};

/// The store of a breaker, and the knowledge that this machine has from it.
pub(super) type Link = shared::Link<Fleet>;

/// The knowledge of one machine about the others.
pub(super) struct Fleet {
    /// The text of the key that it is about.
    key: Option<Box<str>>,
    /// Set by a call, and cleared by each question.
    used: AtomicBool,
    /// Set while a task asks the store.
    asking: AtomicBool,
    /// When the store was last asked, and when calls last failed one after another.
    asked: AtomicU64,
    doubted: AtomicU64,
    has_news: AtomicBool,
    is_down: AtomicBool,
    known: Mutex<Known>,
    /// Told when there is something to say to the store.
    urgent: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// The epoch of the fleet that this machine goes by.
    epoch: u64,
    /// Until when its breaker is open, if it is, and the trip as the store is told of it.
    opened: Option<(Ticks, Trip)>,
    /// The last answer, and when it was asked for.
    view: Option<(CircuitView, Ticks)>,
    /// Probes that were leased and not made yet, and until when they can be made.
    leased: u32,
    leased_until: Option<Ticks>,
    /// The epoch in which they were leased.
    leased_in: u64,
    /// The ends of probes that the store has not heard of.
    probed: Ends,
    /// Set if a call would be a probe, and the terms of that.
    wants: Option<ProbeTerms>,
    /// Answers and failures that were not counted yet.
    answers: u64,
    failures: u64,
    failure: Option<StoreError>,
    /// Since when the store is known not to answer, once that was said.
    said_down: Option<Ticks>,
}

/// The ends of the probes of one epoch.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    epoch: u64,
    succeeded: u32,
    failed: u32,
    returned: u32,
    cause: u32,
}

impl Link {
    pub(super) fn fleet(&self) -> &Arc<Fleet> {
        self.local()
    }
}

impl Local for Fleet {
    fn new(key: Option<Box<str>>) -> Self {
        Self {
            key,
            used: AtomicBool::new(false),
            asking: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            doubted: AtomicU64::new(0),
            has_news: AtomicBool::new(false),
            is_down: AtomicBool::new(false),
            known: Mutex::default(),
            urgent: Notify::new(),
        }
    }

    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn is_down(&self) -> bool {
        self.is_down.load(Relaxed)
    }

    fn failure(&self) -> Option<StoreError> {
        if self.is_down() { self.known().failure.clone() } else { None }
    }
}

impl Fleet {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets all; a task that is asking goes on.
    pub(super) fn reset(&self) {
        *self.known() = Known::default();
        self.has_news.store(false, Relaxed);
        self.is_down.store(false, Relaxed);
    }

    /// Takes note of a call, and sees to it that the store is asked.
    #[inline]
    fn touch(self: &Arc<Self>, link: &Link, name: &'static str) {
        // most calls find it set, and write nothing
        if !self.used.load(Relaxed) {
            self.used.store(true, Relaxed);
        }
        if !self.asking.load(Relaxed) {
            self.begin_to_ask(link, name);
        }
    }

    #[cold]
    fn begin_to_ask(self: &Arc<Self>, link: &Link, name: &'static str) {
        if clock::has_timers() && !self.asking.swap(true, AcqRel) {
            let asking = Asking(self.clone());
            let (store, name) = (link.store, shared::name(name, link.key()));
            drop(tokio::spawn(async move { asking.0.ask_on(store, &name).await }));
        }
    }

    /// Asks again and again, until no call has come for a while.
    async fn ask_on(&self, store: &'static dyn Store, name: &str) {
        let mut last_used = Ticks::now();
        loop {
            let asked = Ticks::now();
            if self.used.swap(false, Relaxed) {
                last_used = asked;
            } else if asked.0.abs_diff(last_used.0) > IDLE {
                return;
            }
            self.asked.store(asked.0, Relaxed);
            let ask = self.question(asked);
            let answer = tokio::time::timeout(store.timeout() + LATE, store.circuit(name, ask)).await;
            let answer = answer.unwrap_or_else(|_| Err(StoreError::new("no answer in time")));
            let pause = match answer {
                Ok(_) if self.is_in_doubt() => early(store),
                Ok(_) => POLL,
                Err(_) => AGAIN,
            };
            self.hear(answer, asked);
            // machines that began together do not ask together for ever
            let pause = pause.mul_f64(1.0 - random::next() as f64 / u64::MAX as f64 / 4.0);
            let _ = tokio::time::timeout(pause, self.urgent.notified()).await;
        }
    }

    /// Returns whether calls failed one after another just now.
    fn is_in_doubt(&self) -> bool {
        Ticks::now().0.saturating_sub(self.doubted.load(Relaxed)) < clock::nanos(POLL)
    }

    /// The question to the store. Ends of probes are said once: of a probe whose end gets lost, the store takes it that it failed.
    fn question(&self, now: Ticks) -> CircuitAsk {
        let mut known = self.known();
        let said = std::mem::take(&mut known.probed);
        let wanted = known.wants.filter(|_| known.usable(now) == 0);
        let (open_for, trip) = match known.opened {
            Some((until, trip)) => (until.0.saturating_sub(now.0), Some(trip)),
            None => (0, None),
        };
        let mut ask = CircuitAsk::new();
        ask.epoch = known.epoch;
        ask.open_for = Duration::from_nanos(open_for);
        ask.reopenings = trip.map_or(0, |trip| trip.reopenings);
        ask.cause = if said.failed > 0 { said.cause } else { trip.map_or(0, |trip| trip.cause.number()) };
        (ask.probed, ask.succeeded, ask.failed, ask.returned) =
            (said.epoch, said.succeeded, said.failed, said.returned);
        if let Some(terms) = wanted {
            (ask.wanted, ask.terms) = (1, terms);
        }
        ask
    }

    /// Takes in an answer.
    fn hear(&self, answer: Result<CircuitView, StoreError>, asked: Ticks) {
        let mut known = self.known();
        match answer {
            Ok(view) => {
                known.answers += 1;
                if view.granted > 0 {
                    let limit = known.wants.take().map_or(Duration::ZERO, |terms| terms.limit);
                    known.leased = view.granted;
                    known.leased_until = Some(Ticks(asked.0.saturating_add(clock::nanos(limit))));
                    known.leased_in = view.epoch;
                }
                known.view = Some((view, asked));
                self.is_down.store(false, Relaxed);
            }
            Err(error) => {
                known.failures += 1;
                known.failure = Some(error);
                self.is_down.store(true, Relaxed);
            }
        }
        drop(known);
        self.has_news.store(true, Release);
    }
}

/// A task that asks the store; at its end, another may begin.
struct Asking(Arc<Fleet>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.store(false, Release);
    }
}

impl Known {
    /// The number of leased probes that can still be made: those of a state that is over cannot.
    fn usable(&self, now: Ticks) -> u32 {
        let can = self.leased_in >= self.epoch && self.leased_until.is_some_and(|until| now < until);
        if can { self.leased } else { 0 }
    }
}

impl CircuitBreaker {
    /// Looks at the state of the fleet before a call, and follows it.
    #[inline]
    pub(super) fn follow(&self, link: &Link, clock: impl Fn() -> Ticks) {
        if self.shell.mode() != Mode::Enforce {
            return;
        }
        let fleet = link.fleet();
        fleet.touch(link, self.name());
        if fleet.has_news.load(Relaxed) && fleet.has_news.swap(false, AcqRel) {
            self.take_in(fleet, clock());
        }
    }

    #[cold]
    fn take_in(&self, fleet: &Fleet, ticks: Ticks) {
        let (answers, failures, news) = {
            let mut known = fleet.known();
            let view = known.view.take().filter(|(view, _)| view.epoch > known.epoch);
            if let Some((view, asked)) = view {
                known.epoch = view.epoch;
                // what follows is not a finding of this machine
                known.opened = match view.state {
                    SharedState::Open => Some((Ticks(asked.0.saturating_add(clock::nanos(view.left))), view.trip())),
                    SharedState::Closed | SharedState::HalfOpen => None,
                };
            }
            (std::mem::take(&mut known.answers), std::mem::take(&mut known.failures), view)
        };
        self.shell.note(EXCHANGES, answers);
        self.shell.note(FAILED_EXCHANGES, failures);
        self.say_down(fleet, ticks);
        if let Some((view, asked)) = news {
            self.adopt_view(view, asked, ticks);
        }
    }

    /// Says once that the store does not answer, and once that it does again.
    fn say_down(&self, fleet: &Fleet, ticks: Ticks) {
        let is_down = fleet.is_down();
        let since = {
            let said_down = &mut fleet.known().said_down;
            if said_down.is_some() == is_down {
                return;
            }
            std::mem::replace(said_down, is_down.then_some(ticks))
        };
        let (policy, place) = (self.name(), self.shell.place());
        match since {
            None => {
                self.shell.note(DEGRADED, 1);
                self.shell.emit(Event::Degraded { policy, place, rule: WhenDown::Local });
            }
            Some(since) => {
                let after = Duration::from_nanos(ticks.0.saturating_sub(since.0));
                self.shell.emit(Event::Recovered { policy, place, after });
            }
        }
    }

    /// Goes by the state of the fleet, unless an operator holds the breaker.
    fn adopt_view(&self, view: CircuitView, asked: Ticks, ticks: Ticks) {
        loop {
            let circuit = self.circuit();
            let phase = match (view.state, circuit.phase) {
                // one that is open as well asks for a probe when its time is over
                (_, Phase::ForcedOpen | Phase::Disabled)
                | (SharedState::Closed, Phase::Closed { .. } | Phase::Recovering { .. })
                | (SharedState::HalfOpen, Phase::Open { .. } | Phase::HalfOpen { .. }) => return,
                (SharedState::Closed, Phase::Open { trip, .. } | Phase::HalfOpen { trip, .. }) => {
                    if self.config.ramp().is_some() {
                        Phase::Recovering { trip, streak: 0 }
                    } else {
                        Phase::Closed { streak: 0 }
                    }
                }
                (SharedState::HalfOpen, _) => self.open_from_now(Duration::ZERO, ticks, view.trip()),
                (SharedState::Open, _) => {
                    let since = Duration::from_nanos(ticks.0.saturating_sub(asked.0));
                    let longest = Duration::from_millis(self.config.longest_open().0);
                    self.open_from_now(view.left.saturating_sub(since).min(longest), ticks, view.trip())
                }
            };
            if self.change(circuit, circuit.enter(phase), Tally::default(), || ticks) {
                return;
            }
        }
    }

    fn open_from_now(&self, time: Duration, ticks: Ticks, trip: Trip) -> Phase {
        Phase::Open { trip, until: self.storage.moment_of(ticks).plus(time).round_up() }
    }

    /// Returns whether this call may be a probe, as far as machines share them. Otherwise a probe is asked for, and it comes back soon.
    #[cold]
    #[inline(never)]
    pub(super) fn may_probe(&self, ticks: Ticks) -> Result<(), Duration> {
        let Some(link) = self.storage.link().filter(|_| self.shell.mode() == Mode::Enforce) else { return Ok(()) };
        let fleet = link.fleet();
        if fleet.is_down() {
            return Ok(());
        }
        let mut known = fleet.known();
        if known.usable(ticks) > 0 {
            known.leased -= 1;
            return Ok(());
        }
        let is_new = known.wants.is_none();
        known.wants = Some(self.config.probe_terms(self.circuit()));
        drop(known);
        if is_new {
            fleet.urgent.notify_one();
        }
        Err(link.store.timeout())
    }

    /// Takes back a probe that was not made after all.
    #[cold]
    #[inline(never)]
    pub(super) fn keep_probe(&self) {
        if let Some(link) = self.storage.link() {
            link.fleet().known().leased += 1;
        }
    }

    /// Tells the fleet of a state that this machine has entered.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_state(&self, from: Phase, to: Phase, ticks: Ticks) {
        let Some(link) = self.storage.link().filter(|_| self.shell.mode() == Mode::Enforce) else { return };
        let fleet = link.fleet();
        let opened = match to {
            Phase::Open { trip, until } => {
                let left = self.storage.moment_of(ticks).until(until, self.config.longest_open());
                left.map(|left| (Ticks(ticks.0.saturating_add(clock::nanos(left))), trip))
            }
            _ => None,
        };
        let mut known = fleet.known();
        known.opened = opened;
        if !matches!(to, Phase::Open { .. } | Phase::HalfOpen { .. }) {
            known.wants = None;
            known.leased = 0;
        }
        drop(known);
        if opened.is_some() && from.keeps_a_window() {
            fleet.urgent.notify_one();
        }
    }

    /// Asks the store early and often while calls fail one after another: another machine may have opened.
    #[cold]
    #[inline(never)]
    pub(super) fn doubt(&self, ticks: Ticks) {
        let Some(link) = self.storage.link() else { return };
        let fleet = link.fleet();
        fleet.doubted.store(ticks.0, Relaxed);
        if ticks.0.saturating_sub(fleet.asked.load(Relaxed)) >= clock::nanos(early(link.store)) && !fleet.is_down() {
            fleet.urgent.notify_one();
        }
    }

    /// Tells the fleet of the end of a probe.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_probe(&self, ending: Ending) {
        let Some(link) = self.storage.link() else { return };
        let fleet = link.fleet();
        let mut known = fleet.known();
        if known.probed.epoch != known.leased_in {
            known.probed = Ends { epoch: known.leased_in, ..Ends::default() };
        }
        let probed = &mut known.probed;
        match ending.vote.with(ending.slow) {
            Vote::Success => probed.succeeded += 1,
            Vote::Failure(cause) => {
                probed.failed += 1;
                probed.cause = cause.number();
            }
            Vote::Abandoned => probed.returned += 1,
        }
        drop(known);
        fleet.urgent.notify_one();
    }
}

impl Config {
    /// The terms of the probes of a breaker that machines share.
    fn probe_terms(&self, circuit: Circuit) -> ProbeTerms {
        let reopenings = match circuit.phase {
            Phase::Open { trip, .. } | Phase::HalfOpen { trip, .. } => trip.reopenings + 1,
            _ => 0,
        };
        ProbeTerms {
            first: self.first_probes(),
            probes: self.probe_count(),
            failure_rate: self.rate_in_millionths(),
            limit: self.probe_limit(),
            open_for: self.open_time(reopenings, random::next),
            patience: self.patience(),
        }
    }
}

impl CircuitView {
    fn trip(&self) -> Trip {
        Trip { reopenings: self.reopenings.min(MAX_REOPENINGS), cause: Cause::of_number(self.cause) }
    }
}

/// The time between two questions of a machine that has nothing to say.
const POLL: Duration = Duration::from_millis(250);
/// The same, of a machine whose calls fail one after another. All machines together ask 10,000 times a second at the most then, which a server of
/// Redis answers.
fn early(store: &dyn Store) -> Duration {
    (Duration::from_micros(100) * store.machines()).clamp(POLL / 5, POLL)
}

/// The time after which a store that gave no answer is asked again.
const AGAIN: Duration = Duration::from_millis(100);
/// A store keeps to its time-out by itself, and learns from it.
const LATE: Duration = Duration::from_millis(1);
/// The store is asked for so long after the last call. Nanoseconds.
const IDLE: u64 = 60_000_000_000;

#[cfg(all(test, not(resilient_loom)))]
mod tests;
