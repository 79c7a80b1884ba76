//! Coming, waiting and going under every interleaving of a few threads.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::thread;

use super::gate::{Fate, Gate, Place, Queued};
use super::*;

/// Runs it under all schedules with up to three preemptions; without the bound, some models take hours.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn level(gate: &Gate) -> (u32, u32) {
    (gate.level().in_use, gate.level().waiting)
}

/// A place in the queue, as a call takes it.
fn wait(gate: &Gate, weight: u32, priority: Priority, most: u32) -> Arc<Place> {
    let Queued { place, shed } = gate.wait(weight, priority, most).expect("there is a place");
    gate.settle(shed);
    place
}

#[test]
fn loom_never_more_inside_than_permits() {
    explore(|| {
        let gate = Arc::new(Gate::new(1));
        let inside = Arc::new(loom::sync::atomic::AtomicU32::new(0));
        let come_and_go = |gate: &Gate, inside: &loom::sync::atomic::AtomicU32| {
            if let Some(permits) = gate.enter(1) {
                assert_eq!(inside.fetch_add(1, Relaxed), 0);
                inside.fetch_sub(1, Relaxed);
                gate.leave(permits);
            }
        };

        let others: Vec<_> = (0..2)
            .map(|_| {
                let (gate, inside) = (gate.clone(), inside.clone());
                thread::spawn(move || come_and_go(&gate, &inside))
            })
            .collect();
        come_and_go(&gate, &inside);
        for other in others {
            other.join().unwrap();
        }

        assert_eq!(level(&gate), (0, 0));
    });
}

#[test]
fn loom_who_waits_is_let_in_by_who_leaves() {
    explore(|| {
        let gate = Arc::new(Gate::new(1));
        let permits = gate.enter(1).unwrap();

        let leaving = {
            let gate = gate.clone();
            thread::spawn(move || gate.leave(permits))
        };
        let place = wait(&gate, 1, Priority::High, 4);
        let entered = loom::future::block_on(std::future::poll_fn(|context| place.poll(context)));
        leaving.join().unwrap();

        assert_eq!(entered, Fate::Entered(1));
        gate.leave(1);
        assert_eq!(level(&gate), (0, 0));
    });
}

#[test]
fn loom_who_gives_up_while_it_is_let_in_loses_no_permit() {
    explore(|| {
        let gate = Arc::new(Gate::new(1));
        let permits = gate.enter(1).unwrap();
        let first = wait(&gate, 1, Priority::High, 4);
        let second = wait(&gate, 1, Priority::High, 4);

        let leaving = {
            let gate = gate.clone();
            thread::spawn(move || gate.leave(permits))
        };
        if let Some(Fate::Entered(permits)) = gate.give_up(&first) {
            gate.leave(permits);
        }
        leaving.join().unwrap();

        let context = &mut Context::from_waker(Waker::noop());
        assert_eq!(second.poll(context), Poll::Ready(Fate::Entered(1)));
        assert_eq!(level(&gate), (1, 0));
    });
}

#[test]
fn loom_resize_and_leave_let_in_exactly_those_who_fit() {
    explore(|| {
        let gate = Arc::new(Gate::new(1));
        let permits = gate.enter(1).unwrap();
        let places: Vec<_> = (0..3).map(|_| wait(&gate, 1, Priority::High, 4)).collect();

        let leaving = {
            let gate = gate.clone();
            thread::spawn(move || gate.leave(permits))
        };
        gate.resize(|| 2);
        leaving.join().unwrap();

        let context = &mut Context::from_waker(Waker::noop());
        let entered: Vec<_> = places.iter().map(|place| place.poll(context).is_ready()).collect();
        assert_eq!(entered, [true, true, false], "in their order");
        assert_eq!(level(&gate), (2, 1));
    });
}

#[test]
fn loom_shrinking_lets_nobody_in_beyond_it() {
    explore(|| {
        let gate = Arc::new(Gate::new(2));
        let permits = gate.enter(1).unwrap();

        let leaving = {
            let gate = gate.clone();
            thread::spawn(move || gate.leave(permits))
        };
        gate.resize(|| 1);
        let (one, other) = (gate.enter(1), gate.enter(1));
        leaving.join().unwrap();

        assert!(one.is_none() || other.is_none());
        let inside = u32::from(one.is_some()) + u32::from(other.is_some());
        assert_eq!(level(&gate), (inside, 0));
    });
}

#[test]
fn loom_the_limit_that_stays_is_the_last_that_was_learnt() {
    explore(|| {
        let gate = Arc::new(Gate::new(1));
        let learnt = Arc::new(loom::sync::atomic::AtomicU32::new(1));
        let learn = |gate: &Gate, learnt: &loom::sync::atomic::AtomicU32, limit| {
            learnt.store(limit, Relaxed);
            gate.resize(|| learnt.load(Relaxed));
        };

        let other = {
            let (gate, learnt) = (gate.clone(), learnt.clone());
            thread::spawn(move || learn(&gate, &learnt, 5))
        };
        learn(&gate, &learnt, 7);
        other.join().unwrap();

        assert_eq!(gate.level().limit, learnt.load(Relaxed));
    });
}

#[test]
fn loom_a_high_one_at_a_full_queue_takes_no_place_while_there_is_room() {
    explore(|| {
        let gate = Arc::new(Gate::new(2));
        let permits = gate.enter(1).unwrap();
        let heavy = wait(&gate, 2, Priority::Low, 1);

        let leaving = {
            let gate = gate.clone();
            thread::spawn(move || gate.leave(permits))
        };
        let high = wait(&gate, 1, Priority::High, 1);
        leaving.join().unwrap();

        let context = &mut Context::from_waker(Waker::noop());
        // whichever came first is in, and the other is in the queue
        match (high.poll(context), heavy.poll(context)) {
            (Poll::Ready(Fate::Entered(1)), Poll::Pending) => assert_eq!(level(&gate), (1, 1)),
            (Poll::Pending, Poll::Ready(Fate::Entered(2))) => assert_eq!(level(&gate), (2, 1)),
            fates => panic!("{fates:?}"),
        }
    });
}

#[test]
fn loom_a_newcomer_and_one_who_leaves_do_not_miss_each_other() {
    explore(|| {
        let bulkhead = Arc::new(Bulkhead::named("modelled").limit(1).max_wait(std::time::Duration::MAX));
        let permit = bulkhead.gate.enter(1).unwrap();

        let leaving = {
            let bulkhead = bulkhead.clone();
            thread::spawn(move || bulkhead.gate.leave(permit))
        };
        let permit = loom::future::block_on(async {
            let acquire = pin!(bulkhead.acquire());
            acquire.await
        });
        leaving.join().unwrap();

        drop(permit.expect("let in"));
        assert_eq!(level(&bulkhead.gate), (0, 0));
    });
}
