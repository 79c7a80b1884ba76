//! The state machine under every interleaving of a few threads.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;

use super::permit::{Began, Pass};
use super::state::{Cause, Vote};
use super::*;

/// Opens after one failure for a second; a short ring keeps the models small.
fn touchy() -> CircuitBreaker {
    CircuitBreaker::named("touchy").count_window(4).consecutive(1).open_jitter(0.0)
}

/// Opens a second before `LATER`.
fn open(breaker: &CircuitBreaker) {
    breaker.acquire_at(|| START).expect("closed").end(Vote::Failure(Cause::Transient), || START);
    assert_eq!(breaker.state(), CircuitBreakerState::Open);
}

fn ask(breaker: &CircuitBreaker) -> Option<CircuitBreakerPermit<'_>> {
    breaker.acquire_at(|| LATER).ok()
}

/// Runs it under all schedules with up to three preemptions; without the bound, some models take hours.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 10_000;
    builder.check(model);
}

#[test]
fn loom_half_open_admits_exactly_its_probes() {
    explore(|| {
        let breaker = Arc::new(touchy().probes(2));
        open(&breaker);
        let admitted = Arc::new(AtomicUsize::new(0));

        let ask_and_keep = |breaker: &CircuitBreaker, admitted: &AtomicUsize| {
            if let Some(permit) = ask(breaker) {
                admitted.fetch_add(1, Relaxed);
                std::mem::forget(permit);
            }
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (breaker, admitted) = (breaker.clone(), admitted.clone());
                thread::spawn(move || ask_and_keep(&breaker, &admitted))
            })
            .collect();
        ask_and_keep(&breaker, &admitted);
        for other in others {
            other.join().unwrap();
        }

        assert_eq!(admitted.load(Relaxed), 2);
        assert_eq!(breaker.counts().half_opened, 1);
    });
}

#[test]
fn loom_half_open_admits_one_probe_until_that_has_succeeded() {
    explore(|| {
        let breaker = Arc::new(touchy());
        open(&breaker);
        let succeeded = Arc::new(AtomicUsize::new(0));
        let first = ask(&breaker).expect("the first probe");

        let other = {
            let (breaker, succeeded) = (breaker.clone(), succeeded.clone());
            thread::spawn(move || {
                if let Some(permit) = ask(&breaker) {
                    assert_eq!(succeeded.load(Relaxed), 1);
                    std::mem::forget(permit);
                }
            })
        };
        succeeded.store(1, Relaxed);
        first.end(Vote::Success, || LATER);
        other.join().unwrap();

        assert_eq!(breaker.state(), CircuitBreakerState::HalfOpen);
    });
}

#[test]
fn loom_failures_that_race_are_all_evidence() {
    explore(|| {
        let breaker = Arc::new(CircuitBreaker::named("evident").window(Duration::from_secs(10)).failure_rate(1.0));
        let ticket = breaker.admit(|| START).expect("closed");
        let fail = move |breaker: &CircuitBreaker| {
            breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START);
        };

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || fail(&breaker))
        };
        fail(&breaker);
        other.join().unwrap();

        assert_eq!(breaker.storage.past().evidence.sum(1.0, breaker.circuit().epoch, 0), 2.0);
    });
}

#[test]
fn loom_failure_that_becomes_late_is_no_evidence_in_a_newer_epoch() {
    explore(|| {
        let breaker = Arc::new(touchy().window(Duration::from_secs(100)).probes(1));
        let ticket = breaker.admit(|| START).expect("closed");

        let slow = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START)
            })
        };
        open(&breaker);
        ask(&breaker).expect("a probe").end(Vote::Success, || LATER);
        slow.join().unwrap();

        assert_eq!(breaker.storage.past().evidence.sum(0.5, breaker.circuit().epoch, 0), 0.0);
    });
}

