//! The transitions: pure functions of the state, what happened and when.

use std::time::Duration;

use super::config::Config;
use super::epoch::Epoch;
use super::tally::Tally;
use crate::Class;
use crate::packed_time::{MAX_WAIT, Millis, Moment};

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
    /// Lets a growing part of the calls through; so many failures came in a row.
    Recovering { trip: Trip, streak: u32 },
    /// Lets nothing through until an operator says otherwise.
    ForcedOpen,
    /// Lets everything through and counts nothing.
    Disabled,
}

/// The memory of the opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trip {
    /// The number of times that it opened again since it was last closed.
    pub(super) reopenings: u32,
    /// The cause of the last failure.
    pub(super) cause: Cause,
}

/// The cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Transient,
    Throttled,
    /// A success that took too long.
    Slow,
    /// It has no class.
    Panic,
}

/// The probes of one half-open state; those neither succeeded nor failed are under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Probes {
    pub(super) issued: u32,
    pub(super) succeeded: u32,
    pub(super) failed: u32,
}

/// The end of a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vote {
    Success,
    Failure(Cause),
    /// No vote; the permit is free again.
    Abandoned,
}

/// A vote that counts, and whether the call took too long, in the window that it left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) vote: Vote,
    pub(super) slow: bool,
    pub(super) window: Tally,
    /// Set if the failures are more than usual errors can explain.
    pub(super) evident: bool,
}

/// The answer to a caller that asks for a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go ahead, nothing changes.
    Admitted,
    /// Go ahead, and nobody asks how it ends.
    Unguarded,
    /// Go ahead as a probe, once this state is in place.
    Probe(Circuit),
    /// The time of this state is over: put the next one in place and ask again.
    Over(Circuit),
    /// Come back after this time, which is not zero; `None` is unknown.
    Refused(Option<Duration>),
}

impl Circuit {
    /// Answers a caller; `noted` is when the last probe of this state was let through, or its ramp began.
    #[inline]
    pub(super) fn ask(self, config: &Config, now: Moment, noted: Millis, draw: impl FnOnce() -> u64) -> Answer {
        match self.phase {
            Phase::Closed { .. } => Answer::Admitted,
            Phase::Open { trip, until } => match now.until(until, config.longest_open()) {
                Some(left) => Answer::Refused(Some(left)),
                None => Answer::Probe(self.enter(Phase::HalfOpen { trip, probes: Probes::FIRST })),
            },
            Phase::HalfOpen { trip, probes } if probes.issued < probes.most(config) => {
                let probes = Probes { issued: probes.issued + 1, ..probes };
                Answer::Probe(self.stay(Phase::HalfOpen { trip, probes }))
            }
            Phase::HalfOpen { trip, probes } => {
                let end = noted.plus(config.probe_limit());
                if let Some(left) = now.until(end, Millis::of(config.probe_limit())) {
                    return Answer::Refused(Some(left));
                }
                // A hang is a time-out, and a time-out has a class.
                let trip = Trip { cause: Cause::Transient, ..trip };
                Answer::Over(self.settle(trip, probes.given_up(), config, || now, draw))
            }
            Phase::Recovering { .. } => {
                let ramp = config.ramp().unwrap_or_default();
                let Some(left) = now.until(noted.plus(ramp), Millis::of(ramp)) else {
                    return Answer::Over(self.enter(Phase::Closed { streak: 0 }));
                };
                let drawn = (draw() >> 11) as f64 / (1_u64 << 53) as f64;
                if drawn < config.share(ramp.saturating_sub(left)) {
                    Answer::Admitted
                } else {
                    Answer::Refused(Some(left))
                }
            }
            Phase::ForcedOpen => Answer::Refused(None),
            Phase::Disabled => Answer::Unguarded,
        }
    }

    /// The state after a permit of this epoch ended.
    pub(super) fn end(
        self,
        ending: Ending,
        config: &Config,
        now: impl FnOnce() -> Moment,
        draw: impl FnOnce() -> u64,
    ) -> Self {
        match self.phase {
            Phase::Closed { streak } => {
                let trip = |cause| Trip { reopenings: 0, cause };
                self.count(
                    ending,
                    streak,
                    config,
                    |streak| Phase::Closed { streak },
                    |cause| self.open(trip(cause), config, now(), draw),
                )
            }
            Phase::Recovering { trip, streak } => self.count(
                ending,
                streak,
                config,
                |streak| Phase::Recovering { trip, streak },
                |cause| self.open(trip.again(cause, config.patience()), config, now(), draw),
            ),
            Phase::HalfOpen { trip, probes } => {
                let (trip, probes) = match ending.vote.with(ending.slow) {
                    Vote::Abandoned => {
                        let probes = Probes { issued: probes.issued - 1, ..probes };
                        return self.stay(Phase::HalfOpen { trip, probes });
                    }
                    Vote::Success => (trip, Probes { succeeded: probes.succeeded + 1, ..probes }),
                    Vote::Failure(cause) => (Trip { cause, ..trip }, Probes { failed: probes.failed + 1, ..probes }),
                };
                if probes.ended() < probes.most(config) {
                    self.stay(Phase::HalfOpen { trip, probes })
                } else {
                    self.settle(trip, probes, config, now, draw)
                }
            }
            // They have given no permit.
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => self,
        }
    }

