//! The assertions: for delays that have jitter, and for names that stand for one policy.

use std::fmt::Write;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::{conflicts, snapshot::Conflict};

/// Asserts that there were exactly so many delays, each within its range of milliseconds, both ends included.
///
/// ```
/// use std::time::Duration;
/// use resilient::test::assert_delays;
///
/// let delays = [Duration::from_millis(150), Duration::from_millis(201)];
///
/// assert_delays(&delays, [100..=200, 200..=300]);
/// ```
///
/// # Panics
///
/// If there are more or fewer, or one is out of its range. The message lists all of them.
#[track_caller]
pub fn assert_delays(delays: &[Duration], millis: impl IntoIterator<Item = RangeInclusive<u64>>) {
    let ranges: Vec<_> = millis.into_iter().collect();
    let fits = delays.len() == ranges.len() && delays.iter().zip(&ranges).all(|(delay, range)| is_in(range, *delay));
    assert!(fits, "{}", report(delays, &ranges));
}

/// Asserts that no two policies that were used so far have one name and different [settings](crate::conflicts).
///
/// The policies are those of the whole program, in whatever test they were used: call it last, in a test that uses all of
/// them.
///
/// ```
/// use resilient::test::assert_no_conflicts;
/// use resilient::CircuitBreaker;
///
/// static READS: CircuitBreaker = CircuitBreaker::named("disk").consecutive(3);
/// static WRITES: CircuitBreaker = CircuitBreaker::named("disk").consecutive(3);
///
/// READS.shared().reset();
/// WRITES.shared().reset();
///
/// assert_no_conflicts();
/// ```
///
/// # Panics
///
/// If there are conflicts. The message lists all of them, with both places of each.
#[track_caller]
pub fn assert_no_conflicts() {
    let conflicts = conflicts();
    assert!(conflicts.is_empty(), "{}", list(&conflicts));
}

fn list(conflicts: &[Conflict]) -> String {
    let mut list = format!("{} conflicts between policies of one name:", conflicts.len());
    for conflict in conflicts {
        let _ = write!(list, "\n  {conflict}");
    }
    list
}

fn is_in(millis: &RangeInclusive<u64>, delay: Duration) -> bool {
    (Duration::from_millis(*millis.start())..=Duration::from_millis(*millis.end())).contains(&delay)
}

fn report(delays: &[Duration], ranges: &[RangeInclusive<u64>]) -> String {
    let mut report = format!("{} delays, and {} were expected:", delays.len(), ranges.len());
    for n in 0..delays.len().max(ranges.len()) {
        let line = match (delays.get(n), ranges.get(n)) {
            (Some(delay), Some(range)) if is_in(range, *delay) => format!("{delay:?} is within {range:?} ms"),
            (Some(delay), Some(range)) => format!("{delay:?} is not within {range:?} ms"),
            (Some(delay), None) => format!("{delay:?} is one too many"),
            (None, Some(range)) => format!("none, and one within {range:?} ms was expected"),
            (None, None) => continue,
        };
        let _ = write!(report, "\n  {n}: {line}");
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms<const N: usize>(millis: [u64; N]) -> [Duration; N] {
        millis.map(Duration::from_millis)
    }

    #[test]
    fn both_ends_are_within() {
        assert_delays(&ms([100, 300]), [100..=200, 200..=300]);
        assert_delays(&[], []);
    }

    #[test]
    #[should_panic(expected = "1: 301ms is not within 200..=300 ms")]
    fn one_out_of_its_range_fails() {
        assert_delays(&ms([100, 301]), [100..=200, 200..=300]);
    }

    #[test]
    #[should_panic(expected = "0: 200.000001ms is not within 100..=200 ms")]
    fn a_nanosecond_over_is_over() {
        assert_delays(&[Duration::from_nanos(200_000_001)], [100..=200]);
    }

    #[cfg(not(resilient_loom))]
    #[test]
    #[should_panic(expected = "the circuit breaker `assert: two` has other settings at ")]
    fn a_conflict_fails() {
        use crate::CircuitBreaker;

        static ONE: CircuitBreaker = CircuitBreaker::named("assert: two").probes(1);
        static TWO: CircuitBreaker = CircuitBreaker::named("assert: two").probes(2);
        ONE.shared();
        TWO.shared();

        assert_no_conflicts();
    }

    #[test]
    fn the_message_lists_them_all() {
        assert_eq!(
            report(&ms([150, 450]), &[100..=200, 200..=300, 400..=500]),
            "2 delays, and 3 were expected:\
             \n  0: 150ms is within 100..=200 ms\
             \n  1: 450ms is not within 200..=300 ms\
             \n  2: none, and one within 400..=500 ms was expected"
        );
        assert_eq!(report(&ms([150]), &[]), "1 delays, and 0 were expected:\n  0: 150ms is one too many");
    }
}
