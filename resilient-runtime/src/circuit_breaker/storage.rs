//! The atomics, and the loops that apply the transitions to them.

use std::cell::OnceCell;
use std::mem;
use std::time::Duration;

use super::epoch::{Epoch, MAX_EPOCH};
use super::evidence::Evidence;
use super::fleet::Link;
use super::permit::{Began, CircuitBreakerPermit, Pass};
use super::state::{Answer, Circuit, Ending, Phase, Vote};
use super::tally::Tally;
use super::watch::History;
use super::window::{Mark, Window};
use super::word::{Ticket, Word};
use super::{CircuitBreaker, CircuitBreakerState};
use crate::book::{OwnCount, Total};
use crate::clock::Ticks;
use crate::event::Event;
use crate::list::Description;
use crate::notes::circuit_breaker::{OBSERVED, TRANSITIONS};
use crate::packed_time::{Millis, Moment};
use crate::rare::Rare;
#[cfg(not(resilient_loom))]
use crate::shared::Store;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use crate::sync::atomic::{AtomicU64, fence};
use crate::sync::const_fn;
use crate::{Error, Mode, Reason, random};

/// Everything about a breaker that changes.
#[derive(Debug)]
pub(super) struct Storage {
    word: AtomicU64,
    origin: Origin,
    pub(super) window: Window,
    past: Rare<Past>,
    /// The store, of a breaker that machines share.
    fleet: Option<Link>,
}

/// The memory of a breaker that something has failed in, or that somebody has forced or listens to.
#[derive(Debug)]
pub(super) struct Past {
    noted: Noted,
    pub(super) totals: Counters,
    pub(super) evidence: Evidence,
    times: Times,
    /// For those who listen.
    pub(super) history: Rare<History>,
}

/// The breaker's own zero of time: when it first recorded something.
///
/// The buckets line up with it, and so do the milliseconds of the open time, so that a breaker behaves alike
/// wherever the process's clock began.
#[derive(Debug)]
struct Origin(AtomicU64);

/// When the last probe was let through, or the ramp began, and in which epoch: 17 bits, and 47 of milliseconds.
#[derive(Debug)]
struct Noted(AtomicU64);

/// The number of times that each thing happened, ever.
///
/// Relaxed throughout: nothing is decided on them.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) opened: AtomicU64,
    pub(super) half_opened: AtomicU64,
    pub(super) closed: AtomicU64,
    pub(super) rejected: OwnCount,
    pub(super) observed: OwnCount,
}

impl CircuitBreaker {
    #[inline]
    pub(super) fn circuit(&self) -> Circuit {
        self.storage.word().unpack()
    }

    fn in_window(&self, epoch: Epoch, now: Moment) -> Tally {
        self.storage.window.tally(self.config.span(), epoch, now, self.config.slow_time().is_some())
    }

    /// Returns what the present state goes by: the window while there is one, the probes while half-open.
    pub(super) fn tally(&self, circuit: Circuit, clock: impl FnOnce() -> Ticks) -> Tally {
        match circuit.phase {
            Phase::HalfOpen { probes, .. } => probes.tally(),
            phase if phase.keeps_a_window() => {
                let now = self.storage.origin.glimpse(clock());
                self.in_window(circuit.epoch, now)
            }
            _ => Tally::default(),
        }
    }

    /// Lets a caller through, or says when to come back.
    #[inline]
    pub(super) fn admit(&self, clock: impl Fn() -> Ticks) -> Result<Ticket, Error> {
        let word = self.storage.word();
        if word.is_closed() { Ok(Ticket::closed(word)) } else { self.admit_guarded(clock) }
    }

    #[cold]
    fn admit_guarded(&self, clock: impl Fn() -> Ticks) -> Result<Ticket, Error> {
        let storage = &self.storage;
        if let Some(link) = storage.link() {
            self.follow(link, &clock);
            if let Some(ticket) = storage.word().shared_ticket() {
                return Ok(ticket);
            }
        }
        loop {
            let circuit = self.circuit();
            let ticks = clock();
            let now = storage.origin.moment(ticks);
            let mut noted = Millis(0);
            if let Phase::HalfOpen { .. } | Phase::Recovering { .. } = circuit.phase {
                let (epoch, time) = storage.past().noted.last();
                if epoch != circuit.epoch {
                    // Noted for a later epoch: the state that was read is gone.
                    continue;
                }
                noted = time;
            }
            match circuit.ask(&self.config, now, noted, random::next) {
                Answer::Admitted => return Ok(Ticket::guarded(circuit.epoch)),
                Answer::Unguarded => return Ok(Ticket::UNGUARDED),
                Answer::Probe(next) => {
                    if let Err(soon) = self.may_probe(ticks) {
                        return Err(self.refuse(circuit, Some(soon)));
                    }
                    if let Some(ticket) = self.probe(circuit, next, ticks) {
                        return Ok(ticket);
                    }
                    self.keep_probe();
                }
                Answer::Over(next) => {
                    self.change(circuit, next, self.tally_at_the_end(circuit, now), || ticks);
                }
                Answer::Refused(retry_after) => {
                    if self.shell.mode() == Mode::Observe {
                        self.shell.count_own(&storage.past().totals.observed, Total::Noted(OBSERVED));
                        return Ok(Ticket::UNGUARDED);
                    }
                    return Err(self.refuse(circuit, retry_after));
                }
            }
        }
    }

