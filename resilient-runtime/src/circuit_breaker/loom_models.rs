//! The state machine under every interleaving of a few threads.

use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::thread;

use super::state::Vote;
use super::*;

/// Opens after one failure for a second; a short ring keeps the models small.
fn touchy() -> CircuitBreaker {
    CircuitBreaker::named("touchy").count_window(4).consecutive(1).open_jitter(0.0)
}

/// Opens a second before `LATER`.
fn open(breaker: &CircuitBreaker) {
    breaker.acquire_at(|| START).expect("closed").end(Vote::Failure, || START);
    assert_eq!(breaker.state(), State::Open);
}

fn ask(breaker: &CircuitBreaker) -> Option<Permit<'_>> {
    breaker.acquire_at(|| LATER).ok()
}

/// Runs it under all schedules with up to three preemptions; without the bound, some models take hours.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
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

        assert_eq!(breaker.state(), State::HalfOpen);
        assert!(ask(&breaker).is_some(), "the permit was lost");
    });
}

#[test]
fn loom_racing_failures_open_it_once() {
    explore(|| {
        let breaker = Arc::new(touchy());
        let epoch = breaker.admit(|| START).expect("closed");

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(epoch, Vote::Failure, || START))
        };
        breaker.end(epoch, Vote::Failure, || START);
        other.join().unwrap();

        assert_eq!(breaker.state(), State::Open);
        assert_eq!(breaker.counts().opened, 1);
    });
}

#[test]
fn loom_racing_failures_in_two_words_do_not_miss_each_other() {
    const LAST_SLOT: u32 = 46;
    explore(|| {
        let breaker = CircuitBreaker::named("ring").count_window(LAST_SLOT + 2).failure_rate(2.0 / 48.0);
        let breaker = Arc::new(breaker.min_calls(LAST_SLOT + 2).without_consecutive());
        let epoch = breaker.admit(|| START).expect("closed");
        for _ in 0..LAST_SLOT {
            breaker.end(epoch, Vote::Success, || START);
        }

        let other = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(epoch, Vote::Failure, || START))
        };
        breaker.end(epoch, Vote::Failure, || START);
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
            thread::spawn(move || probe(&breaker, Vote::Failure))
        };
        probe(&breaker, Vote::Success);
        other.join().unwrap();

        assert_eq!(breaker.state(), State::Open);
        assert_eq!((breaker.counts().opened, breaker.counts().half_opened), (2, 1));
    });
}

#[test]
fn loom_late_failure_does_not_touch_the_next_closed_state() {
    explore(|| {
        let breaker = Arc::new(touchy().consecutive(1).probes(1));
        let epoch = breaker.admit(|| START).expect("closed");
        open(&breaker);

        let late = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(epoch, Vote::Failure, || START))
        };
        ask(&breaker).expect("a probe").end(Vote::Success, || LATER);
        late.join().unwrap();

        assert_eq!(breaker.state(), State::Closed);
        assert_eq!((breaker.counts().calls, breaker.counts().consecutive), (0, 0));
        assert_eq!(breaker.counts().opened, 1);
    });
}

#[test]
fn loom_result_that_becomes_late_counts_in_no_newer_window() {
    explore(|| {
        let breaker = Arc::new(touchy().consecutive(1).probes(1));
        let epoch = breaker.admit(|| START).expect("closed");

        let slow = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(epoch, Vote::Success, || START))
        };
        open(&breaker);
        ask(&breaker).expect("a probe").end(Vote::Success, || LATER);
        ask(&breaker).expect("closed").end(Vote::Success, || LATER);
        slow.join().unwrap();

        assert_eq!(breaker.state(), State::Closed);
        assert_eq!((breaker.counts().calls, breaker.counts().failures), (1, 0));
    });
}

#[test]
fn loom_result_that_becomes_late_counts_in_no_newer_bucket() {
    explore(|| {
        let breaker = Arc::new(touchy().window(Duration::from_secs(100)).probes(1));
        let epoch = breaker.admit(|| START).expect("closed");

        let slow = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(epoch, Vote::Success, || START))
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
        let epoch = breaker.admit(|| LATER).expect("a probe");

        let hanging = {
            let breaker = breaker.clone();
            thread::spawn(move || breaker.end(epoch, Vote::Success, || OVERDUE))
        };
        let admitted = breaker.admit(|| OVERDUE).is_ok();
        hanging.join().unwrap();

        let counts = breaker.counts();
        let closed = breaker.state() == State::Closed;
        assert_eq!(admitted, closed);
        assert_eq!((counts.opened, counts.closed), if closed { (1, 1) } else { (2, 0) });
    });
}

const START: Ticks = Ticks(5);
const LATER: Ticks = Ticks(1_000_000_005);
const OVERDUE: Ticks = Ticks(2_000_000_005);
