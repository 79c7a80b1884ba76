//! The evidence of an outage: failures that the usual errors do not explain, however full of old successes the window is.
//!
//! It is a cumulative sum (Page, 1954) over the calls in the order of their ends. A failure adds one, a success takes
//! `ρ = r / (1 − r)` away, where `r` is the failure rate that opens the breaker, and the sum is never below zero. So a
//! server at `r` makes it go neither up nor down, one below `r` brings it back to zero again and again, and an outage
//! drives it up from the first failure on. While a fraction `p < r` of independent calls fails, the sum is at `h` or
//! above with a probability of at most `e^(−θh)`, where `θ` is the positive root of `p·e^θ + (1 − p)·e^(−θρ) = 1`
//! (Lundberg's bound). Turned round, it is how far the sum must go so that at the present pace that happens once in
//! [`YEARS`].

use std::time::Duration;

use super::epoch::{Epoch, MAX_EPOCH};
use super::tally::Tally;
use crate::packed_time::Moment;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Release};

/// The sum of the present epoch, when it last left zero, and how many calls fail usually.
///
/// Only failures write to it. What succeeded since is read from the counts that successes keep anyway.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The number of successes at which the sum would be zero again.
    zero: AtomicU64,
    /// When the sum left zero, in milliseconds.
    since: AtomicU64,
    /// The failures of the last thousands of calls, and the number of successes before them.
    usual: AtomicU64,
}

/// Evidence that opens a breaker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// The failure rate that opens it.
    pub(super) rate: f64,
    /// The length of the window.
    pub(super) window: Duration,
    /// So many calls are in it.
    pub(super) sample: u32,
    /// The sum is at least that.
    pub(super) fewest: u32,
}

/// The state of the sum after a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    /// The sum: failures beyond those that the rate allows among so many successes.
    pub(super) sum: f64,
    /// Time since it was zero.
    pub(super) lasted: Duration,
    /// The fraction of calls that fail usually.
    pub(super) usual: f64,
}

impl Evidence {
    pub(super) fn new() -> Self {
        Self { zero: AtomicU64::new(0), since: AtomicU64::new(0), usual: AtomicU64::new(0) }
    }

    /// Adds a failure of the epoch that came after so many of its successes and left `window` behind, for as long as
    /// `current` says that the epoch lasts. Returns whether the run that it is part of opens the breaker.
    pub(super) fn fail(
        &self,
        rule: &Rule,
        epoch: Epoch,
        successes: u64,
        window: Tally,
        now: Moment,
        current: impl Fn() -> bool,
    ) -> bool {
        let successes = successes & MAX_SUCCESSES;
        let usual = change(&self.usual, epoch, &current, |usual| {
            let usual = Usual::unpack(usual.unwrap_or(0)).plus_one(successes);
            (usual.pack(), usual)
        });
        let millis = now.round_up().0;
        let since = of_epoch(self.since.load(Acquire), epoch).unwrap_or(millis);
        let step = step(rule.rate);
        let counted = change(&self.zero, epoch, &current, |zero| {
            let before = gap(zero.unwrap_or(0), successes << FRACTION);
            let gap = before.saturating_add(step).min(MAX_GAP);
            let began = before == 0;
            let lasted = if began { 0 } else { millis.saturating_sub(since) };
            let sum = gap as f64 / step as f64;
            let usual = usual.map_or(1.0, |usual| usual.rate(successes, sum));
            let run = Run { sum, lasted: Duration::from_millis(lasted), usual };
            let (enough, opens) = (run.is_enough(rule, window), run.is_evident(rule, window));
            // What comes too soon is not counted beyond what is enough: it would weigh for as long as it took to come.
            let gap = if enough && !opens { before } else { gap };
            ((successes << FRACTION).wrapping_add(gap), (began, opens))
        });
        let Some((began, opens)) = counted else { return false };
        if began {
            // A failure beside this one may still read when the run before began.
            change(&self.since, epoch, current, |_| (millis, ()));
        }
        opens
    }

    /// The sum, if it is of the epoch.
    #[cfg(test)]
    pub(super) fn sum(&self, rate: f64, epoch: Epoch, successes: u64) -> f64 {
        let zero = of_epoch(self.zero.load(Acquire), epoch).unwrap_or(0);
        gap(zero, (successes & MAX_SUCCESSES) << FRACTION) as f64 / step(rate) as f64
    }
}

impl Run {
    /// Returns whether it opens a breaker whose window holds `window`.
    pub(super) fn is_evident(self, rule: &Rule, window: Tally) -> bool {
        self.lasted >= LEAST_TIME && self.is_enough(rule, window)
    }

