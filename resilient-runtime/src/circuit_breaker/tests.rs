//! The breaker on a paused clock, and by many threads at once.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::time::{Instant, advance};

use super::tally::Tally;
use super::*;
use crate::{Class, PolicyKind, Reason, Settled, random};

const SECOND: Duration = Duration::from_secs(1);

/// Opens after one failure for exactly a second.
fn touchy() -> CircuitBreaker {
    CircuitBreaker::named("touchy").consecutive(1).open_jitter(0.0)
}

fn vote(breaker: &CircuitBreaker, class: Class) {
    breaker.acquire().expect("admitted").settle_as(class, ());
}

fn fail(breaker: &CircuitBreaker) {
    vote(breaker, Class::Transient);
}

fn succeed(breaker: &CircuitBreaker) {
    vote(breaker, Class::Success);
}

fn retry_after(breaker: &CircuitBreaker) -> Duration {
    breaker.acquire().expect_err("refused").retry_after().expect("known")
}

#[test]
fn is_a_value_for_a_static() {
    static BREAKER: CircuitBreaker =
        CircuitBreaker::named("payments").failure_rate(0.5).window(Duration::from_secs(10));

    assert_eq!(BREAKER.name(), "payments");
    assert_eq!(BREAKER.state(), CircuitBreakerState::Closed);
}

