//! The transitions: pure functions of the state, what happened and when.

use std::time::Duration;

use super::config::Config;
use crate::Class;
use crate::clock::nanos;

/// The whole state: what one atomic word holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Circuit {
    pub(super) epoch: Epoch,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Lets everything through; so many failures came in a row.
    Closed { streak: u32 },
    /// Lets nothing through before `until`.
    Open { trip: Trip, until: Millis },
    /// Lets probes through.
    HalfOpen { trip: Trip, probes: Probes },
}

/// What is remembered of the opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trip {
    /// How often it opened again since it was last closed.
    pub(super) reopenings: u32,
    /// Whether the last failure was a panic, which has no class.
    pub(super) panicked: bool,
}

/// The probes of one half-open state; those neither succeeded nor failed are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Probes {
    pub(super) issued: u32,
    pub(super) succeeded: u32,
    pub(super) failed: u32,
}

/// Counts the changes of state, so that a permit can tell whether it is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(pub(super) u32);

/// Nanoseconds since the breaker's first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) u64);

/// A [`Moment`] in whole milliseconds, short enough to share a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millis(pub(super) u64);

/// Calls that have ended, and how many of them failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failures: u32,
}

/// How a permit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vote {
    Success,
    Failure,
    /// A failure without a class.
    Panic,
    /// No vote; the permit is free again.
    Abandoned,
}

/// What a caller is told that asks for a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go ahead, nothing changes.
    Admitted,
    /// Go ahead as a probe, once this state is in place.
    Probe(Circuit),
    /// The probes took too long: put this state in place and ask again.
    Overdue(Circuit),
    /// Come back after this time, which is not zero.
    Refused(Duration),
}

impl Circuit {
    /// Answers a caller; `last_probe` is when the last probe of this state was let through.
    pub(super) fn ask(self, config: &Config, now: Moment, last_probe: Millis, draw: impl FnOnce() -> u64) -> Answer {
        match self.phase {
            Phase::Closed { .. } => Answer::Admitted,
            Phase::Open { trip, until } => match now.until(until) {
                Some(left) => Answer::Refused(left),
                None => Answer::Probe(self.enter(Phase::HalfOpen { trip, probes: Probes::FIRST })),
            },
            Phase::HalfOpen { trip, probes } if probes.issued < config.probe_count() => {
                let probes = Probes { issued: probes.issued + 1, ..probes };
                Answer::Probe(self.stay(Phase::HalfOpen { trip, probes }))
            }
            Phase::HalfOpen { trip, probes } => {
                if let Some(left) = now.until(last_probe.plus(config.probe_limit())) {
                    return Answer::Refused(left);
                }
                // A hang is a time-out, and a time-out has a class.
                let trip = Trip { panicked: false, ..trip };
                Answer::Overdue(self.settle(trip, probes.given_up(), config, now, draw))
            }
        }
    }

    /// The state after a permit of this epoch ended; `tally` is the window with that call in it.
    pub(super) fn end(
        self,
        vote: Vote,
        tally: Tally,
        config: &Config,
        now: Moment,
        draw: impl FnOnce() -> u64,
    ) -> Self {
        match (self.phase, vote) {
            // An open breaker has given no permit.
            (Phase::Open { .. }, _) | (Phase::Closed { .. }, Vote::Abandoned) => self,
            (Phase::Closed { .. }, Vote::Success) => self.stay(Phase::Closed { streak: 0 }),
            (Phase::Closed { streak }, Vote::Failure | Vote::Panic) => {
                let streak = streak.saturating_add(1);
                if config.trips(tally, streak) {
                    self.open(Trip { reopenings: 0, panicked: vote == Vote::Panic }, config, now, draw)
                } else {
                    self.stay(Phase::Closed { streak })
                }
            }
            (Phase::HalfOpen { trip, probes }, Vote::Abandoned) => {
                self.stay(Phase::HalfOpen { trip, probes: Probes { issued: probes.issued - 1, ..probes } })
            }
            (Phase::HalfOpen { trip, probes }, _) => {
                let (trip, probes) = (trip.with(vote), probes.with(vote));
                if probes.ended() < config.probe_count() {
                    self.stay(Phase::HalfOpen { trip, probes })
                } else {
                    self.settle(trip, probes, config, now, draw)
                }
            }
        }
    }