    #[expect(clippy::inline_always, reason = "an outage has many refusals, and an error is moved through memory")]
    #[inline(always)]
    fn refuse(&self, circuit: Circuit, retry_after: Option<Duration>) -> Error {
        let reason = Reason::CircuitOpen { retry_after, last: circuit.last_failure() };
        self.shell.reject_own(reason, &self.storage.past().totals.rejected)
    }

    /// Ends a permit; a late one changes nothing.
    #[inline]
    pub(super) fn end(&self, pass: Pass, vote: Vote, clock: impl Fn() -> Ticks) {
        let word = self.storage.word();
        let is_quiet = vote == Vote::Success && word.is_quiet(pass.ticket());
        if !(is_quiet && self.config.counts_blindly() && self.storage.window.count(word.epoch())) {
            self.end_with_a_look(pass, vote, clock);
        }
    }

    #[inline(never)]
    fn end_with_a_look(&self, pass: Pass, vote: Vote, clock: impl Fn() -> Ticks) {
        let (ticket, began) = (pass.ticket(), pass.began());
        let word = self.storage.word();
        if vote == Vote::Success && word.is_quiet(ticket) && self.config.slow_time().is_none() {
            // Nothing failed since the last success, so the word already says what it should.
            let current = || self.storage.word().epoch() == word.epoch();
            let now = || self.storage.origin.moment(clock());
            self.storage.window.succeed(self.config.span(), word.epoch(), now, current);
        } else if ticket.epoch() == Some(word.epoch()) {
            self.end_guarded(word.epoch(), vote, began, clock);
        }
    }

    #[cold]
    fn end_guarded(&self, epoch: Epoch, vote: Vote, began: Began, clock: impl Fn() -> Ticks) {
        if !self.circuit().phase.keeps_a_window() {
            // a probe's end mostly needs no time
            let read = OnceCell::new();
            self.end_at(epoch, vote, began, false, || *read.get_or_init(&clock));
        } else if vote != Vote::Abandoned {
            let ticks = clock();
            self.end_at(epoch, vote, began, true, || ticks);
        }
    }

    /// As [`end_guarded`](Self::end_guarded), with a time that is always the same; `counting` is whether it keeps a window.
    #[inline]
    fn end_at(&self, epoch: Epoch, vote: Vote, began: Began, counting: bool, ticks: impl Fn() -> Ticks + Copy) {
        let now = || self.storage.origin.moment(ticks());
        let slow = self.config.slow_time().map(|slow| began.elapsed(ticks()) >= slow);
        let mut ending = Ending { vote, slow: slow.unwrap_or_default(), window: Tally::default(), evident: false };
        if counting {
            let (failed, now) = (matches!(vote, Vote::Failure(_)), now());
            let current = || self.storage.word().epoch() == epoch;
            self.storage.window.record(self.config.span(), epoch, Mark { failed, slow }, now, current);
            if failed || ending.slow {
                // Two failures that are recorded at once must not both miss the other one: whichever fence comes second
                // in the single order of fences reads what was written before the first.
                fence(SeqCst);
                ending.window = self.in_window(epoch, now);
            }
            if failed {
                ending.evident = self.is_evident(epoch, ending.window, now, current);
            }
        }

        loop {
            let circuit = self.circuit();
            if circuit.epoch != epoch {
                break;
            }
            let next = circuit.end(ending, &self.config, now, random::next);
            if next == circuit || self.change(circuit, next, circuit.evidence(ending), ticks) {
                match circuit.phase {
                    Phase::HalfOpen { .. } => self.tell_probe(ending),
                    Phase::Closed { streak: 1.. } | Phase::Recovering { streak: 1.., .. } if vote != Vote::Success => {
                        self.doubt(ticks());
                    }
                    _ => {}
                }
                break;
            }
        }
    }

