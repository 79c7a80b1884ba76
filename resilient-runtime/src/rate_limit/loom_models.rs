//! The meter under every interleaving of a few threads.

use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;

use super::gcra::{Pace, Units};
use super::meter::Meter;
use super::*;
use crate::sync::atomic::Ordering::Relaxed;

/// Ten a second, so many at once.
fn meter(burst: u32) -> Arc<Meter> {
    Arc::new(Meter::new(pace(burst), Some(burst)))
}

fn pace(burst: u32) -> Pace {
    Pace::new(10, Duration::from_secs(1), Some(burst))
}

fn now() -> Units {
    Units::at(Ticks(1_000_000_000_000))
}

fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn in_parallel(count: usize, run: impl Fn(usize) + Clone + Send + 'static) {
    let others: Vec<_> = (1..count)
        .map(|index| {
            let run = run.clone();
            thread::spawn(move || run(index))
        })
        .collect();
    run(0);
    for other in others {
        other.join().unwrap();
    }
}

#[test]
fn loom_racing_callers_share_one_burst() {
    explore(|| {
        let (meter, admitted) = (meter(2), Arc::new(AtomicUsize::new(0)));

        in_parallel(3, {
            let (meter, admitted) = (meter.clone(), admitted.clone());
            move |_| {
                if meter.admit(now(), 1).is_ok() {
                    admitted.fetch_add(1, Relaxed);
                }
            }
        });

        assert_eq!(admitted.load(Relaxed), 2);
        assert!(meter.admit(now(), 1).is_err());
        assert!(meter.admit(now().after(Duration::from_millis(100)), 1).is_ok());
    });
}

#[test]
fn loom_racing_callers_with_clocks_apart_share_one_rate() {
    explore(|| {
        let (meter, admitted) = (meter(1), Arc::new(AtomicUsize::new(0)));

        in_parallel(3, {
            let (meter, admitted) = (meter.clone(), admitted.clone());
            move |index| {
                if meter.admit(now().after(Duration::from_millis(60 * index as u64)), 1).is_ok() {
                    admitted.fetch_add(1, Relaxed);
                }
            }
        });

        // 120 ms: one, and one more if the first came first
        assert!((1..=2).contains(&admitted.load(Relaxed)));
        assert!(meter.admit(now().after(Duration::from_millis(99)), 1).is_err());
    });
}

#[test]
fn loom_nobody_is_let_through_after_a_pause_began() {
    explore(|| {
        let meter = meter(3);
        let until = now().after(Duration::from_secs(1));

        let other = {
            let meter = meter.clone();
            thread::spawn(move || meter.admit(now(), 1).is_ok())
        };
        assert!(meter.pressure.pause(until, now()));
        meter.drain(until);
        let refused = meter.admit(now(), 1).unwrap_err();
        let _ = other.join().unwrap();

        assert_eq!(refused.paused, Some(until));
        assert!(meter.admit(until, 1).is_ok());
        assert!(meter.admit(until, 1).is_err(), "not a burst");
    });
}

#[test]
fn loom_a_new_rate_beside_a_call_lets_no_more_through_than_the_burst() {
    for (from, to) in [(10, 100), (100, 10)] {
        explore(move || {
            let second = Duration::from_secs(1);
            let meter = Arc::new(Meter::new(Pace::new(from, second, Some(2)), Some(2)));
            let admitted = Arc::new(AtomicUsize::new(0));

            let other = {
                let (meter, admitted) = (meter.clone(), admitted.clone());
                thread::spawn(move || {
                    for _ in 0..2 {
                        if meter.admit(now(), 1).is_ok() {
                            admitted.fetch_add(1, Relaxed);
                        }
                    }
                })
            };
            meter.change(Pace::new(to, second, Some(2)), now());
            other.join().unwrap();

            assert!(admitted.load(Relaxed) <= 2);
            assert!(meter.admit(now().after(Duration::from_secs(1)), 1).is_ok(), "and it cannot get stuck");
        });
    }
}

#[test]
fn loom_one_of_two_throttles_halves_the_rate() {
    explore(|| {
        let meter = meter(3);
        let halved = Arc::new(AtomicUsize::new(0));

        in_parallel(2, {
            let (meter, halved) = (meter.clone(), halved.clone());
            move |_| {
                if meter.pressure.slow(now()) {
                    halved.fetch_add(1, Relaxed);
                }
            }
        });

        assert_eq!(halved.load(Relaxed), 1);
        assert_eq!(meter.pressure.interval(pace(3), now(), 1), pace(3).interval.times(2));
    });
}

/// The time that is due after so many units at [`now`].
fn after(units: u64) -> u64 {
    now().0 + pace(4).interval.0 * units
}

#[test]
fn loom_what_is_given_back_beside_takers_is_taken_once_and_not_lost() {
    explore(|| {
        let (meter, taken) = (meter(4), Arc::new(AtomicUsize::new(0)));
        meter.admit(now(), 4).unwrap();

        let takers: Vec<_> = (0..2)
            .map(|_| {
                let (meter, taken) = (meter.clone(), taken.clone());
                thread::spawn(move || {
                    if meter.admit(now(), 2).is_ok() {
                        taken.fetch_add(2, Relaxed);
                    }
                })
            })
            .collect();
        meter.give_back(now(), 3);
        for taker in takers {
            taker.join().unwrap();
        }

        let taken = taken.load(Relaxed);
        assert!(taken <= 2, "three came back");
        assert!(meter.admit(now(), 4 - taken as u32).is_err(), "and no more");
        assert!(meter.admit(now(), 3 - taken as u32).is_ok(), "and no less");
    });
}

#[test]
fn loom_debts_and_what_is_given_back_add_up() {
    explore(|| {
        let meter = meter(4);
        meter.admit(now(), 4).unwrap();

        in_parallel(3, {
            let meter = meter.clone();
            move |index| match index {
                0 => meter.charge(now(), 5, now().after(Duration::from_secs(60))),
                1 => meter.give_back(now(), 2),
                _ => meter.give_back(now(), 1),
            }
        });

        assert_eq!(meter.due(), after(6));
        assert!(!meter.is_ahead_of(now()));
    });
}
