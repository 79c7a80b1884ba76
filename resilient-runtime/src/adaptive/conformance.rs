//! Steps that other projects' tests have settled, replayed from a table.

use super::aimd::Aimd;
use super::algorithm::Algorithm;
use super::bounds::Bounds;
use super::gradient::Gradient;
use super::vegas::Vegas;
use super::window::Summary;

struct Case {
    seen_in: &'static str,
    name: &'static str,
    begin: Algorithm,
    bounds: Bounds,
    windows: &'static [Step],
}

/// A window, and the limit after it. In what unit the times are makes no difference.
struct Step {
    time: f64,
    in_flight: u32,
    dropped: bool,
    limit: u32,
}

const fn ok(time: f64, in_flight: u32, limit: u32) -> Step {
    Step { time, in_flight, dropped: false, limit }
}

const fn drop(in_flight: u32, limit: u32) -> Step {
    Step { time: 1.0, in_flight, dropped: true, limit }
}

const CASES: &[Case] = &[
    Case {
        seen_in: "Netflix concurrency-limits",
        name: "AIMD adds one when half is used",
        begin: Algorithm::Aimd(Aimd::new(20)),
        bounds: Bounds::new(20, 200, 20),
        windows: &[ok(1.0, 10, 21)],
    },
    Case {
        seen_in: "Netflix concurrency-limits",
        name: "AIMD takes a tenth off after a drop",
        begin: Algorithm::Aimd(Aimd::new(30)),
        bounds: Bounds::new(20, 200, 30),
        windows: &[drop(0, 27)],
    },
    Case {
        seen_in: "Netflix concurrency-limits",
        name: "AIMD stays below the most",
        begin: Algorithm::Aimd(Aimd::new(21)),
        bounds: Bounds::new(20, 21, 21),
        windows: &[ok(1.0, 10, 21)],
    },
    Case {
        seen_in: "Netflix concurrency-limits",
        name: "Vegas grows by six where nothing waits",
        begin: Algorithm::Vegas(Vegas::new(10)),
        bounds: Bounds::new(1, 20, 10),
        windows: &[ok(10.0, 11, 10), ok(10.0, 11, 16)],
    },
    Case {
        seen_in: "Netflix concurrency-limits",
        name: "Vegas shrinks by one where most wait",
        begin: Algorithm::Vegas(Vegas::new(10)),
        bounds: Bounds::new(1, 20, 10),
        windows: &[ok(10.0, 11, 10), ok(50.0, 11, 9)],
    },
    Case {
        seen_in: "Netflix concurrency-limits",
        name: "Vegas holds where three wait",
        begin: Algorithm::Vegas(Vegas::new(10)),
        bounds: Bounds::new(1, 20, 10),
        windows: &[ok(10.0, 11, 10), ok(14.0, 14, 10)],
    },
    Case {
        seen_in: "Netflix concurrency-limits, worked out from the formula",
        name: "the gradient probes for more, and halves its aim when calls take four times as long",
        begin: Algorithm::Gradient(Gradient::new(20)),
        bounds: Bounds::new(20, 200, 20),
        // 20.8 21.6 22.4 23.2 24.0 24.8 25.6 26.4 27.2 28.0, then 26.0 24.2 22.58 21.122 20 20
        windows: &[
            ok(100.0, 20, 20),
            ok(100.0, 21, 21),
            ok(100.0, 22, 22),
            ok(100.0, 23, 23),
            ok(100.0, 24, 24),
            ok(100.0, 24, 24),
            ok(100.0, 25, 25),
            ok(100.0, 26, 26),
            ok(100.0, 27, 27),
            ok(100.0, 28, 28),
            ok(400.0, 26, 26),
            ok(400.0, 24, 24),
            ok(400.0, 22, 22),
            ok(400.0, 21, 21),
            ok(400.0, 20, 20),
            ok(400.0, 20, 20),
        ],
    },
    Case {
        seen_in: "Envoy",
        name: "calls that take a fifth longer are no reason to stop growing, with half of it tolerated",
        begin: Algorithm::Gradient(Gradient::new(20)),
        bounds: Bounds::new(20, 24, 20),
        windows: &[
            ok(5.0, 1, 20),
            ok(6.0, 20, 20),
            ok(6.0, 20, 21),
            ok(6.0, 20, 22),
            ok(6.0, 20, 23),
            ok(6.0, 20, 24),
            ok(6.0, 20, 24),
        ],
    },
    Case {
        seen_in: "failsafe-go",
        name: "shrinks by one while calls take twice as long",
        begin: Algorithm::Vegas(Vegas::new(20)),
        bounds: Bounds::new(1, 200, 20),
        windows: &[ok(1.0, 10, 20), ok(2.0, 10, 19), ok(2.0, 10, 18)],
    },
    Case {
        seen_in: "failsafe-go",
        name: "holds while calls take a third longer",
        begin: Algorithm::Vegas(Vegas::new(20)),
        bounds: Bounds::new(1, 200, 20),
        windows: &[ok(1.0, 10, 20), ok(1.3, 10, 20), ok(1.3, 10, 20)],
    },
    Case {
        // theirs grows to 21 and 22: it compares with the calls in flight only to stop far above them
        seen_in: "failsafe-go, but ours",
        name: "does not grow with a quarter used, however fast calls are",
        begin: Algorithm::Vegas(Vegas::new(20)),
        bounds: Bounds::new(1, 200, 20),
        windows: &[ok(1.0, 5, 20), ok(1.0, 5, 20), ok(0.5, 5, 20)],
    },
];

// Envoy starts with the least limit until it has measured the base; ours start with `initial`, which the user gives.
// That samples from before a probe are ignored and cancelled calls leave none is in `tests.rs`.

#[test]
fn every_case_of_the_table_holds() {
    for Case { seen_in, name, begin, bounds, windows } in CASES {
        let mut estimate = *begin;
        for (index, step) in windows.iter().enumerate() {
            let window = Summary {
                timed: 10,
                mean: Some(step.time),
                shortest: Some(1),
                in_flight: step.in_flight,
                dropped: step.dropped,
            };

            estimate = estimate.step(&window, *bounds, || 0);

            assert_eq!(estimate.limit(*bounds), step.limit, "{seen_in}: {name}: window {index}");
        }
    }
}

#[test]
fn the_gradient_is_exact_between_whole_numbers() {
    let bounds = Bounds::new(20, 200, 20);
    let mut gradient = Gradient::new(20);
    let mut limits = Vec::new();

    for time in [100.0; 10].into_iter().chain([400.0; 6]) {
        let window =
            Summary { timed: 10, mean: Some(time), shortest: Some(1), in_flight: gradient.limit() + 1, dropped: false };
        gradient = gradient.step(&window, bounds);
        limits.push(gradient.exact_limit());
    }

    let expected = [20.8, 21.6, 22.4, 23.2, 24.0, 24.8, 25.6, 26.4, 27.2, 28.0, 26.0, 24.2, 22.58, 21.122, 20.0, 20.0];
    for (limit, expected) in limits.iter().zip(expected) {
        assert!((limit - expected).abs() < 1e-9, "{limits:?}");
    }
}