    /// Returns whether this failure, after those and the successes before it, is more than usual errors can explain.
    fn is_evident(&self, epoch: Epoch, window: Tally, now: Moment, current: impl Fn() -> bool) -> bool {
        let Some(rule) = self.config.evidence() else { return false };
        let successes = self.storage.window.successes(epoch);
        self.storage.past().evidence.fail(&rule, epoch, successes, window, now, current)
    }

    /// Returns what a state went by whose time is over.
    fn tally_at_the_end(&self, circuit: Circuit, now: Moment) -> Tally {
        if circuit.phase.keeps_a_window() {
            self.in_window(circuit.epoch, now)
        } else {
            let hung = Ending { vote: Vote::Abandoned, slow: false, window: Tally::default(), evident: false };
            circuit.evidence(hung)
        }
    }

    /// Changes to a state because somebody says so.
    pub(super) fn force(&self, phase: Phase) {
        loop {
            let circuit = self.circuit();
            let Some(next) = circuit.forced(phase) else { break };
            if self.change(circuit, next, Tally::default(), Ticks::now) {
                break;
            }
        }
    }

    /// Switches it off, or on again.
    pub(super) fn switch(&self, mode: Mode) {
        self.shell.set_mode(mode);
        loop {
            let circuit = self.circuit();
            let phase = match (mode, circuit.phase) {
                (Mode::Off, phase) if phase != Phase::Disabled => Phase::Disabled,
                (Mode::Enforce | Mode::Observe, Phase::Disabled) => Phase::Closed { streak: 0 },
                _ => break,
            };
            if self.change(circuit, circuit.enter(phase), Tally::default(), Ticks::now) {
                break;
            }
        }
    }

    /// Puts `next` in the place of `seen`, unless another thread changed it first, and announces it.
    pub(super) fn change(&self, seen: Circuit, next: Circuit, evidence: Tally, clock: impl Fn() -> Ticks) -> bool {
        let changed = self.replace(seen, next, &clock);
        if changed && seen.epoch != next.epoch {
            self.report(seen, next, evidence, clock());
        }
        changed
    }

    /// Puts a state in place that has a probe more, and gives that out.
    pub(super) fn probe(&self, seen: Circuit, next: Circuit, ticks: Ticks) -> Option<Ticket> {
        self.storage.past().noted.note(next.epoch, self.storage.origin.moment(ticks));
        let ticket = Ticket::guarded(next.epoch);
        let given = self.replace(seen, next, || ticks);
        if given && seen.epoch != next.epoch {
            // Whoever is told of it may panic, and the probe then goes to the next caller.
            let given = CircuitBreakerPermit::new(self, ticket.unwinding(), Began::UNKNOWN);
            self.report(seen, next, Tally::default(), ticks);
            mem::forget(given);
        }
        given.then_some(ticket)
    }

    fn replace(&self, seen: Circuit, next: Circuit, clock: impl Fn() -> Ticks) -> bool {
        if let Phase::Recovering { .. } = next.phase
            && next.epoch != seen.epoch
        {
            self.storage.past().noted.note(next.epoch, self.storage.origin.moment(clock()));
        }
        self.storage.replace(seen, next)
    }

    /// Counts and announces the state of a new epoch, which only the thread that entered it does.
    #[cold]
    fn report(&self, from: Circuit, to: Circuit, evidence: Tally, ticks: Ticks) {
        let (old, new) = (CircuitBreakerState::from(from.phase), CircuitBreakerState::from(to.phase));
        let past = self.storage.past();
        let totals = &past.totals;
        let (total, open_for) = match to.phase {
            Phase::Open { until, .. } => {
                let now = self.storage.origin.moment(ticks);
                (Some(&totals.opened), now.until(until, self.config.longest_open()))
            }
            Phase::ForcedOpen => (Some(&totals.opened), None),
            Phase::HalfOpen { .. } => (Some(&totals.half_opened), None),
            Phase::Closed { .. } => (Some(&totals.closed), None),
            Phase::Recovering { .. } | Phase::Disabled => (None, None),
        };
        if let Some(total) = total
            && old != new
        {
            total.fetch_add(1, Relaxed);
        }
        if let Some(history) = past.history.get() {
            history.add(to.epoch, old, new);
        }
        self.tell_state(from.phase, to.phase, ticks);
        if old != new {
            let Tally { calls, failures, .. } = evidence;
            let (policy, place) = (self.name(), self.shell.place());
            self.shell.note(TRANSITIONS + new as usize, 1);
            past.times.leave(old, self.shell.record().since, ticks);
            self.shell.emit(Event::Transition { policy, place, from: old, to: new, failures, calls, open_for });
        }
    }
}

