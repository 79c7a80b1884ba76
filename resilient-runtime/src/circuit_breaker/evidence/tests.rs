use std::collections::VecDeque;

use super::*;
use crate::random;

const FIRST: Epoch = Epoch(0);

fn at(millis: u64) -> Moment {
    Moment(millis * 1_000_000)
}

/// Opens on nothing.
const NEVER: Rule = Rule { rate: 0.5, window: Duration::from_secs(10), sample: u32::MAX, fewest: 5 };
const DEFAULTS: Rule = Rule { sample: 20, ..NEVER };
const EMPTY: Tally = Tally { calls: 0, failures: 0, slow: 0 };

/// Adds a failure, and says what the words then hold.
fn fail(evidence: &Evidence, rate: f64, successes: u64, millis: u64) -> Run {
    assert!(!evidence.fail(&Rule { rate, ..NEVER }, FIRST, successes, EMPTY, at(millis), || true));
    run(evidence, rate, FIRST, successes, millis)
}

fn run(evidence: &Evidence, rate: f64, epoch: Epoch, successes: u64, millis: u64) -> Run {
    let word = |word: &AtomicU64| of_epoch(word.load(Acquire), epoch).expect("of this epoch");
    let sum = evidence.sum(rate, epoch, successes);
    let usual = Usual::unpack(word(&evidence.usual)).rate(successes & MAX_SUCCESSES, sum);
    Run { sum, lasted: Duration::from_millis(millis - word(&evidence.since)), usual }
}

/// The sums after failures that came after so many successes each, in hundredths.
fn sums<const N: usize>(rate: f64, successes: [u64; N]) -> [u32; N] {
    let evidence = Evidence::new();
    successes.map(|successes| (fail(&evidence, rate, successes, 0).sum * 100.0).round() as u32)
}

fn is_near(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 0.01
}

#[test]
fn failures_add_and_successes_take_away() {
    assert_eq!(sums(0.5, [10, 10, 11, 11, 100]), [100, 200, 200, 300, 100]);
    assert_eq!(sums(0.2, [10, 10, 14, 15, 100]), [100, 200, 200, 275, 100]);
    let [.., tenth, eleventh, twelfth] = sums(0.9, [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 12]);
    assert_eq!([tenth, eleventh, twelfth], [1_000, 200, 100]);
}

#[test]
fn one_success_ends_the_run_where_all_must_fail() {
    assert_eq!(sums(1.0, [10, 10, 10, 11]), [100, 200, 300, 100]);
}

#[test]
fn numbers_of_successes_go_round() {
    let end = MAX_SUCCESSES + 1;
    let (third, two_thirds) = (end / 3, end / 3 * 2);

    let sums = sums(0.5, [third, two_thirds, end - 2, end - 2, end - 1, end, end + 1, end + 50]);

    assert_eq!(sums, [100, 100, 100, 200, 200, 200, 200, 100]);
}

#[test]
fn sum_stops_where_it_would_go_round() {
    let evidence = Evidence::new();
    for _ in 0..10 {
        fail(&evidence, 1e-12, 0, 0);
    }

    assert!(is_near(fail(&evidence, 1e-12, 0, 0).sum, 1.0));
}

#[test]
fn lasts_since_the_sum_left_zero() {
    let evidence = Evidence::new();
    let lasted = |successes, millis| fail(&evidence, 0.5, successes, millis).lasted.as_millis();

    assert_eq!([lasted(0, 1_000), lasted(0, 1_300), lasted(1, 1_400)], [0, 300, 400]);
    assert_eq!([lasted(100, 9_000), lasted(100, 9_001)], [0, 1]);
}

