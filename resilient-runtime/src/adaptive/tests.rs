//! The promises of a limit, on a clock that the tests turn.

use std::cell::Cell;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::bounds::Bounds;
use super::vegas::Vegas;
use super::window::{Summary, Window};
use super::*;
use crate::clock::nanos;

/// An adaptive limit and its clock.
struct Bench {
    adaptive: Adaptive,
    now: Cell<u64>,
}

impl Bench {
    fn new(adaptive: Adaptive) -> Self {
        random::seed(1);
        Self { adaptive, now: Cell::new(nanos(Duration::from_secs(86_400))) }
    }

    fn now(&self) -> Ticks {
        Ticks(self.now.get())
    }

    fn pass(&self, time: Duration) {
        self.now.set(self.now.get().saturating_add(nanos(time)));
    }

    fn begin(&self) -> Sample {
        self.adaptive.begin_at(|| self.now())
    }

    fn end(&self, sample: Sample, in_flight: u32, ended: Ended) -> Option<u32> {
        self.adaptive.end_at(sample, in_flight, ended, || self.now())
    }

    fn call(&self, took: Duration, in_flight: u32, ended: Ended) -> Option<u32> {
        let sample = self.begin();
        self.pass(took);
        self.end(sample, in_flight, ended)
    }

    /// Calls until Vegas goes down to half of its limit, and returns the limit before that.
    fn until_probe(&self, took: Duration, in_flight: u32) -> u32 {
        for _ in 0..10_000 {
            let before = self.limit();
            self.call(took, in_flight, Ended::Success);
            if self.adaptive.estimate.lock().unwrap().probe().is_some() {
                return before;
            }
        }
        panic!("there was no probe");
    }

    /// One call after the other, evenly over a little more than a second; returns the last change.
    fn window(&self, calls: u32, took: Duration, in_flight: u32, ended: Ended) -> Option<u32> {
        let mut change = None;
        for _ in 0..calls {
            change = self.call(took, in_flight, ended).or(change);
            self.pass((ms(1_010) / calls).saturating_sub(took));
        }
        // whatever lies on the edge between two windows
        self.call(took, in_flight, ended).or(change)
    }