#[test]
fn loom_success_beside_a_failure_is_counted_once() {
    explore(|| {
        let breaker = Arc::new(CircuitBreaker::named("evident").consecutive(9));
        let ticket = breaker.admit(|| START).expect("closed");

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || START))
        };
        breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START);
        other.join().unwrap();

        let epoch = breaker.circuit().epoch;
        let successes = breaker.storage.window.successes(epoch);
        assert_eq!(successes, 1);
        let sum = breaker.storage.past().evidence.sum(0.5, epoch, successes);
        assert!(sum == 0.0 || sum == 1.0, "{sum}");
    });
}

#[test]
fn loom_never_more_probes_at_once_than_permits() {
    explore(|| {
        let breaker = Arc::new(touchy().probes(1));
        open(&breaker);
        let at_once = Arc::new(AtomicUsize::new(0));

        let probe_and_abandon = |breaker: &CircuitBreaker, at_once: &AtomicUsize| {
            if let Some(permit) = ask(breaker) {
                assert_eq!(at_once.fetch_add(1, Relaxed), 0);
                at_once.fetch_sub(1, Relaxed);
                permit.end(Vote::Abandoned, || LATER);
            }
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (breaker, at_once) = (breaker.clone(), at_once.clone());
                thread::spawn(move || probe_and_abandon(&breaker, &at_once))
            })
            .collect();
        probe_and_abandon(&breaker, &at_once);
        for other in others {
            other.join().unwrap();
        }

        assert_eq!(breaker.state(), CircuitBreakerState::HalfOpen);
        assert!(ask(&breaker).is_some(), "the permit was lost");
    });
}

#[test]
fn loom_racing_failures_open_it_once() {
    explore(|| {
        let breaker = Arc::new(touchy());
        let ticket = breaker.admit(|| START).expect("closed");

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START)
            })
        };
        breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START);
        other.join().unwrap();

        assert_eq!(breaker.state(), CircuitBreakerState::Open);
        assert_eq!(breaker.counts().opened, 1);
    });
}

#[test]
fn loom_racing_failures_in_two_words_do_not_miss_each_other() {
    const LAST_SLOT: u32 = 46;
    explore(|| {
        let breaker = CircuitBreaker::named("ring").count_window(LAST_SLOT + 2).failure_rate(2.0 / 48.0);
        let breaker = Arc::new(breaker.min_calls(LAST_SLOT + 2).without_consecutive());
        let ticket = breaker.admit(|| START).expect("closed");
        for _ in 0..LAST_SLOT {
            breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || START);
        }

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START)
            })
        };
        breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START);
        other.join().unwrap();

        assert_eq!(breaker.counts().opened, 1);
    });
}

#[test]
fn loom_racing_probes_decide_once() {
    explore(|| {
        let breaker = Arc::new(touchy().probes(2));
        open(&breaker);

        let probe = |breaker: &CircuitBreaker, vote| {
            if let Some(permit) = ask(breaker) {
                permit.end(vote, || LATER);
            }
        };
        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || probe(&breaker, Vote::Failure(Cause::Transient)))
        };
        probe(&breaker, Vote::Success);
        other.join().unwrap();

        assert_eq!(breaker.state(), CircuitBreakerState::Open);
        assert_eq!((breaker.counts().opened, breaker.counts().half_opened), (2, 1));
    });
}

#[test]
fn loom_late_failure_does_not_touch_the_next_closed_state() {
    explore(|| {
        let breaker = Arc::new(touchy().consecutive(1).probes(1));
        let ticket = breaker.admit(|| START).expect("closed");
        open(&breaker);

        let late = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START)
            })
        };
        ask(&breaker).expect("a probe").end(Vote::Success, || LATER);
        late.join().unwrap();

        assert_eq!(breaker.state(), CircuitBreakerState::Closed);
        assert_eq!((breaker.counts().calls, breaker.counts().consecutive), (0, 0));
        assert_eq!(breaker.counts().opened, 1);
    });
}