impl Storage {
    const_fn! {
        pub(super) fn new() -> Self {
            Self {
                word: AtomicU64::new(Word::NEW.0),
                origin: Origin(AtomicU64::new(Origin::UNSET)),
                window: Window::new(),
                past: Rare::new(Past::new),
                fleet: None,
            }
        }
    }

    const_fn! {
        pub(super) fn begin_in(&mut self, mode: Mode) {
            let word = match mode {
                Mode::Off => Word::NEW_DISABLED,
                _ if self.fleet.is_some() => Word::NEW_SHARED,
                _ => Word::NEW,
            };
            self.word = AtomicU64::new(word.0);
        }
    }

    /// A new one that begins in that mode.
    pub(super) fn beginning_in(mode: Mode) -> Self {
        let mut storage = Self::new();
        storage.begin_in(mode);
        storage
    }

    /// Shares it through a store, before it is used.
    #[cfg(not(resilient_loom))]
    pub(super) const fn share(&mut self, store: &'static dyn Store, mode: Mode) {
        // nothing is dropped in a constant
        std::mem::forget(self.fleet.replace(Link::new(store)));
        self.begin_in(mode);
    }

    pub(super) const fn link(&self) -> Option<&Link> {
        self.fleet.as_ref()
    }

    #[inline]
    pub(super) fn past(&self) -> &Past {
        self.past.get_or_make(Past::new)
    }

    /// The memory, if there is anything in it.
    pub(super) fn any_past(&self) -> Option<&Past> {
        self.past.get()
    }

    /// The present in the breaker's own time.
    pub(super) fn moment_of(&self, now: Ticks) -> Moment {
        self.origin.moment(now)
    }

    /// A new one that begins in that mode, through the same store if machines share it.
    pub(super) fn again(&self, mode: Mode) -> Self {
        let mut storage = Self { fleet: self.fleet.as_ref().map(Link::again), ..Self::new() };
        storage.begin_in(mode);
        storage
    }

    /// Says as which key the store knows it.
    pub(super) fn share_as(&mut self, key: Box<str>) {
        if let Some(link) = &mut self.fleet {
            link.share_as(key);
        }
    }

    /// Empties the window; the states and the totals stay.
    #[cfg(feature = "config")]
    pub(super) fn empty_window(&self) {
        self.window.clear();
    }

    /// Opens it until somebody closes it, before it is used.
    pub(super) fn begin_forced_open(&self) {
        if let Some(next) = Word(self.word.load(Relaxed)).unpack().forced(Phase::ForcedOpen) {
            self.word.store(Word::pack(next, self.fleet.is_some()).0, Relaxed);
        }
    }

    /// Forgets what was counted, and when time began.
    pub(super) fn forget(&self) {
        // Relaxed: a call that ends meanwhile may be counted before or after.
        self.origin.0.store(Origin::UNSET, Relaxed);
        self.window.clear();
        if let Some(past) = self.any_past() {
            past.totals.forget();
        }
        if let Some(link) = &self.fleet {
            link.fleet().reset();
        }
    }

    #[inline]
    pub(super) fn word(&self) -> Word {
        // Acquire pairs with the Release in `replace`: whoever sees a half-open state also sees when its last probe
        // was let through.
        Word(self.word.load(Acquire))
    }

    /// The epoch, for somebody who has just made the history: of each change, either the epoch here tells, or whoever makes it finds the history.
    pub(super) fn fence_epoch(&self) -> Epoch {
        // AcqRel: it changes nothing, and has its place in the order of all changes of the word as they have.
        Word(self.word.fetch_or(0, AcqRel)).epoch()
    }

    fn replace(&self, seen: Circuit, next: Circuit) -> bool {
        let [seen, next] = [seen, next].map(|circuit| Word::pack(circuit, self.fleet.is_some()).0);
        // AcqRel: Release publishes the time that was noted before; Acquire orders what the new state's
        // owner does after everything that led to the old one. All decisions are made on this one word, so its
        // modification order is the breaker's history.
        self.word.compare_exchange(seen, next, AcqRel, Relaxed).is_ok()
    }
}

impl Past {
    fn new() -> Self {
        Self {
            noted: Noted(AtomicU64::new(0)),
            totals: Counters::new(),
            evidence: Evidence::new(),
            times: Times::new(),
            history: Rare::new(History::new),
        }
    }
}

