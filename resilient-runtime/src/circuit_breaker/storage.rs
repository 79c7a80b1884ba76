//! The atomics, and the loops that apply the transitions to them.

use super::CircuitBreaker;
use super::state::{Answer, Circuit, Epoch, MAX_EPOCH, Millis, Moment, Phase, Tally, Vote};
use super::window::Window;
use super::word::Word;
use crate::clock::Ticks;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use crate::sync::atomic::{AtomicU64, fence};
use crate::sync::const_fn;
use crate::{Error, PolicyKind, Reason, event, random};

/// Everything about a breaker that changes.
#[derive(Debug)]
pub(super) struct Storage {
    word: AtomicU64,
    origin: Origin,
    probed: Probed,
    window: Window,
    pub(super) totals: Totals,
}

/// The breaker's own zero of time: when it first recorded something.
///
/// The buckets line up with it, and so do the milliseconds of the open time, so that a breaker behaves alike
/// wherever the process's clock began.
#[derive(Debug)]
struct Origin(AtomicU64);

/// When the last probe was let through, and in which epoch: 17 bits, and 47 of milliseconds.
#[derive(Debug)]
struct Probed(AtomicU64);

/// How often each thing happened, ever.
///
/// Relaxed throughout: nothing is decided on them.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) opened: AtomicU64,
    pub(super) half_opened: AtomicU64,
    pub(super) closed: AtomicU64,
    pub(super) rejected: AtomicU64,
}

impl CircuitBreaker {
    pub(super) fn circuit(&self) -> Circuit {
        self.storage.word().unpack()
    }

    /// What the present state goes by: the window while closed, the probes while half-open.
    pub(super) fn tally(&self, circuit: Circuit, clock: impl FnOnce() -> Ticks) -> Tally {
        match circuit.phase {
            Phase::Closed { .. } => {
                let now = || self.storage.origin.glimpse(clock());
                self.storage.window.tally(self.config.span(), circuit.epoch, now)
            }
            Phase::Open { .. } => Tally::default(),
            Phase::HalfOpen { probes, .. } => probes.tally(),
        }
    }

    /// Lets a caller through, in the epoch that it gets, or says when to come back.
    #[inline]
    pub(super) fn admit(&self, clock: impl Fn() -> Ticks) -> Result<Epoch, Error> {
        let word = self.storage.word();
        if word.is_closed() { Ok(word.epoch()) } else { self.admit_guarded(&clock) }
    }

    #[cold]
    fn admit_guarded(&self, clock: &dyn Fn() -> Ticks) -> Result<Epoch, Error> {
        let storage = &self.storage;
        loop {
            let circuit = self.circuit();
            let now = storage.origin.moment(clock());
            let (epoch, probed) = storage.probed.last();
            if matches!(circuit.phase, Phase::HalfOpen { .. }) && epoch != circuit.epoch {
                // Noted for a later epoch: the state that was read is gone.
                continue;
            }
            match circuit.ask(&self.config, now, probed, random::next) {
                Answer::Admitted => return Ok(circuit.epoch),
                Answer::Probe(next) => {
                    storage.probed.note(next.epoch, now);
                    if storage.replace(circuit, next) {
                        self.report(circuit, next, Tally::default(), now);
                        return Ok(next.epoch);
                    }
                }
                Answer::Overdue(next) => {
                    if storage.replace(circuit, next) {
                        self.report(circuit, next, circuit.evidence(Vote::Failure, Tally::default()), now);
                    }
                }
                Answer::Refused(retry_after) => {
                    storage.totals.rejected.fetch_add(1, Relaxed);
                    let reason = Reason::CircuitOpen { retry_after: Some(retry_after), last: circuit.last_failure() };
                    return Err(Error::new(PolicyKind::CircuitBreaker, self.name, reason));
                }
            }
        }
    }

    /// Ends a permit of the given epoch; a late one changes nothing.
    #[inline]
    pub(super) fn end(&self, epoch: Epoch, vote: Vote, clock: impl Fn() -> Ticks) {
        let word = self.storage.word();
        if vote == Vote::Success && word == Word::quiet(epoch) {
            // Nothing failed since the last success, so the word already says what it should.
            self.record(epoch, false, || self.storage.origin.moment(clock()));
        } else if word.epoch() == epoch {
            self.end_guarded(epoch, vote, &clock);
        }
    }