#[test]
fn loom_result_that_becomes_late_counts_in_no_newer_window() {
    explore(|| {
        let breaker = Arc::new(touchy().consecutive(1).probes(1));
        let ticket = breaker.admit(|| START).expect("closed");

        let slow = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || START))
        };
        open(&breaker);
        ask(&breaker).expect("a probe").end(Vote::Success, || LATER);
        ask(&breaker).expect("closed").end(Vote::Success, || LATER);
        slow.join().unwrap();

        assert_eq!(breaker.state(), CircuitBreakerState::Closed);
        assert_eq!((breaker.counts().calls, breaker.counts().failures), (1, 0));
    });
}

#[test]
fn loom_result_that_becomes_late_counts_in_no_newer_bucket() {
    explore(|| {
        let breaker = Arc::new(touchy().window(Duration::from_secs(100)).probes(1));
        let ticket = breaker.admit(|| START).expect("closed");

        let slow = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || START))
        };
        open(&breaker);
        ask(&breaker).expect("a probe").end(Vote::Success, || LATER);
        ask(&breaker).expect("closed").end(Vote::Success, || LATER);
        slow.join().unwrap();

        let tally = breaker.tally(breaker.circuit(), || LATER);
        assert_eq!((tally.calls, tally.failures), (1, 0));
    });
}

#[test]
fn loom_hanging_probe_and_its_late_result_decide_once() {
    explore(|| {
        let breaker = Arc::new(touchy().probes(1));
        open(&breaker);
        let ticket = breaker.admit(|| LATER).expect("a probe");

        let hanging = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || OVERDUE))
        };
        let admitted = breaker.admit(|| OVERDUE).is_ok();
        hanging.join().unwrap();

        let counts = breaker.counts();
        let closed = breaker.state() == CircuitBreakerState::Closed;
        assert_eq!(admitted, closed);
        assert_eq!((counts.opened, counts.closed), if closed { (1, 1) } else { (2, 0) });
    });
}

#[test]
fn loom_failures_across_the_edge_of_a_bucket_do_not_miss_each_other() {
    explore(|| {
        let breaker = CircuitBreaker::named("edge").failure_rate(1.0).min_calls(2).without_consecutive();
        let breaker = Arc::new(breaker.window(Duration::from_nanos(100)));
        let ticket = breaker.admit(|| START).expect("closed");
        breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Abandoned, || START);

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || {
                breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || START)
            })
        };
        breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Failure(Cause::Transient), || Ticks(START.0 + 10));
        other.join().unwrap();

        assert_eq!(breaker.state(), CircuitBreakerState::Open);
    });
}

#[test]
fn loom_successes_between_two_looks_at_the_clock_are_all_counted() {
    explore(|| {
        let breaker = Arc::new(CircuitBreaker::named("busy"));
        let ticket = breaker.admit(|| START).expect("closed");
        let succeed =
            move |breaker: &CircuitBreaker| breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || START);
        // one less than it takes to look no more
        (0..31).for_each(|_| succeed(&breaker));

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || (0..2).for_each(|_| succeed(&breaker)))
        };
        succeed(&breaker);
        other.join().unwrap();

        let tally = breaker.tally(breaker.circuit(), || START);
        assert_eq!((tally.calls, tally.failures), (34, 0));
    });
}

#[test]
fn loom_success_that_becomes_late_between_two_looks_counts_in_no_newer_window() {
    explore(|| {
        let breaker = Arc::new(CircuitBreaker::named("busy").failure_rate(0.01).open_jitter(0.0).probes(1));
        let ticket = breaker.admit(|| START).expect("closed");
        (0..40).for_each(|_| breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || START));

        let slow = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(Pass::new(ticket, Began::UNKNOWN), Vote::Success, || START))
        };
        open(&breaker);
        ask(&breaker).expect("a probe").end(Vote::Success, || LATER);
        ask(&breaker).expect("closed").end(Vote::Success, || LATER);
        slow.join().unwrap();

        let tally = breaker.tally(breaker.circuit(), || LATER);
        assert_eq!((tally.calls, tally.failures), (1, 0));
    });
}

const START: Ticks = Ticks(5);
const LATER: Ticks = Ticks(1_000_000_005);
const OVERDUE: Ticks = Ticks(2_000_000_005);