    fn limit(&self) -> u32 {
        self.adaptive.limit()
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn begins_with_the_initial_limit_and_fits_a_static() {
    static LIMIT: Adaptive = Adaptive::vegas(1, 200, 20);

    assert_eq!(LIMIT.limit(), 20);
    assert_eq!(size_of::<Sample>(), 8);
    assert!(size_of::<Adaptive>() <= 128, "{}", size_of::<Adaptive>());
}

#[test]
fn changes_nothing_before_a_second_has_passed() {
    let bench = Bench::new(Adaptive::aimd(1, 200, 20));

    for _ in 0..99 {
        let sample = bench.begin();
        bench.pass(ms(10));
        assert_eq!(bench.end(sample, 20, Ended::Success), None);
    }
    bench.pass(ms(10));

    assert_eq!(bench.end(bench.begin(), 20, Ended::Success), None);
    bench.pass(ms(10));
    assert_eq!(bench.end(bench.begin(), 20, Ended::Success), Some(21));
    assert_eq!(bench.limit(), 21);
}

#[test]
fn changes_nothing_before_ten_calls_have_ended() {
    let bench = Bench::new(Adaptive::aimd(1, 200, 20));

    for _ in 0..9 {
        bench.pass(ms(60_000));
        assert_eq!(bench.end(bench.begin(), 20, Ended::Success), None);
    }

    assert_eq!(bench.end(bench.begin(), 20, Ended::Success), Some(21));
}

#[test]
fn the_next_window_lasts_twice_as_long_as_the_fastest_call() {
    let bench = Bench::new(Adaptive::aimd(1, 200, 20));
    let slow_calls = || {
        let samples = [(); 20].map(|()| bench.begin());
        bench.pass(ms(5_000));
        samples.map(|sample| bench.end(sample, 20, Ended::Success)).into_iter().flatten().next()
    };

    assert_eq!(slow_calls(), None);
    assert_eq!(slow_calls(), Some(21));
    assert_eq!(slow_calls(), None);
    assert_eq!(slow_calls(), Some(22));
}

#[test]
fn calls_that_say_nothing_change_nothing() {
    for adaptive in [Adaptive::aimd(1, 200, 20), Adaptive::vegas(1, 200, 20), Adaptive::gradient(1, 200, 20)] {
        let bench = Bench::new(adaptive);

        for _ in 0..100 {
            assert_eq!(bench.window(50, ms(900), 20, Ended::Ignored), None);
        }

        assert_eq!(bench.limit(), 20);
    }
}

#[test]
fn every_drop_counts_though_few_calls_are_timed() {
    let bench = Bench::new(Adaptive::aimd(1, 200, 100));
    for _ in 0..5 {
        bench.window(100_000, Duration::ZERO, 1, Ended::Success);
    }
    assert_eq!(bench.limit(), 100);

    let untimed = std::iter::repeat_with(|| bench.begin()).find(|sample| *sample == Sample::UNTIMED).unwrap();
    bench.end(untimed, 1, Ended::Dropped);
    bench.window(100_000, Duration::ZERO, 1, Ended::Success);

    assert_eq!(bench.limit(), 90);
}

#[test]
fn calls_that_are_all_dropped_bring_it_down_to_the_least() {
    for adaptive in [Adaptive::aimd(3, 200, 20), Adaptive::vegas(3, 200, 20), Adaptive::gradient(3, 200, 20)] {
        let bench = Bench::new(adaptive);

        for _ in 0..60 {
            bench.window(20, ms(1), 1, Ended::Dropped);
        }

        assert_eq!(bench.limit(), 3);
    }
}

#[test]
fn gradient_comes_up_step_by_step_after_calls_that_were_all_dropped() {
    let bench = Bench::new(Adaptive::gradient(3, 200, 20));
    bench.window(20, ms(50), 20, Ended::Success);
    for _ in 0..60 {
        bench.window(20, ms(1), 1, Ended::Dropped);
    }
    assert_eq!(bench.limit(), 3);

    for _ in 0..10 {
        bench.window(20, ms(50), 200, Ended::Success);
    }

    assert!((5..=15).contains(&bench.limit()), "{}", bench.limit());
}

#[test]
fn begins_again_without_what_it_has_learnt_or_counted() {
    for make in [Adaptive::aimd, Adaptive::vegas, Adaptive::gradient] {
        let bench = Bench::new(make(3, 200, 20));
        for _ in 0..10 {
            bench.window(20, ms(10), 20, Ended::Dropped);
            bench.call(ms(10), 20, Ended::Success);
        }
        assert_ne!(bench.limit(), 20);

        bench.adaptive.restart(make(3, 200, 20));

        let new = make(3, 200, 20);
        assert_eq!(bench.limit(), 20);
        assert_eq!(*bench.adaptive.estimate.lock().unwrap(), *new.estimate.lock().unwrap());
        assert_eq!(bench.adaptive.window.take(), new.window.take());
    }
}

#[test]
fn times_enough_calls_and_not_many_more() {
    let bench = Bench::new(Adaptive::aimd(1, 200, 20));
    let timed_of = |calls: u32| {
        let mut timed = 0;
        for _ in 0..calls {
            let sample = bench.begin();
            timed += u32::from(sample != Sample::UNTIMED);
            bench.pass(ms(1_000) / calls);
            bench.end(sample, 5, Ended::Success);
        }
        timed
    };

    for calls in [20, 100, 1_000, 10_000, 30_000] {
        for _ in 0..4 {
            timed_of(calls);
        }
        let timed: u32 = (0..10).map(|_| timed_of(calls)).sum();
        let least = calls.min(32);
        assert!((least * 10..=1_800).contains(&timed), "{timed} in ten windows of {calls} calls");
    }
}

#[test]
fn times_every_call_again_soon_after_the_traffic_has_fallen() {
    let bench = Bench::new(Adaptive::aimd(1, 200, 20));
    for _ in 0..4 {
        bench.window(200_000, Duration::ZERO, 20, Ended::Success);
    }
    let before = bench.limit();
    assert!(bench.adaptive.stride.mask() == 255);

    let calls = (0..2_000).position(|_| {
        bench.pass(ms(10));
        bench.end(bench.begin(), before, Ended::Success);
        bench.adaptive.stride.mask() == 0
    });

    assert!(calls.is_some_and(|calls| calls < 1_000), "{calls:?}");
}

#[test]
fn vegas_measures_the_base_again_with_half_of_the_limit() {
    let bench = Bench::new(Adaptive::vegas(1, 200, 30));
    bench.window(100, ms(2), 30, Ended::Success);
    let lucky = bench.limit();
    let before = bench.until_probe(ms(10), 30);
    assert!(before < lucky, "shrinks while the lucky base rules: {before}");
    assert_eq!(bench.limit(), before / 2);

    // calls that began before the probe, and still waited in the queue
    let old = Sample::at(Ticks(bench.now().0 - 1));
    bench.pass(ms(100));
    for _ in 0..20 {
        assert_eq!(bench.end(old, 30, Ended::Success), None);
    }
    let change = (0..10).find_map(|_| bench.call(ms(10), 30, Ended::Success));

    assert_eq!(change, Some(before));
    assert_eq!(bench.window(100, ms(10), 30, Ended::Success), Some(before + 6), "nothing waits, by the new base");
}

#[test]
fn a_probe_goes_no_lower_than_the_least() {
    let bench = Bench::new(Adaptive::vegas(15, 200, 20));

    let lowest = (0..100).map(|_| {
        bench.window(100, ms(10), 20, Ended::Success);
        bench.limit()
    });

    assert!(lowest.min() >= Some(15));
}

#[test]
fn a_drop_during_a_probe_ends_it() {
    let bench = Bench::new(Adaptive::vegas(1, 200, 30));
    let before = bench.until_probe(ms(10), 200);

    bench.pass(ms(100));
    let change = (0..10).find_map(|_| bench.call(ms(1), 200, Ended::Dropped));

    let unit = before.ilog10().max(1);
    assert_eq!(change, Some(before - unit));
}

#[test]
fn vegas_does_not_probe_where_little_is_in_flight() {
    let bench = Bench::new(Adaptive::vegas(1, 200, 30));

    for _ in 0..10_000 {
        assert_eq!(bench.call(ms(10), 5, Ended::Success), None);
    }
}

#[test]
fn gradient_follows_when_calls_become_faster_for_good() {
    let bench = Bench::new(Adaptive::gradient(1, 200, 20));
    for _ in 0..20 {
        bench.window(20, ms(50), 20, Ended::Success);
    }

    for _ in 0..60 {
        bench.window(20, ms(5), 200, Ended::Success);
    }
    let fast = bench.limit();
    for _ in 0..20 {
        bench.window(20, ms(50), 200, Ended::Success);
    }

    assert!(bench.limit() < fast / 2, "what is slow now was ordinary before: {} after {fast}", bench.limit());
}

#[test]
fn nothing_happens_while_the_clock_stands_still() {
    let bench = Bench::new(Adaptive::vegas(1, 200, 20));

    for _ in 0..100_000 {
        bench.end(bench.begin(), 20, Ended::Dropped);
    }

    assert_eq!(bench.limit(), 20);
}

#[test]
fn overfull_window_keeps_its_mean() {
    let window = Window::new();

    for _ in 0..40_000 {
        window.add_timed(Ticks(0), 1, Ticks(u64::MAX));
    }

    let summary = window.take();
    assert_eq!(summary.timed, (1 << 14) - 1);
    assert_eq!(summary.mean, Some(((1_u64 << 34) - 1) as f64));
}

#[test]
#[should_panic(expected = "`min_limit` must be at least 1")]
fn refuses_a_least_of_zero() {
    let _ = Adaptive::aimd(0, 10, 5);
}

#[test]
#[should_panic(expected = "`max_limit` must not be less than `min_limit`")]
fn refuses_bounds_the_wrong_way_round() {
    let _ = Adaptive::vegas(11, 10, 10);
}

#[test]
#[should_panic(expected = "`initial_limit` must lie between `min_limit` and `max_limit`")]
fn refuses_to_begin_outside_of_the_bounds() {
    let _ = Adaptive::gradient(1, 10, 11);
}

#[test]
#[should_panic(expected = "`max_limit` must be at most 1000000")]
fn refuses_a_limit_that_limits_nothing() {
    let _ = Adaptive::aimd(1, u32::MAX, 20);
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Begin,
    /// Ends the call that began so many before the last one.
    End(usize, u32, Ended),
    Wait(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let in_flight = prop_oneof![0..50_u32, any::<u32>()];
    let ended = prop_oneof![4 => Just(Ended::Success), 1 => Just(Ended::Dropped), 1 => Just(Ended::Ignored)];
    let wait = prop_oneof![8 => 0..200_000_000_u64, 4 => 0..20_000_000_000_u64, 1 => any::<u64>()];
    let action = prop_oneof![
        3 => Just(Action::Begin),
        3 => (0..20_usize, in_flight, ended).prop_map(|(back, in_flight, ended)| Action::End(back, in_flight, ended)),
        2 => wait.prop_map(Action::Wait),
    ];
    vec(action, 0..400)
}

fn algorithm() -> impl Strategy<Value = (u32, u32, u32, u8)> {
    (1..40_u32, 0..200_u32, 0.0..=1.0_f64, 0..3_u8).prop_map(|(min, more, share, kind)| {
        let initial = min + (f64::from(more) * share) as u32;
        (min, min + more, initial, kind)
    })
}

fn adaptive((min, max, initial, kind): (u32, u32, u32, u8)) -> Adaptive {
    match kind {
        0 => Adaptive::aimd(min, max, initial),
        1 => Adaptive::vegas(min, max, initial),
        _ => Adaptive::gradient(min, max, initial),
    }
}

fn windows() -> impl Strategy<Value = Vec<Summary>> {
    let times = prop_oneof![1.0..100.0_f64, 1.0..1.0e10_f64];
    let window = (proptest::option::weighted(0.9, times), 0..100_u32, proptest::bool::weighted(0.2));
    let window = window.prop_map(|(mean, in_flight, dropped)| Summary {
        timed: if mean.is_some() { 10 } else { 0 },
        mean,
        shortest: mean.map(|mean| mean as u64),
        in_flight,
        dropped: dropped || mean.is_none(),
    });
    vec(window, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_limit_stays_within_its_bounds(rules in algorithm(), actions in actions()) {
        let (min, max, ..) = rules;
        let bench = Bench::new(adaptive(rules));
        let mut begun = Vec::new();
        for action in actions {
            match action {
                Action::Begin => begun.push(bench.begin()),
                Action::End(back, in_flight, ended) => {
                    let sample = begun.iter().rev().nth(back).copied().unwrap_or(Sample::UNTIMED);
                    let before = bench.limit();
                    let change = bench.end(sample, in_flight, ended);
                    prop_assert_eq!(change.unwrap_or(before), bench.limit());
                    prop_assert!(change != Some(before), "says that it changed and did not");
                }
                Action::Wait(wait) => bench.pass(Duration::from_nanos(wait)),
            }
            prop_assert!((min..=max).contains(&bench.limit()));
        }
    }

    #[test]
    fn neither_a_drop_nor_an_idle_window_raises_the_limit(rules in algorithm(), windows in windows()) {
        let adaptive = adaptive(rules);
        let mut estimate = *adaptive.estimate.lock().unwrap();
        // what a probe halves for a moment is not the limit that it comes back to
        let mut steady = adaptive.limit();
        for window in windows {
            estimate = estimate.step(&window, adaptive.bounds, random::next);
            let limit = estimate.limit(adaptive.bounds);
            if window.dropped || 2 * window.in_flight < steady {
                prop_assert!(limit <= steady, "{limit} after {steady}: {window:?}");
            }
            if estimate.probe().is_none() {
                steady = limit;
            }
        }
    }

    #[test]
    fn slower_calls_never_leave_a_greater_limit(
        rules in algorithm(), windows in windows(), time in 1.0..1.0e6_f64, slower in 1.0..10.0_f64,
    ) {
        let adaptive = adaptive(rules);
        let mut estimate = *adaptive.estimate.lock().unwrap();
        for window in windows {
            estimate = estimate.step(&window, adaptive.bounds, || 7);
        }

        let next = |time| {
            let window = Summary { timed: 10, mean: Some(time), shortest: Some(1), in_flight: 100, dropped: false };
            estimate.step(&window, adaptive.bounds, || 7).limit(adaptive.bounds)
        };

        prop_assert!(next(time * slower) <= next(time));
    }
}

#[test]
fn a_clock_that_goes_back_holds_no_window_open() {
    let hour = Duration::from_secs(3_600);
    let bench = Bench::new(Adaptive::aimd(1, 100, 20));
    bench.pass(hour);
    bench.window(20, ms(10), 20, Ended::Success);
    let before = bench.limit();
    bench.now.set(bench.now.get() - nanos(hour));

    bench.window(20, ms(10), 20, Ended::Dropped);
    bench.window(20, ms(10), 20, Ended::Dropped);

    assert!(bench.limit() < before, "{} of {before}", bench.limit());
}

#[test]
fn a_clock_that_goes_back_in_a_probe_times_calls_again() {
    let hour = Duration::from_secs(3_600);
    let bench = Bench::new(Adaptive::vegas(1, 200, 30));
    bench.pass(hour);
    bench.until_probe(ms(10), 200);
    bench.now.set(bench.now.get() - nanos(hour));

    for _ in 0..10 {
        bench.window(200, ms(10), 20, Ended::Success);
    }

    assert!(bench.adaptive.estimate.lock().unwrap().probe().is_none());
}

#[test]
fn a_sample_at_the_very_end_of_the_clock_is_timed() {
    assert_eq!(Sample::at(Ticks(u64::MAX)).0, u64::MAX - 1);
    assert_ne!(Sample::at(Ticks(u64::MAX)).0, Sample::UNTIMED.0);
}

#[test]
fn vegas_takes_steps_of_the_whole_logarithm_of_the_limit() {
    let bounds = Bounds::new(1, 10_000, 1_000);
    let window = |mean| Summary { timed: 100, mean: Some(mean), shortest: None, in_flight: 1_000, dropped: false };
    let base = Vegas::new(1_000).step(&window(100.0), bounds, || 0);
    let after = |mean| base.step(&window(mean), bounds, || 0).limit(bounds);

    // of a thousand calls, 2, 5, 10 and 20 wait
    assert_eq!([100.2, 100.5, 101.0, 102.0].map(after), [1_018, 1_003, 1_000, 997]);
}

#[test]
fn a_window_lasts_as_long_as_two_of_the_shortest_calls_and_ends_where_the_clock_goes_back() {
    let second = |seconds: u64| Ticks(nanos(Duration::from_secs(seconds)));
    let window = Window::new();
    for took in [5, 9] {
        window.add_timed(second(0), 1, second(took));
    }
    let shortest = window.take().shortest;
    assert_eq!(shortest, Some(second(5).0 / 64));

    window.open(second(100), shortest, None);
    assert!(!window.is_due(Ticks(second(110).0 - 1)));
    assert!(window.is_due(second(110)));

    assert!(!window.is_due(second(50)), "a minute before it ends");
    assert!(window.is_due(Ticks(second(50).0 - 1)));
}