    /// Returns whether it would open the breaker if it has lasted for long enough.
    pub(super) fn is_enough(self, rule: &Rule, window: Tally) -> bool {
        let calls = f64::from(window.calls);
        let pace = calls / rule.window.as_secs_f64();
        let fewest = f64::from(rule.fewest).max(pace * LEAST_TIME.as_secs_f64());
        if window.calls < rule.sample || self.sum < fewest {
            return false;
        }
        let failures = f64::from(window.failures) - self.sum;
        let usual = self.usual.max(failures / (calls - self.sum).max(1.0));
        // How improbable the sum must be, as a natural logarithm.
        let weight = (pace * YEARS * YEAR.as_secs_f64()).max(1.0).ln();
        // θ is at least this if and only if the left side of its equation is at most one there.
        let theta = weight / self.sum;
        usual * theta.exp() + (1.0 - usual) * (-theta * odds(rule.rate)).exp() <= 1.0
    }
}

/// Amount a success takes away from the sum.
fn odds(rate: f64) -> f64 {
    rate / (1.0 - rate)
}

/// Number of successes that make up for a failure, with [`FRACTION`] bits behind the point. It is at least the smallest such
/// number; the sum then is the failures since the last success.
pub(super) fn step(rate: f64) -> u64 {
    let step = (1_u64 << FRACTION) as f64 / odds(rate);
    (step.round() as u64).clamp(1, MAX_GAP)
}

/// Distance of the zero ahead of the successes; nothing, if it is behind them.
const fn gap(zero: u64, successes: u64) -> u64 {
    let gap = zero.wrapping_sub(successes) & MAX_ZERO;
    if gap > MAX_ZERO / 2 { 0 } else { gap }
}

/// Changes a word of the epoch, or begins it; `None` if the epoch has passed.
fn change<T>(
    word: &AtomicU64,
    epoch: Epoch,
    current: impl Fn() -> bool,
    next: impl Fn(Option<u64>) -> (u64, T),
) -> Option<T> {
    // Acquire pairs with the Release below: whoever sees a later epoch's word also sees that state in `current`, and one
    // that sees none overwrites only what it has seen. So a late failure never enters a newer epoch.
    let mut seen = word.load(Acquire);
    while current() {
        let (value, result) = next(of_epoch(seen, epoch));
        let new = u64::from(epoch.0) << EPOCH | value & MAX_ZERO;
        if new == seen {
            return Some(result);
        }
        match word.compare_exchange_weak(seen, new, Release, Acquire) {
            Ok(_) => return Some(result),
            Err(newer) => seen = newer,
        }
    }
    None
}

fn of_epoch(word: u64, epoch: Epoch) -> Option<u64> {
    (word >> EPOCH == u64::from(epoch.0 & MAX_EPOCH)).then_some(word & MAX_ZERO)
}

/// The failures since so many successes: what is usual. Both are halved when there are many, which forgets slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usual {
    failures: u32,
    before: u64,
}

impl Usual {
    fn plus_one(self, successes: u64) -> Self {
        let mut failures = self.failures + 1;
        let mut succeeded = successes.wrapping_sub(self.before) & MAX_SUCCESSES;
        while failures > MOST_FAILURES || succeeded > MOST_SUCCESSES {
            failures /= 2;
            succeeded /= 2;
        }
        Self { failures, before: successes.wrapping_sub(succeeded) & MAX_SUCCESSES }
    }

    /// The fraction of calls that fail usually, with so many successes by now and a run of this sum that is not usual.
    fn rate(self, successes: u64, sum: f64) -> f64 {
        let failures = (f64::from(self.failures) - sum).max(0.0);
        let succeeded = (successes.wrapping_sub(self.before) & MAX_SUCCESSES) as f64;
        // As if a call before all others had failed by one fifth, and by more where chance may have hidden some.
        (failures + 1.5 * failures.sqrt() + 0.2) / (failures + succeeded + 1.0)
    }

    fn pack(self) -> u64 {
        u64::from(self.failures) << BEFORE | self.before
    }

    const fn unpack(word: u64) -> Self {
        Self { failures: (word >> BEFORE & MOST_FAILURES as u64) as u32, before: word & MAX_SUCCESSES }
    }
}

/// Rate at which it may open for nothing, at any pace and any usual error rate: once in so many years, or never.
const YEARS: f64 = 2_700_000.0;
const YEAR: Duration = Duration::from_secs(31_557_600);
/// The calls that are under way together may fail together, which is one event and no evidence. A run lasts at least
/// this long, and its sum is at least what comes in this time.
pub(super) const LEAST_TIME: Duration = Duration::from_millis(250);

const EPOCH: u32 = 47;
const MAX_ZERO: u64 = (1 << EPOCH) - 1;
/// Fractions of a success, in bits; 35 remain for the number of successes, which goes round after 3·10¹⁰.
const FRACTION: u32 = 12;
const MAX_SUCCESSES: u64 = MAX_ZERO >> FRACTION;
const MAX_GAP: u64 = MAX_ZERO / 4;
const BEFORE: u32 = 35;
const MOST_FAILURES: u32 = 1_023;
const MOST_SUCCESSES: u64 = 1 << 17;

#[cfg(all(test, not(resilient_loom)))]
mod tests;