    /// A vote in a state that keeps a window.
    fn count(
        self,
        Ending { vote, slow, window, evident }: Ending,
        streak: u32,
        config: &Config,
        stay: impl FnOnce(u32) -> Phase,
        open: impl FnOnce(Cause) -> Self,
    ) -> Self {
        let streak = match vote {
            Vote::Abandoned => return self,
            Vote::Success => 0,
            Vote::Failure(_) => streak.saturating_add(1),
        };
        match vote.with(slow) {
            Vote::Failure(cause) if evident || config.trips(window, streak) => open(cause),
            _ => self.stay(stay(streak)),
        }
    }

    /// Returns what a change of state by `vote` is based on: the window, or all the probes.
    pub(super) fn evidence(self, ending: Ending) -> Tally {
        match self.phase {
            Phase::HalfOpen { probes, .. } => {
                let Tally { calls, failures, slow } = probes.given_up().tally();
                Tally { calls, failures: failures - u32::from(ending.vote.with(ending.slow) == Vote::Success), slow }
            }
            _ => ending.window,
        }
    }

    /// The class of the failure that opened it, and of a slow call [`Class::Success`]; a panic has none.
    pub(super) fn last_failure(self) -> Option<Class> {
        match self.phase {
            Phase::Open { trip, .. } | Phase::HalfOpen { trip, .. } | Phase::Recovering { trip, .. } => {
                match trip.cause {
                    Cause::Transient => Some(Class::Transient),
                    Cause::Throttled => Some(Class::Throttled { after: None }),
                    Cause::Slow => Some(Class::Success),
                    Cause::Panic => None,
                }
            }
            Phase::Closed { .. } | Phase::ForcedOpen | Phase::Disabled => None,
        }
    }

    /// The state that follows because somebody says so; one that is switched off stays as it is.
    pub(super) fn forced(self, phase: Phase) -> Option<Self> {
        let stays = matches!(self.phase, Phase::Disabled) || self.phase == phase && phase == Phase::ForcedOpen;
        (!stays).then(|| self.enter(phase))
    }

    /// Decides a half-open state whose probes have all ended.
    fn settle(
        self,
        trip: Trip,
        probes: Probes,
        config: &Config,
        now: impl FnOnce() -> Moment,
        draw: impl FnOnce() -> u64,
    ) -> Self {
        if config.is_failing(probes.tally()) {
            // A server that answers some probes and not the others is overloaded, and needs a longer rest.
            let already = if probes.succeeded == 0 { 0 } else { config.patience() };
            self.open(trip.again(trip.cause, already), config, now(), draw)
        } else if config.ramp().is_some() {
            self.enter(Phase::Recovering { trip, streak: 0 })
        } else {
            self.enter(Phase::Closed { streak: 0 })
        }
    }

    fn open(self, trip: Trip, config: &Config, now: Moment, draw: impl FnOnce() -> u64) -> Self {
        let until = now.plus(config.open_time(trip.reopenings, draw).min(Duration::from_millis(MAX_WAIT))).round_up();
        self.enter(Phase::Open { trip, until })
    }

    fn stay(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    pub(super) fn enter(self, phase: Phase) -> Self {
        Self { epoch: self.epoch.next(), phase }
    }
}

impl Phase {
    /// Returns whether calls are counted in a window.
    pub(super) const fn keeps_a_window(self) -> bool {
        matches!(self, Self::Closed { .. } | Self::Recovering { .. })
    }
}

impl Vote {
    /// With a success that took too long as what it is.
    pub(super) const fn with(self, slow: bool) -> Self {
        match self {
            Self::Success if slow => Self::Failure(Cause::Slow),
            vote => vote,
        }
    }
}

impl Trip {
    /// One more reopening, after so many at least.
    fn again(self, cause: Cause, already: u32) -> Self {
        Self { reopenings: (self.reopenings.max(already) + 1).min(MAX_REOPENINGS), cause }
    }
}

impl Probes {
    pub(super) const FIRST: Self = Self { issued: 1, succeeded: 0, failed: 0 };

    /// Number of calls that may be let through, and decide.
    const fn most(self, config: &Config) -> u32 {
        if self.succeeded == 0 { config.first_probes() } else { config.probe_count() }
    }

    pub(super) const fn ended(self) -> u32 {
        self.succeeded + self.failed
    }

    pub(super) const fn tally(self) -> Tally {
        Tally { calls: self.ended(), failures: self.failed, slow: 0 }
    }

    /// Counts the probes that are still under way as failed.
    const fn given_up(self) -> Self {
        Self { failed: self.issued - self.succeeded, ..self }
    }
}

/// The most that five bits can hold; the open time has long reached its cap, or does not grow.
pub(super) const MAX_REOPENINGS: u32 = (1 << 5) - 1;
#[cfg(all(test, not(resilient_loom)))]
mod tests;