#[test]
fn later_epoch_begins_anew_and_a_passed_one_adds_nothing() {
    let evidence = Evidence::new();
    (0..9).for_each(|_| _ = fail(&evidence, 0.5, 7, 0));

    assert!(!evidence.fail(&NEVER, Epoch(3), 2, EMPTY, at(500), || true));
    let first = run(&evidence, 0.5, Epoch(3), 2, 500);
    assert_eq!((first.sum, first.lasted), (1.0, Duration::ZERO));

    assert!(!evidence.fail(&NEVER, FIRST, 7, EMPTY, at(500), || false));
    assert_eq!(run(&evidence, 0.5, Epoch(3), 2, 500), first);
}

#[test]
fn learns_what_is_usual_and_forgets_it_slowly() {
    let evidence = Evidence::new();
    let mut successes = 0;
    let mut usual = |each: u64, failures: u32| {
        let runs = (0..failures).map(|_| {
            successes += each;
            fail(&evidence, 0.5, successes, 0)
        });
        runs.last().expect("some").usual
    };

    let first = usual(99, 100);
    assert!((0.010..0.013).contains(&first), "{first}");
    let better = usual(9_999, 100);
    assert!((0.0001..0.0003).contains(&better), "{better}");
    let worse = usual(4, 8_000);
    assert!((0.19..0.22).contains(&worse), "{worse}");
}

#[test]
fn run_is_not_taken_for_usual() {
    let evidence = Evidence::new();

    let runs: Vec<_> = (0..200).map(|_| fail(&evidence, 0.5, 10_000, 0)).collect();

    assert!(runs.iter().all(|run| run.usual < 0.0001), "{runs:?}");
}

/// The sum must be where the root of the equation says.
#[test]
fn weighs_by_the_root_of_the_equation() {
    for rate in [0.05, 0.2, 0.5, 0.8, 1.0] {
        for usual in [0.0001, 0.001, 0.01, 0.1, 0.3, 0.49].map(|part| part * 2.0 * rate) {
            for calls in [100, 1_000] {
                let rule = Rule { rate, fewest: 1, ..DEFAULTS };
                let window = Tally { calls, failures: 0, slow: 0 };
                let left = |theta: f64| usual * theta.exp() + (1.0 - usual) * (-theta * odds(rate)).exp();
                let (mut low, mut high) = (1e-9, 100.0);
                for _ in 0..200 {
                    let middle = f64::midpoint(low, high);
                    if left(middle) <= 1.0 { low = middle } else { high = middle }
                }
                let needed = ((f64::from(calls) / 10.0).ln() + (YEARS * YEAR.as_secs_f64()).ln()) / low;
                let is_evident = |sum: f64| Run { sum, lasted: LEAST_TIME, usual }.is_evident(&rule, window);

                let needed = needed.max(f64::from(calls) / 40.0);
                assert!(is_evident(needed * 1.001), "{rate} {usual} {calls}: {needed}");
                assert!(!is_evident(needed * 0.999), "{rate} {usual} {calls}: {needed}");
            }
        }
    }
}

#[test]
fn nothing_is_evident_where_the_usual_errors_are_as_many_as_may_be() {
    let run = |usual| Run { sum: 1_000_000.0, lasted: Duration::from_secs(60), usual };

    for usual in [0.5, 0.6, 1.0] {
        assert!(!run(usual).is_evident(&DEFAULTS, Tally { calls: 100, failures: 100, slow: 0 }));
    }
    assert!(run(0.01).is_evident(&DEFAULTS, Tally { calls: 100, failures: 100, slow: 0 }));
}

#[test]
fn run_must_last_and_be_long() {
    let is_evident = |sum, millis, calls| {
        let run = Run { sum, lasted: Duration::from_millis(millis), usual: 0.00001 };
        run.is_evident(&DEFAULTS, Tally { calls, failures: sum as u32, slow: 0 })
    };

    assert!(is_evident(5.0, 250, 100));
    assert!(!is_evident(5.0, 249, 100));
    assert!(!is_evident(4.0, 250, 100));
    assert!(!is_evident(5.0, 250, 19));
    assert!(is_evident(5.0, 250, 20));
    assert!(!is_evident(249.0, 250, 10_000));
    assert!(is_evident(250.0, 250, 10_000));
}