/// The time that it spent in each state, in nanoseconds, and when it entered the present one.
#[derive(Debug)]
struct Times {
    /// Zero before the first change.
    since: AtomicU64,
    spent: [AtomicU64; STATES],
}

const STATES: usize = 6;

impl Times {
    fn new() -> Self {
        Self { since: AtomicU64::new(0), spent: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Adds the time since the last change, or since the first use, to the state that is left.
    fn leave(&self, old: CircuitBreakerState, first_use: Ticks, Ticks(now): Ticks) {
        // Relaxed throughout: of changes that meet, one may count the moment between them.
        let since = match self.since.swap(now, Relaxed) {
            0 => first_use.0,
            since => since,
        };
        self.spent[old as usize].fetch_add(now.saturating_sub(since), Relaxed);
    }
}

impl Storage {
    /// Says how long it has been in the present state, and how long it was in each, from its first use up to now.
    pub(super) fn describe_times(&self, present: CircuitBreakerState, first_use: Ticks, description: &mut Description) {
        let now = Ticks::now().0;
        let times = self.any_past().map(|past| &past.times);
        let since = match times.map_or(0, |times| times.since.load(Relaxed)) {
            0 => first_use.0,
            since => since,
        };
        for state in CircuitBreakerState::ALL {
            let running = if state == present { now.saturating_sub(since) } else { 0 };
            let spent = times.map_or(0, |times| times.spent[state as usize].load(Relaxed));
            description.counts.push(("circuit_state_seconds", state.label(), (spent + running) as f64 / 1e9));
        }
        description.state_for = Some(Duration::from_nanos(now.saturating_sub(since)));
    }
}

impl Counters {
    fn new() -> Self {
        Self {
            opened: AtomicU64::new(0),
            half_opened: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            rejected: OwnCount::new(),
            observed: OwnCount::new(),
        }
    }

    fn forget(&self) {
        for total in [&self.opened, &self.half_opened, &self.closed] {
            total.store(0, Relaxed);
        }
        self.rejected.forget();
        self.observed.forget();
    }
}

impl Origin {
    const UNSET: u64 = u64::MAX;

    #[inline]
    fn moment(&self, now: Ticks) -> Moment {
        // Relaxed: it is written once, unless the clock goes back, and nothing else depends on it.
        let origin = self.0.load(Relaxed);
        let origin = if now.0 < origin { self.settle(now, origin) } else { origin };
        Moment(now.0.saturating_sub(origin))
    }

    /// As [`moment`](Self::moment), for a look that shall not be the first event.
    fn glimpse(&self, now: Ticks) -> Moment {
        // Relaxed as above; unset, it is later than any time.
        Moment(now.0.saturating_sub(self.0.load(Relaxed)))
    }

    /// Unset, it is now. A thread may have read the clock some time before the first event; by more than that, the clock has
    /// gone back, and would stand still here until it came to the old origin.
    #[cold]
    fn settle(&self, now: Ticks, origin: u64) -> u64 {
        if origin - now.0 <= Self::LATE {
            return origin;
        }
        // Relaxed: of all threads that try, one wins, and the others take its value.
        self.0.compare_exchange(origin, now.0, Relaxed, Relaxed).map_or_else(|winner| winner, |_| now.0)
    }

    /// A minute.
    const LATE: u64 = 60_000_000_000;
}

impl Noted {
    #[inline]
    fn last(&self) -> (Epoch, Millis) {
        // Acquire pairs with the Release below: whoever reads the note of a later epoch finds the word moved on.
        let note = self.0.load(Acquire);
        (Self::epoch(note), Millis(note & Self::TIME))
    }

    /// Notes the time before the state is in place; if it then is not, that moves it by no more than the race took.
    fn note(&self, epoch: Epoch, now: Moment) {
        let note = u64::from(epoch.0) << Self::EPOCH | now.round_up().0;
        // AcqRel: Release as said above; Acquire keeps the chain of notes unbroken. An older epoch, or an earlier
        // time of the same epoch, leaves it alone.
        let _ = self.0.fetch_update(AcqRel, Acquire, |last| {
            let last_epoch = Self::epoch(last);
            let newer = if last_epoch == epoch { note > last } else { epoch.is_after(last_epoch) };
            newer.then_some(note)
        });
    }

    const fn epoch(note: u64) -> Epoch {
        Epoch((note >> Self::EPOCH) as u32 & MAX_EPOCH)
    }

    const EPOCH: u32 = 47;
    const TIME: u64 = (1 << Self::EPOCH) - 1;
}