#[test]
fn guards_do_not_weigh_much() {
    assert_eq!(size_of::<CircuitBreakerPermit<'_>>(), 16);
}

#[test]
fn permits_travel_between_threads() {
    fn travels<T: Send + Sync>() {}

    travels::<CircuitBreakerPermit<'_>>();
    travels::<CircuitBreaker>();
}

#[test]
fn contradictions_do_not_build() {
    let refused = |build: fn() -> CircuitBreaker| {
        let panic = catch_unwind(build).expect_err("built");
        panic.downcast_ref::<String>().cloned().expect("a message")
    };

    let messages = [
        refused(|| unnamed().failure_rate(0.0)),
        refused(|| unnamed().failure_rate(1.01)),
        refused(|| unnamed().failure_rate(f64::NAN)),
        refused(|| unnamed().window(Duration::ZERO)),
        refused(|| unnamed().count_window(0)),
        refused(|| unnamed().count_window(1_025)),
        refused(|| unnamed().min_calls(0)),
        refused(|| unnamed().consecutive(0)),
        refused(|| unnamed().open_for(Duration::ZERO)),
        refused(|| unnamed().open_growth(0.99)),
        refused(|| unnamed().open_growth(f64::INFINITY)),
        refused(|| unnamed().open_jitter(1.0)),
        refused(|| unnamed().open_jitter(-0.1)),
        refused(|| unnamed().probes(0)),
        refused(|| unnamed().probes(4_096)),
        refused(|| unnamed().probe_timeout(Duration::ZERO)),
        refused(|| unnamed().slow_call(Duration::from_micros(999))),
        refused(|| unnamed().slow_rate(0.0)),
        refused(|| unnamed().slow_rate(1.5)),
        refused(|| unnamed().recover(Duration::ZERO)),
        refused(|| unnamed().min_calls(11).count_window(10)),
        refused(|| unnamed().count_window(10).min_calls(11)),
    ];

    assert!(messages.iter().all(|message| message.starts_with('`')), "{messages:?}");
    let _ = unnamed().min_calls(10).count_window(10).min_calls(3).window(SECOND).min_calls(5_000);
}

const fn unnamed() -> CircuitBreaker {
    CircuitBreaker::named("unnamed")
}

#[tokio::test(start_paused = true)]
async fn opens_after_failures_in_a_row() {
    let breaker = CircuitBreaker::named("search").open_jitter(0.0);
    for _ in 0..4 {
        fail(&breaker);
    }
    assert_eq!(breaker.state(), CircuitBreakerState::Closed);

    fail(&breaker);

    assert_eq!(breaker.state(), CircuitBreakerState::Open);
    let rejection = breaker.acquire().unwrap_err();
    assert_eq!(rejection.policy(), PolicyKind::CircuitBreaker);
    assert_eq!(rejection.name(), "search");
    assert_eq!(rejection.reason(), Reason::CircuitOpen { retry_after: Some(SECOND), last: Some(Class::Transient) });
}

#[tokio::test(start_paused = true)]
async fn throttled_and_permanent_are_answers() {
    let breaker = unnamed().consecutive(2);

    for class in [Class::Throttled { after: None }, Class::Permanent, Class::Success] {
        fail(&breaker);
        vote(&breaker, class);
    }

    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    let counts = breaker.counts();
    assert_eq!((counts.calls, counts.failures, counts.consecutive), (6, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn time_outs_of_inner_policies_count_and_other_rejections_do_not() {
    let breaker = unnamed();
    let reject = |reason| {
        let rejection = Error::new(PolicyKind::Timeout, "inner", reason);
        let _ = breaker.acquire().unwrap().settle(Settled::<Result<(), Error>>::Rejected(rejection.clone()));
        let _ = breaker.acquire().unwrap().settle(Err::<(), _>(rejection));
    };

    reject(Reason::CircuitOpen { retry_after: Some(SECOND), last: None });
    reject(Reason::DeadlineExceeded);
    reject(Reason::NoRuntime);
    assert_eq!(breaker.counts().calls, 0);

    reject(Reason::TimedOut { limit: SECOND });
    assert_eq!((breaker.counts().calls, breaker.counts().failures), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn admits_at_exactly_the_end_of_the_open_time() {
    let breaker = touchy();
    fail(&breaker);

    advance(Duration::from_nanos(999_999_999)).await;
    assert_eq!(retry_after(&breaker), Duration::from_nanos(1));
    advance(Duration::from_nanos(1)).await;

    assert!(breaker.acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn never_admits_before_a_fractional_end() {
    let breaker = touchy().open_for(Duration::from_nanos(1_500_001));
    fail(&breaker);

    assert_eq!(retry_after(&breaker), Duration::from_millis(2));
    advance(retry_after(&breaker)).await;

    assert!(breaker.acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn closes_with_an_empty_window() {
    let breaker = touchy();
    fail(&breaker);
    advance(SECOND).await;

    for _ in 0..3 {
        assert_ne!(breaker.state(), CircuitBreakerState::Closed);
        succeed(&breaker);
    }

    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    let counts = breaker.counts();
    assert_eq!((counts.calls, counts.opened, counts.half_opened, counts.closed), (0, 1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn stays_open_longer_each_time_until_it_closes() {
    let breaker = touchy().probes(1).open_growth(2.0);
    let mut times = Vec::new();

    for _ in 0..7 {
        fail(&breaker);
        times.push(retry_after(&breaker).as_secs());
        advance(retry_after(&breaker)).await;
    }
    succeed(&breaker);
    fail(&breaker);
    times.push(retry_after(&breaker).as_secs());

    assert_eq!(times, [1, 2, 4, 8, 16, 30, 30, 1]);
}

#[tokio::test(start_paused = true)]
async fn jitter_spreads_every_open_time_even_at_the_cap() {
    random::seed(7);

    for (reopenings, middle) in [(0, 1_000), (1, 2_000), (8, 30_000)] {
        let mut times = Vec::new();
        for _ in 0..200 {
            let breaker = unnamed().consecutive(1).probes(1).open_growth(2.0);
            for _ in 0..reopenings {
                fail(&breaker);
                advance(retry_after(&breaker)).await;
            }
            fail(&breaker);
            times.push(retry_after(&breaker).as_millis());
        }

        let (least, most) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
        assert!((middle * 90 / 100..=middle * 91 / 100).contains(&least), "{least} of {middle}");
        assert!((middle * 109 / 100..=middle * 110 / 100).contains(&most), "{most} of {middle}");
    }
}

#[tokio::test(start_paused = true)]
async fn sees_an_outage_behind_ten_thousand_successes() {
    let breaker = unnamed();
    for _ in 0..10_000 {
        succeed(&breaker);
    }

    let outage = Instant::now();
    fail(&breaker);
    while breaker.state() == CircuitBreakerState::Closed {
        advance(Duration::from_millis(50)).await;
        fail(&breaker);
    }

    assert!(outage.elapsed() <= Duration::from_secs(10), "{:?}", outage.elapsed());
}

#[tokio::test(start_paused = true)]
async fn sees_an_outage_in_the_last_hundred_calls() {
    let breaker = unnamed().count_window(100);
    for _ in 0..10_000 {
        succeed(&breaker);
    }

    let mut failures = 0;
    while breaker.state() == CircuitBreakerState::Closed {
        fail(&breaker);
        failures += 1;
    }

    assert_eq!(failures, 50);
}

#[tokio::test(start_paused = true)]
async fn two_failures_a_year_apart_are_not_one_in_the_window() {
    let breaker = unnamed().min_calls(2).without_consecutive();
    fail(&breaker);

    advance(Duration::from_secs(365 * 86_400)).await;
    fail(&breaker);

    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    assert_eq!((breaker.counts().calls, breaker.counts().failures), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn admits_after_a_year_open() {
    let breaker = touchy();
    fail(&breaker);

    advance(Duration::from_secs(365 * 86_400)).await;
    assert!(breaker.acquire().is_ok());
}

/// As where two threads find out at once.
#[tokio::test(start_paused = true)]
async fn change_that_comes_second_is_neither_made_nor_counted() {
    let breaker = touchy();
    let seen = breaker.circuit();
    fail(&breaker);
    let opened = breaker.circuit();

    assert!(!breaker.change(seen, seen.enter(Phase::ForcedOpen), Tally::default(), Ticks::now));
    assert_eq!((breaker.circuit(), breaker.counts().opened), (opened, 1));

    advance(SECOND).await;
    let probe = breaker.acquire().expect("a probe");
    let half_open = breaker.circuit();
    assert_eq!(breaker.probe(opened, half_open, Ticks::now()), None);
    assert_eq!((breaker.circuit(), breaker.counts().half_opened), (half_open, 1));
    probe.abandon();
}

#[tokio::test(start_paused = true)]
async fn dropped_probe_gives_its_place_back() {
    let breaker = touchy().probes(1);
    fail(&breaker);
    advance(SECOND).await;

    for _ in 0..100 {
        drop(breaker.acquire().expect("the probe was given back"));
        breaker.acquire().expect("the probe was given back").abandon();
    }

    assert_eq!(breaker.state(), CircuitBreakerState::HalfOpen);
    succeed(&breaker);
    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn probe_of_a_cancelled_future_is_given_back() {
    let breaker = touchy().probes(1);
    fail(&breaker);
    advance(SECOND).await;

    let probe = async {
        let permit = breaker.acquire().expect("a probe");
        std::future::pending::<()>().await;
        permit.settle_as(Class::Success, ());
    };
    let _ = tokio::time::timeout(Duration::from_millis(10), probe).await.expect_err("pending");

    assert!(breaker.acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn panicking_probe_fails() {
    let breaker = touchy().probes(1);
    fail(&breaker);
    advance(SECOND).await;

    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _permit = breaker.acquire().expect("a probe");
        resume_unwind(Box::new("the body's own"));
    }));

    assert!(panic.is_err());
    let rejection = breaker.acquire().unwrap_err();
    assert_eq!(rejection.reason(), Reason::CircuitOpen { retry_after: Some(SECOND), last: None });
}

#[test]
fn permit_taken_during_a_panic_is_not_to_blame_for_it() {
    struct CallsOnDrop<'a>(&'a CircuitBreaker);
    impl Drop for CallsOnDrop<'_> {
        fn drop(&mut self) {
            drop(self.0.acquire().expect("closed"));
        }
    }
    let breaker = touchy();

    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _guard = CallsOnDrop(&breaker);
        resume_unwind(Box::new("somebody else's"));
    }));

    assert!(panic.is_err());
    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    assert_eq!(breaker.counts().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn event_of_a_hanging_probe_counts_it_as_failed() {
    let breaker = touchy().probes(1).probe_timeout(SECOND);
    fail(&breaker);
    advance(SECOND).await;
    let _hanging = breaker.acquire().expect("a probe");
    let log = crate::test::record();
    advance(SECOND).await;

    breaker.acquire().unwrap_err();

    let (from, to) = (CircuitBreakerState::HalfOpen, CircuitBreakerState::Open);
    let is_it = |event: &crate::Event| matches!(event, crate::Event::Transition { from: f, to: t, failures: 1, calls: 1, .. } if (*f, *t) == (from, to));
    assert_eq!(log.count(is_it), 1);
}

#[tokio::test(start_paused = true)]
async fn hanging_probe_fails_and_its_result_is_late() {
    let breaker = touchy().probes(2).probe_timeout(3 * SECOND);
    fail(&breaker);
    advance(SECOND).await;
    succeed(&breaker);
    advance(SECOND).await;
    let hanging = breaker.acquire().expect("a probe");

    assert_eq!(retry_after(&breaker), 3 * SECOND);
    advance(3 * SECOND).await;
    assert_eq!(retry_after(&breaker), 2 * SECOND);
    advance(2 * SECOND).await;
    let probe = breaker.acquire().expect("half-open again");
    hanging.settle_as(Class::Success, ());
    probe.settle_as(Class::Success, ());

    assert_eq!(breaker.state(), CircuitBreakerState::HalfOpen);
    assert_eq!(breaker.counts().calls, 1);
}

#[tokio::test(start_paused = true)]
async fn late_results_move_nothing() {
    let breaker = touchy().probes(1);
    let slow: Vec<_> = (0..4).map(|_| breaker.acquire().expect("closed")).collect();
    let mut slow = slow.into_iter();
    let mut late = |class| slow.next().expect("one left").settle_as(class, ());

    fail(&breaker);
    late(Class::Transient);
    late(Class::Success);
    assert_eq!(breaker.state(), CircuitBreakerState::Open);
    assert_eq!(retry_after(&breaker), SECOND);

    advance(SECOND).await;
    let probe = breaker.acquire().expect("a probe");
    late(Class::Transient);
    assert_eq!(breaker.state(), CircuitBreakerState::HalfOpen);

    probe.settle_as(Class::Success, ());
    late(Class::Transient);
    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    let counts = breaker.counts();
    assert_eq!((counts.calls, counts.failures, counts.consecutive, counts.opened), (0, 0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn counts_the_probes_while_half_open() {
    let breaker = touchy();
    fail(&breaker);
    assert_eq!(breaker.counts().failure_rate(), None);
    advance(SECOND).await;

    succeed(&breaker);
    fail(&breaker);

    let counts = breaker.counts();
    assert_eq!((counts.calls, counts.failures), (2, 1));
    assert_eq!(counts.failure_rate(), Some(0.5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_get_exactly_the_probes() {
    for (probes, succeeded) in [(Some(1), 0), (Some(3), 0), (Some(7), 0), (None, 0), (None, 1)] {
        let breaker = Arc::new(probes.map_or_else(touchy, |probes| touchy().probes(probes)));
        breaker.acquire_at(|| Ticks(0)).unwrap().end(state::Vote::Failure(state::Cause::Transient), || Ticks(0));
        let later = || Ticks(1_000_000_000);
        for _ in 0..succeeded {
            breaker.acquire_at(later).unwrap().end(state::Vote::Success, later);
        }
        // of three by default, one until that has succeeded
        let more = probes.unwrap_or(if succeeded == 0 { 1 } else { 2 });
        let barrier = Arc::new(Barrier::new(1_000));
        let admitted = Arc::new(AtomicUsize::new(0));

        let tasks: Vec<_> = (0..1_000)
            .map(|_| {
                let (breaker, barrier, admitted) = (breaker.clone(), barrier.clone(), admitted.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    let permit = breaker.acquire_at(later).ok();
                    admitted.fetch_add(usize::from(permit.is_some()), Relaxed);
                    barrier.wait().await;
                    drop(permit);
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }

        assert_eq!(admitted.load(Relaxed), more as usize);
        assert_eq!(breaker.counts().half_opened, 1);
        assert_eq!(breaker.counts().rejected, 1_000 - u64::from(more));
    }
}

#[test]
fn threads_that_record_at_once_lose_no_outcome() {
    const CALLS: u32 = 20_000;
    for breaker in [CircuitBreaker::named("time"), CircuitBreaker::named("count").count_window(1_000)] {
        let breaker = breaker.failure_rate(1.0);

        std::thread::scope(|scope| {
            for thread in 0..4 {
                let breaker = &breaker;
                scope.spawn(move || {
                    for call in 0..CALLS {
                        let vote = if call % 4 == thread {
                            state::Vote::Failure(state::Cause::Transient)
                        } else {
                            state::Vote::Success
                        };
                        breaker.acquire_at(|| Ticks(0)).expect("closed").end(vote, || Ticks(0));
                    }
                });
            }
        });

        let tally = breaker.tally(breaker.circuit(), || Ticks(0));
        match breaker.name() {
            "time" => assert_eq!((tally.calls, tally.failures), (4 * CALLS, CALLS)),
            _ => assert_eq!(tally.calls, 1_000),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_successes_do_not_hide_an_outage() {
    for pause in [0, 1, 9, 11, 3_600, 365 * 86_400] {
        let breaker = unnamed();
        (0..10_000).for_each(|_| succeed(&breaker));
        advance(SECOND * pause).await;

        let began = Instant::now();
        let mut failures = 0;
        while breaker.state() == CircuitBreakerState::Closed {
            fail(&breaker);
            failures += 1;
            advance(Duration::from_millis(100)).await;
        }

        assert!(began.elapsed() <= 11 * SECOND, "{pause}: {failures} failures in {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn one_failure_a_year_is_one_failure() {
    let breaker = unnamed().consecutive(3).min_calls(2);
    succeed(&breaker);
    fail(&breaker);
    assert_eq!(breaker.state(), CircuitBreakerState::Open);
    advance(2 * SECOND).await;
    (0..3).for_each(|_| succeed(&breaker));

    for _ in 0..20 {
        fail(&breaker);
        assert_eq!((breaker.counts().calls, breaker.state()), (1, CircuitBreakerState::Closed));
        succeed(&breaker);
        advance(365 * 86_400 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn open_for_years_it_probes_at_once() {
    let breaker = touchy();
    fail(&breaker);

    for _ in 0..20 {
        advance(365 * 86_400 * SECOND).await;
        assert!(breaker.acquire().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn slow_calls_open_it() {
    let breaker = unnamed().slow_call(SECOND).slow_rate(0.5).min_calls(4);
    let call = async |time: u32| {
        let permit = breaker.acquire().expect("closed");
        advance(SECOND * time).await;
        permit.settle_as(Class::Success, ());
    };

    for time in [0, 0, 1] {
        call(time).await;
    }
    assert_eq!((breaker.counts().calls, breaker.counts().slow), (3, 1));
    call(1).await;

    assert_eq!(breaker.state(), CircuitBreakerState::Open);
    let Reason::CircuitOpen { last, .. } = breaker.acquire().unwrap_err().reason() else { panic!() };
    assert_eq!(last, Some(Class::Success));
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_just_fast_enough_do_not_open_it() {
    let breaker = unnamed().slow_call(SECOND).slow_rate(0.5).min_calls(4).count_window(8);
    for _ in 0..100 {
        let permit = breaker.acquire().expect("closed");
        advance(Duration::from_millis(999)).await;
        permit.settle_as(Class::Success, ());
    }

    assert_eq!((breaker.counts().calls, breaker.counts().slow), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn recovers_by_and_by() {
    random::seed(4);
    let breaker = touchy().probes(1).recover(10 * SECOND);
    fail(&breaker);
    advance(SECOND).await;
    succeed(&breaker);
    assert_eq!(breaker.state(), CircuitBreakerState::Recovering);

    let mut shares = Vec::new();
    for _ in 0..10 {
        let admitted = (0..1_000).filter(|_| breaker.acquire().is_ok()).count();
        shares.push(admitted);
        advance(SECOND).await;
    }

    for (second, admitted) in shares.iter().enumerate() {
        let expected = (second * 100).max(100);
        assert!(admitted.abs_diff(expected) < 50, "{shares:?}");
    }
    assert!((0..1_000).all(|_| breaker.acquire().is_ok()));
    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    assert_eq!(breaker.counts().closed, 1);
}

#[tokio::test(start_paused = true)]
async fn failing_while_it_recovers_opens_it_for_longer() {
    let breaker = touchy().probes(1).recover(10 * SECOND);
    fail(&breaker);
    advance(SECOND).await;
    succeed(&breaker);
    advance(9 * SECOND).await;

    let permit = std::iter::repeat_with(|| breaker.acquire()).find_map(Result::ok).expect("nine of ten");
    permit.settle_as(Class::Transient, ());

    assert_eq!(breaker.state(), CircuitBreakerState::Open);
    assert_eq!(retry_after(&breaker), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn throttled_counts_where_it_is_told_to() {
    let breaker = touchy().throttled_fails();

    vote(&breaker, Class::Throttled { after: Some(SECOND) });

    let Reason::CircuitOpen { last, .. } = breaker.acquire().unwrap_err().reason() else { panic!() };
    assert_eq!(last, Some(Class::Throttled { after: None }));
}

#[tokio::test(start_paused = true)]
async fn held_open_it_stays_open_until_it_is_let_go() {
    let breaker = touchy();
    let under_way = breaker.acquire().unwrap();
    breaker.force_open();
    under_way.settle_as(Class::Success, ());
    advance(365 * 86_400 * SECOND).await;

    let rejection = breaker.acquire().unwrap_err();
    assert_eq!(rejection.reason(), Reason::CircuitOpen { retry_after: None, last: None });
    assert_eq!(breaker.state(), CircuitBreakerState::ForcedOpen);

    breaker.force_close();
    succeed(&breaker);
    assert_eq!((breaker.state(), breaker.counts().calls), (CircuitBreakerState::Closed, 1));
    fail(&breaker);
    assert_eq!(breaker.state(), CircuitBreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn reset_makes_it_as_new() {
    let breaker = touchy();
    fail(&breaker);
    let _ = breaker.acquire();

    breaker.reset();

    let counts = breaker.counts();
    assert_eq!((counts.calls, counts.failures, counts.opened, counts.closed, counts.rejected), (0, 0, 0, 0, 0));
    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
    fail(&breaker);
    assert_eq!(retry_after(&breaker), SECOND, "as after the first opening");
}

#[tokio::test(start_paused = true)]
async fn reset_empties_the_window_whatever_the_time() {
    for pause in [5, 20, 50, 200, 900, 3_100] {
        let breaker = CircuitBreaker::named("breaker");
        for call in 0..1_000 {
            if call % 5 < 2 {
                fail(&breaker);
            } else {
                succeed(&breaker);
            }
            advance(Duration::from_millis(pause)).await;
        }

        breaker.reset();

        let counts = breaker.counts();
        assert_eq!((counts.calls, counts.failures), (0, 0), "{pause} ms");
        for _ in 0..5 {
            assert_eq!(breaker.state(), CircuitBreakerState::Closed, "{pause} ms");
            fail(&breaker);
        }
        assert_eq!(breaker.state(), CircuitBreakerState::Open, "{pause} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn observing_it_refuses_nobody_and_counts_whom_it_would_have() {
    let breaker = touchy().probes(1).mode(Mode::Observe);
    fail(&breaker);

    for _ in 0..5 {
        fail(&breaker);
    }
    assert_eq!(
        (breaker.state(), breaker.counts().observed, breaker.counts().rejected),
        (CircuitBreakerState::Open, 5, 0)
    );

    advance(SECOND).await;
    succeed(&breaker);
    assert_eq!(breaker.state(), CircuitBreakerState::Closed, "it probes as ever");
    breaker.set_mode(Mode::Enforce);
    fail(&breaker);
    assert!(breaker.acquire().is_err());
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_sees_nothing() {
    let breaker = touchy().mode(Mode::Off);
    fail(&breaker);
    breaker.force_open();
    fail(&breaker);
    assert_eq!((breaker.state(), breaker.counts().calls), (CircuitBreakerState::Disabled, 0));

    let under_way = breaker.acquire().unwrap();
    breaker.set_mode(Mode::Enforce);
    under_way.settle_as(Class::Transient, ());
    assert_eq!(
        (breaker.state(), breaker.counts().calls),
        (CircuitBreakerState::Closed, 0),
        "it was let through while off"
    );
    fail(&breaker);
    breaker.set_mode(Mode::Off);
    succeed(&breaker);
    assert_eq!(breaker.current_mode(), Mode::Off);
}

/// Calls at an even pace, of which this many of a hundred fail at random.
struct Traffic<'a> {
    breaker: &'a CircuitBreaker,
    gap: Duration,
}

impl Traffic<'_> {
    async fn run(&self, calls: u32, failing: u64) -> Option<Duration> {
        let start = Instant::now();
        for _ in 0..calls {
            advance(self.gap).await;
            if random::next() % 100 < failing {
                fail(self.breaker);
            } else {
                succeed(self.breaker);
            }
            if self.breaker.state() == CircuitBreakerState::Open {
                return Some(start.elapsed());
            }
        }
        None
    }
}

#[tokio::test(start_paused = true)]
async fn sees_an_outage_within_a_third_of_a_second_at_any_pace() {
    random::seed(3);
    for gap in [10_000, 5_000, 1_000, 100].map(Duration::from_micros) {
        for (usual, failing, most) in [(1, 100, 300), (0, 100, 300), (1, 70, 1_000), (20, 100, 400), (20, 70, 2_000)] {
            let breaker = unnamed();
            let traffic = Traffic { breaker: &breaker, gap };
            assert_eq!(traffic.run(20_000, usual).await, None);

            let seen = traffic.run(20_000, failing).await.expect("it opens");

            assert!(seen <= Duration::from_millis(most), "{gap:?} {usual} {failing}: {seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn few_calls_that_never_failed_need_few_failures() {
    let breaker = unnamed();
    let traffic = Traffic { breaker: &breaker, gap: Duration::from_millis(100) };
    assert_eq!(traffic.run(1_000, 0).await, None);

    let seen = traffic.run(100, 100).await;

    assert_eq!(seen, Some(Duration::from_millis(500)));
}

#[tokio::test(start_paused = true)]
async fn steady_errors_below_the_rate_do_not_open_it() {
    random::seed(5);
    for (rate, failing) in [(0.5, 20), (0.5, 40), (0.9, 70), (1.0, 90)] {
        for gap in [10, 1].map(Duration::from_millis) {
            let breaker = unnamed().failure_rate(rate).min_calls(100).without_consecutive();

            assert_eq!(Traffic { breaker: &breaker, gap }.run(30_000, failing).await, None, "{rate} {failing} {gap:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_together_are_one_event() {
    let breaker = unnamed();
    let traffic = Traffic { breaker: &breaker, gap: Duration::from_millis(1) };
    assert_eq!(traffic.run(20_000, 0).await, None);

    for _ in 0..1_000 {
        fail(&breaker);
    }
    assert_eq!(traffic.run(20_000, 1).await, None);
}

#[tokio::test(start_paused = true)]
async fn window_of_calls_and_too_small_a_sample_go_by_no_evidence() {
    for breaker in [unnamed().count_window(1_000), unnamed().min_calls(u32::MAX).without_consecutive()] {
        let traffic = Traffic { breaker: &breaker, gap: Duration::from_millis(5) };
        assert_eq!(traffic.run(1_000, 0).await, None);

        assert_eq!(traffic.run(499, 100).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn timed_calls_show_an_outage_as_soon() {
    let breaker = unnamed().slow_call(SECOND);
    let traffic = Traffic { breaker: &breaker, gap: Duration::from_millis(10) };
    assert_eq!(traffic.run(2_000, 0).await, None);

    let seen = traffic.run(100, 100).await;

    assert!(seen.is_some_and(|seen| seen <= Duration::from_millis(300)), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn ten_seconds_of_outage_end_within_two_of_it() {
    let breaker = unnamed();
    let mut now = Duration::ZERO;
    for _ in 0..200 {
        succeed(&breaker);
        advance(Duration::from_millis(10)).await;
    }

    while now < Duration::from_secs(10) {
        if let Ok(permit) = breaker.acquire() {
            permit.settle_as(Class::Transient, ());
        }
        advance(Duration::from_millis(10)).await;
        now += Duration::from_millis(10);
    }
    assert_ne!(breaker.state(), CircuitBreakerState::Closed);
    advance(Duration::from_millis(1_110)).await;
    for _ in 0..3 {
        succeed(&breaker);
    }

    assert_eq!(breaker.state(), CircuitBreakerState::Closed);
}

/// A `static` breaker under test after test, each with a paused clock of its own.
#[test]
fn a_clock_that_goes_back_leaves_it_open_for_no_longer_than_its_time() {
    let hour = Duration::from_secs(3_600);
    // the end is rounded up, each time from another origin, and between the origins time passes that is not paused
    let second = SECOND + Duration::from_millis(100);
    for (first, opened) in [(hour, hour), (Duration::ZERO, hour), (hour, 2 * hour)] {
        let breaker = touchy().probes(1);
        crate::clock::later(first, async { succeed(&breaker) });
        crate::clock::later(opened, async { fail(&breaker) });

        crate::clock::later(Duration::ZERO, async {
            let _ = breaker.acquire();
            advance(second).await;
            succeed(&breaker);
            assert_eq!(breaker.state(), CircuitBreakerState::Closed, "{first:?}, {opened:?}");
            assert_eq!(breaker.counts().calls, 0);
            fail(&breaker);
            assert!(retry_after(&breaker) <= second);
            advance(second).await;
            succeed(&breaker);
        });
    }
}

#[test]
fn a_clock_that_goes_back_leaves_the_window_at_work() {
    let breaker = CircuitBreaker::named("window").without_consecutive().min_calls(4);
    crate::clock::later(Duration::from_secs(3_600), async { succeed(&breaker) });

    crate::clock::later(Duration::ZERO, async {
        for _ in 0..3 {
            fail(&breaker);
            advance(Duration::from_secs(11)).await;
        }
        assert_eq!(breaker.state(), CircuitBreakerState::Closed, "one in a window");
        assert_eq!(breaker.counts().calls, 0);
    });
}