/// At a sum of a hundred among two hundred calls, two in five of the others may fail.
#[test]
fn other_failures_of_the_window_are_usual_too() {
    let is_evident = |others: u32| {
        let run = Run { sum: 100.0, lasted: LEAST_TIME, usual: 0.0001 };
        run.is_evident(&DEFAULTS, Tally { calls: 200, failures: 100 + others, slow: 0 })
    };

    assert!(is_evident(40));
    assert!(!is_evident(45));
}

#[test]
fn usual_is_what_failed_with_a_margin_for_what_chance_has_hidden() {
    let usual = Usual { failures: 4, before: 0 };

    assert!((usual.rate(95, 0.0) - (4.0 + 3.0 + 0.2) / 100.0).abs() < 1e-12);
    assert!((usual.rate(95, 4.0) - 0.2 / 96.0).abs() < 1e-12);
}

#[test]
fn both_counts_are_halved_where_one_is_full() {
    let after = |failures, successes| {
        let Usual { failures, before } = Usual { failures, before: 0 }.plus_one(successes);
        (failures, successes - before)
    };

    assert_eq!(after(MOST_FAILURES - 1, 10), (1_023, 10));
    assert_eq!(after(MOST_FAILURES, 10), (512, 5));
    assert_eq!(after(9, MOST_SUCCESSES), (10, 131_072));
    assert_eq!(after(9, MOST_SUCCESSES + 1), (5, 65_536));
    assert_eq!(after(9, 4 * MOST_SUCCESSES), (2, 131_072));
}

/// Steady errors below the rate: what has happened in ten seconds is in the window, and the sum goes on.
#[test]
fn steady_errors_below_the_rate_are_never_evident() {
    random::seed(11);
    for (rate, failing) in [(0.5, 0.001), (0.5, 0.05), (0.5, 0.2), (0.5, 0.4), (0.5, 0.45), (0.2, 0.15), (1.0, 0.9)] {
        let rule = Rule { rate, ..DEFAULTS };
        let evidence = Evidence::new();
        let mut window: VecDeque<bool> = VecDeque::new();
        let (mut successes, mut highest) = (0, 0.0_f64);
        for call in 0..300_000_u64 {
            let failed = (random::next() >> 11) as f64 / (1_u64 << 53) as f64 <= failing;
            window.push_back(failed);
            if window.len() > 1_000 {
                window.pop_front();
            }
            if !failed {
                successes += 1;
                continue;
            }
            let failures = window.iter().filter(|failed| **failed).count() as u32;
            let tally = Tally { calls: window.len() as u32, failures, slow: 0 };
            let opens = evidence.fail(&rule, FIRST, successes, tally, at(call * 10), || true);
            let run = run(&evidence, rate, FIRST, successes, call * 10);
            assert!(!opens, "{rate} {failing}: {run:?} {tally:?}");
            highest = highest.max(run.sum);
        }
        assert!(highest >= 1.0, "{rate} {failing}: {highest}");
    }
}

/// A thousand at once are counted as far as they are enough. Those beyond count as usual errors, which makes enough more.
#[test]
fn failures_at_one_moment_weigh_no_more_than_what_is_enough() {
    let evidence = Evidence::new();
    let mut window = Tally { calls: 1_000, failures: 0, slow: 0 };
    for _ in 0..1_000 {
        window = Tally { calls: window.calls + 1, failures: window.failures + 1, slow: 0 };
        assert!(!evidence.fail(&DEFAULTS, FIRST, 100_000, window, at(0), || true));
    }

    let sum = run(&evidence, 0.5, FIRST, 100_000, 0).sum;
    assert!((20.0..250.0).contains(&sum), "{sum}");
    assert!(!evidence.fail(&DEFAULTS, FIRST, 100_250, window, at(200), || true));
    assert!(is_near(run(&evidence, 0.5, FIRST, 100_250, 200).sum, 1.0));
}