    #[cold]
    fn end_guarded(&self, epoch: Epoch, vote: Vote, clock: &dyn Fn() -> Ticks) {
        let closed = self.storage.word().is_closed();
        if closed && vote == Vote::Abandoned {
            return;
        }
        let now = self.storage.origin.moment(clock());
        let mut tally = Tally::default();
        if closed {
            self.record(epoch, vote != Vote::Success, || now);
            // Two failures that are recorded at once must not both miss the other one: whichever fence comes second
            // in the single order of fences reads what was written before the first.
            fence(SeqCst);
            tally = self.storage.window.tally(self.config.span(), epoch, || now);
        }

        loop {
            let circuit = self.circuit();
            if circuit.epoch != epoch {
                break;
            }
            let next = circuit.end(vote, tally, &self.config, now, random::next);
            if next == circuit {
                break;
            }
            if self.storage.replace(circuit, next) {
                self.report(circuit, next, circuit.evidence(vote, tally), now);
                break;
            }
        }
    }

    #[inline]
    fn record(&self, epoch: Epoch, failed: bool, now: impl FnOnce() -> Moment) {
        let current = || self.storage.word().epoch() == epoch;
        self.storage.window.record(self.config.span(), epoch, failed, now, current);
    }

    /// Counts and announces a change of state, which only the thread that made it does.
    fn report(&self, from: Circuit, to: Circuit, evidence: Tally, now: Moment) {
        if from.epoch == to.epoch {
            return;
        }
        let totals = &self.storage.totals;
        let (total, open_for) = match to.phase {
            Phase::Closed { .. } => (&totals.closed, None),
            Phase::Open { until, .. } => (&totals.opened, now.until(until)),
            Phase::HalfOpen { .. } => (&totals.half_opened, None),
        };
        total.fetch_add(1, Relaxed);
        let (from, to) = (from.phase.as_state().as_str(), to.phase.as_state().as_str());
        event::transition(self.name, from, to, evidence.failures, evidence.calls, open_for);
    }
}

impl Storage {
    const_fn! {
        pub(super) fn new() -> Self {
            Self {
                word: AtomicU64::new(Word::NEW.0),
                origin: Origin(AtomicU64::new(Origin::UNSET)),
                probed: Probed(AtomicU64::new(0)),
                window: Window::new(),
                totals: Totals {
                    opened: AtomicU64::new(0),
                    half_opened: AtomicU64::new(0),
                    closed: AtomicU64::new(0),
                    rejected: AtomicU64::new(0),
                },
            }
        }
    }

    fn word(&self) -> Word {
        // Acquire pairs with the Release in `replace`: whoever sees a half-open state also sees when its last probe
        // was let through.
        Word(self.word.load(Acquire))
    }

    /// Puts `next` in the place of `seen`, unless another thread changed it first.
    fn replace(&self, seen: Circuit, next: Circuit) -> bool {
        let (seen, next) = (Word::pack(seen).0, Word::pack(next).0);
        // AcqRel: Release publishes the probe's time that was noted before; Acquire orders what the new state's
        // owner does after everything that led to the old one. All decisions are made on this one word, so its
        // modification order is the breaker's history.
        self.word.compare_exchange(seen, next, AcqRel, Relaxed).is_ok()
    }
}

impl Origin {
    const UNSET: u64 = u64::MAX;

    #[inline]
    fn moment(&self, now: Ticks) -> Moment {
        // Relaxed: it is written once and nothing else depends on it.
        let origin = match self.0.load(Relaxed) {
            Self::UNSET => self.settle(now),
            origin => origin,
        };
        Moment(now.0.saturating_sub(origin))
    }

    /// As [`moment`](Self::moment), for a look that shall not be the first event.
    fn glimpse(&self, now: Ticks) -> Moment {
        // Relaxed as above; unset, it is later than any time.
        Moment(now.0.saturating_sub(self.0.load(Relaxed)))
    }

    #[cold]
    fn settle(&self, now: Ticks) -> u64 {
        // Relaxed: of all threads that try, one wins, and the others take its value.
        self.0.compare_exchange(Self::UNSET, now.0, Relaxed, Relaxed).map_or_else(|winner| winner, |_| now.0)
    }
}

impl Probed {
    fn last(&self) -> (Epoch, Millis) {
        // Acquire pairs with the Release below: whoever reads the note of a later epoch finds the word moved on.
        let note = self.0.load(Acquire);
        (Self::epoch(note), Millis(note & Self::TIME))
    }

    /// Notes the time before the probe is let through; one that then is not moves it by no more than the race took.
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