    /// What a change of state by `vote` is based on: the window, or all the probes.
    pub(super) fn evidence(self, vote: Vote, window: Tally) -> Tally {
        match self.phase {
            Phase::HalfOpen { probes, .. } => {
                let Tally { calls, failures } = probes.given_up().tally();
                Tally { calls, failures: failures - u32::from(vote == Vote::Success) }
            }
            _ => window,
        }
    }

    /// The class of the failure that opened it; a panic has none.
    pub(super) fn last_failure(self) -> Option<Class> {
        match self.phase {
            Phase::Open { trip, .. } | Phase::HalfOpen { trip, .. } if !trip.panicked => Some(Class::Transient),
            _ => None,
        }
    }

    /// Decides a half-open state whose probes have all ended.
    fn settle(self, trip: Trip, probes: Probes, config: &Config, now: Moment, draw: impl FnOnce() -> u64) -> Self {
        if config.is_failing(probes.tally()) {
            let reopenings = (trip.reopenings + 1).min(MAX_REOPENINGS);
            self.open(Trip { reopenings, ..trip }, config, now, draw)
        } else {
            self.enter(Phase::Closed { streak: 0 })
        }
    }

    fn open(self, trip: Trip, config: &Config, now: Moment, draw: impl FnOnce() -> u64) -> Self {
        let until = now.plus(config.open_time(trip.reopenings, draw)).round_up();
        self.enter(Phase::Open { trip, until })
    }

    fn stay(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    fn enter(self, phase: Phase) -> Self {
        Self { epoch: self.epoch.next(), phase }
    }
}

impl Trip {
    fn with(self, vote: Vote) -> Self {
        if vote == Vote::Success { self } else { Self { panicked: vote == Vote::Panic, ..self } }
    }
}

impl Probes {
    pub(super) const FIRST: Self = Self { issued: 1, succeeded: 0, failed: 0 };

    pub(super) const fn ended(self) -> u32 {
        self.succeeded + self.failed
    }

    pub(super) const fn tally(self) -> Tally {
        Tally { calls: self.ended(), failures: self.failed }
    }

    const fn with(self, vote: Vote) -> Self {
        match vote {
            Vote::Success => Self { succeeded: self.succeeded + 1, ..self },
            Vote::Failure | Vote::Panic => Self { failed: self.failed + 1, ..self },
            Vote::Abandoned => self,
        }
    }

    /// Those still under way count as failed.
    const fn given_up(self) -> Self {
        Self { failed: self.issued - self.succeeded, ..self }
    }
}

impl Tally {
    /// The fraction that failed; `None` of no calls.
    pub(super) fn rate(self) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(self.failures) / f64::from(self.calls))
    }
}

impl Epoch {
    pub(super) const fn next(self) -> Self {
        Self((self.0 + 1) & MAX_EPOCH)
    }

    /// Whether it came after the other; half of all epochs count as later.
    pub(super) const fn is_after(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0) & MAX_EPOCH;
        ahead != 0 && ahead <= MAX_EPOCH / 2
    }
}

impl Moment {
    pub(super) const fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }

    /// Rounded up, so that what waits for it is never early, and exact for a whole number.
    pub(super) fn round_up(self) -> Millis {
        Millis(self.0.div_ceil(NANOS_PER_MILLI).min(MAX_MILLIS))
    }

    /// The time left until `end`; `None` from the end on.
    pub(super) fn until(self, end: Millis) -> Option<Duration> {
        let left = end.0.saturating_mul(NANOS_PER_MILLI).saturating_sub(self.0);
        (left > 0).then(|| Duration::from_nanos(left))
    }
}

impl Millis {
    fn plus(self, time: Duration) -> Self {
        Moment(self.0.saturating_mul(NANOS_PER_MILLI)).plus(time).round_up()
    }
}

/// What seventeen bits can hold; a permit would have to outlive so many changes of state to be mistaken.
pub(super) const MAX_EPOCH: u32 = (1 << 17) - 1;
/// What five bits can hold; the open time has long reached its cap, or does not grow.
pub(super) const MAX_REOPENINGS: u32 = (1 << 5) - 1;
/// What 38 bits can hold: 8.7 years. A breaker that is older opens for no time at all, which means it still probes.
pub(super) const MAX_MILLIS: u64 = (1 << 38) - 1;
const NANOS_PER_MILLI: u64 = 1_000_000;

#[cfg(all(test, not(resilient_loom)))]
mod tests;
