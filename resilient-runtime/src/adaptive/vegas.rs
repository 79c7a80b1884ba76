//! TCP Vegas for calls: the limit from an estimate of the queue.

use super::bounds::{Bounds, is_half_used};
use super::window::{Probe, Summary};

/// Estimates how many of the calls in flight wait in the server's queue: `⌈limit · (1 − base / time)⌉`, where `base` is
/// the time of a call without a queue. Grows while they are few, shrinks while they are many.
///
/// The formula and its numbers are those of Netflix's `VegasLimit`. The base is the least mean of a window. So that one lucky
/// window does not rule for ever, it is measured again every 15 to 30 windows, with half of the limit: a queue drains
/// and does not pass for the base. Where no more than that was in flight anyway, the window is taken as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vegas {
    limit: u32,
    /// The time of a call without a queue, as a mean; none before the first window.
    base: Option<f64>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// So many windows from the next probe.
    Steady {
        left: u32,
    },
    Probing(Probe),
}

impl Vegas {
    pub(super) const fn new(initial: u32) -> Self {
        Self { limit: initial, base: None, phase: Phase::Steady { left: FEWEST_WINDOWS } }
    }

    pub(super) fn limit(&self, bounds: Bounds) -> u32 {
        match self.phase {
            Phase::Steady { .. } => self.limit,
            Phase::Probing(_) => bounds.clamp(self.limit / 2),
        }
    }

    pub(super) fn probe(&self) -> Option<Probe> {
        match self.phase {
            Phase::Steady { .. } => None,
            Phase::Probing(probe) => Some(probe),
        }
    }

    pub(super) fn step(self, window: &Summary, bounds: Bounds, lot: impl FnOnce() -> u64) -> Self {
        if window.dropped {
            // A probe in which calls are dropped measures nothing, and is over.
            let limit = bounds.clamp(self.limit.saturating_sub(unit(self.limit)));
            let left = if self.is_probing() { spread(lot()) } else { self.left() };
            return Self { limit, phase: Phase::Steady { left }, ..self };
        }
        let Some(time) = window.mean else { return self };
        let limit = f64::from(self.limit);

        if self.is_probing() || (self.left() == 0 && !is_half_used(window, limit)) {
            return Self { base: Some(time), phase: Phase::Steady { left: spread(lot()) }, ..self };
        }
        if self.left() == 0 {
            return Self { phase: Phase::Probing(Probe { lasts: PROBE_TIMES * time }), ..self };
        }
        let phase = Phase::Steady { left: self.left() - 1 };
        match self.base {
            Some(base) if time >= base => {
                let limit =
                    if is_half_used(window, limit) { self.grow_or_shrink(1.0 - base / time) } else { self.limit };
                Self { limit: bounds.clamp(limit), phase, ..self }
            }
            // the least so far: nothing waits
            Some(_) if is_half_used(window, limit) => {
                Self { limit: bounds.clamp(self.grow_or_shrink(0.0)), base: Some(time), phase }
            }
            _ => Self { base: Some(time), phase, ..self },
        }
    }

    /// The next limit, if that share of the calls in flight waits.
    fn grow_or_shrink(self, waiting: f64) -> u32 {
        let queue = (f64::from(self.limit) * waiting).ceil() as u32;
        let unit = unit(self.limit);
        if queue <= unit {
            self.limit.saturating_add(BETA * unit)
        } else if queue < ALPHA * unit {
            self.limit.saturating_add(unit)
        } else if queue > BETA * unit {
            self.limit.saturating_sub(unit)
        } else {
            self.limit
        }
    }

    fn is_probing(&self) -> bool {
        self.probe().is_some()
    }

    fn left(&self) -> u32 {
        match self.phase {
            Phase::Steady { left } => left,
            Phase::Probing(_) => 0,
        }
    }
}

/// The unit of all steps: the whole decimal logarithm of the limit, and at least one.
fn unit(limit: u32) -> u32 {
    limit.checked_ilog10().unwrap_or(0).max(1)
}

/// Returns how many windows until the next probe: at random, so that the clients of one server do not probe in step.
fn spread(lot: u64) -> u32 {
    FEWEST_WINDOWS + (lot % (u64::from(FEWEST_WINDOWS) + 1)) as u32
}

/// Below that many units, the queue is short.
const ALPHA: u32 = 3;
/// Above that many units, the queue is long; and the step up where there is none.
const BETA: u32 = 6;
/// Half of the most windows between two probes.
const FEWEST_WINDOWS: u32 = 15;
/// The time that a probe takes, in times of a call: one for the queue to drain, one for the calls of the probe, and as much again.
const PROBE_TIMES: f64 = 4.0;
