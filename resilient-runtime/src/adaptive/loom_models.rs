//! The end of a window under every interleaving of a few threads.

use loom::sync::Arc;
use loom::thread;

use super::window::Summary;
use super::*;

/// Runs it under all schedules with up to three preemptions.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A limit of 100 whose first window has begun, with so many drops in it.
fn dropping(drops: u32) -> Arc<Adaptive> {
    let adaptive = Adaptive::aimd(1, 200, 100);
    for _ in 0..drops {
        drop_one(&adaptive, START);
    }
    Arc::new(adaptive)
}

fn drop_one(adaptive: &Adaptive, now: Ticks) -> Option<u32> {
    adaptive.end_at(Sample::UNTIMED, 1, Ended::Dropped, || now)
}

#[test]
fn loom_racing_ends_close_a_window_once() {
    explore(|| {
        let adaptive = dropping(9);

        let other = {
            let adaptive = adaptive.clone();
            thread::spawn(move || drop_one(&adaptive, DUE))
        };
        let mine = drop_one(&adaptive, DUE);
        let theirs = other.join().unwrap();

        assert_eq!(mine.or(theirs), Some(90));
        assert!(mine.is_none() || theirs.is_none(), "closed twice");
        assert_eq!(adaptive.limit(), 90);
    });
}

#[test]
fn loom_end_that_finds_the_lock_taken_leaves_its_outcome_to_the_next() {
    explore(|| {
        let adaptive = dropping(8);

        let other = {
            let adaptive = adaptive.clone();
            thread::spawn(move || drop_one(&adaptive, DUE))
        };
        drop_one(&adaptive, DUE);
        other.join().unwrap();
        drop_one(&adaptive, DUE);

        assert_eq!(adaptive.limit(), 90);
    });
}

#[test]
fn loom_no_time_is_lost_while_a_window_closes() {
    explore(|| {
        let window = Arc::new(Window::new());

        let others: Vec<_> = [640, 1_280]
            .map(|took| {
                let window = window.clone();
                thread::spawn(move || window.add_timed(Ticks(START.0 - took), 3, START))
            })
            .into();
        let early = window.take();
        for other in others {
            other.join().unwrap();
        }
        let late = window.take();

        let sum = |summary: Summary| summary.mean.unwrap_or(0.0) * f64::from(summary.timed);
        assert_eq!(early.timed + late.timed, 2);
        assert!((sum(early) + sum(late) - 30.0).abs() < 1e-9);
        assert_eq!(early.in_flight.max(late.in_flight), 3);
    });
}

const START: Ticks = Ticks(1_000_000_000);
const DUE: Ticks = Ticks(2_000_000_000);
