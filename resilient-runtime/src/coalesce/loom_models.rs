//! Leading, following and leaving under every interleaving of a few threads.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::thread;

use super::flights::{Flights, Hold, Identity, Joined, Waited};
use super::*;
use crate::keyed::fingerprint::fingerprint;

/// Runs it under all schedules with up to three preemptions.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A call that yields once and then ends with its caller's number.
fn call(policy: &Arc<Coalesce>, number: u32) -> Pin<Box<dyn Future<Output = u32> + '_>> {
    let mut waited = false;
    Box::pin(policy.run("k", async move {
        poll_fn(|context| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        number
    }))
}

#[test]
fn loom_a_follower_gets_the_outcome_or_leads() {
    explore(|| {
        let policy = Arc::new(Coalesce::named("k"));
        let other = {
            let policy = policy.clone();
            thread::spawn(move || loom::future::block_on(call(&policy, 1)))
        };

        let outcomes = [loom::future::block_on(call(&policy, 2)), other.join().unwrap()];

        assert!([[2, 1], [1, 1], [2, 2]].contains(&outcomes), "{outcomes:?}");
        assert_eq!(policy.counts().keys, 0);
    });
}

#[test]
fn loom_a_leader_that_is_dropped_leaves_nobody_waiting() {
    explore(|| {
        let policy = Arc::new(Coalesce::named("k"));
        let other = {
            let policy = policy.clone();
            thread::spawn(move || loom::future::block_on(call(&policy, 1)))
        };

        let mut dropped = call(&policy, 2);
        let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(dropped);

        assert_eq!(other.join().unwrap(), 1);
        assert_eq!(policy.counts().keys, 0);
    });
}

#[test]
fn loom_the_lead_is_not_lost_with_a_follower_that_is_dropped() {
    explore(|| {
        let policy = Arc::new(Coalesce::named("k"));
        let mut leader = call(&policy, 0);
        assert!(leader.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let leaving = {
            let policy = policy.clone();
            thread::spawn(move || {
                let mut follower = call(&policy, 1);
                let _ = follower.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                drop(follower);
            })
        };
        let staying = {
            let policy = policy.clone();
            thread::spawn(move || loom::future::block_on(call(&policy, 2)))
        };

        drop(leader);

        leaving.join().unwrap();
        assert!([1, 2].contains(&staying.join().unwrap()));
        assert_eq!(policy.counts().keys, 0);
    });
}

#[test]
fn loom_a_held_outcome_is_there_for_all_who_come_later() {
    explore(|| {
        let policy = Arc::new(Coalesce::named("k").hold(Duration::MAX));
        let other = {
            let policy = policy.clone();
            thread::spawn(move || loom::future::block_on(call(&policy, 1)))
        };

        let outcomes = [loom::future::block_on(call(&policy, 2)), other.join().unwrap()];

        assert!([[2, 2], [1, 1]].contains(&outcomes), "{outcomes:?}");
        assert_eq!(loom::future::block_on(call(&policy, 3)), outcomes[0]);
        assert_eq!(policy.counts().keys, 1);
    });
}

/// Two calls one after the other; the second began after an outcome was given, which it must not get.
fn one_after_the_other(policy: &Arc<Coalesce>, numbers: [u32; 2], given: &std::sync::Mutex<Vec<u32>>) {
    for number in numbers {
        let before = given.lock().unwrap().clone();
        let outcome = loom::future::block_on(call(policy, number));
        assert!(!before.contains(&outcome), "{outcome} was given before the call began");
        given.lock().unwrap().push(outcome);
    }
}

#[test]
fn loom_no_outcome_is_given_to_a_call_that_began_after_it_was_given_to_another() {
    explore(|| {
        let policy = Arc::new(Coalesce::named("k"));
        // of std, so that it is no point at which loom switches
        let given = Arc::new(std::sync::Mutex::new(Vec::new()));
        let other = {
            let (policy, given) = (policy.clone(), given.clone());
            thread::spawn(move || one_after_the_other(&policy, [1, 2], &given))
        };

        one_after_the_other(&policy, [3, 4], &given);

        other.join().unwrap();
        assert_eq!(policy.counts().keys, 0);
    });
}

#[test]
fn loom_a_follower_that_is_not_polled_again_holds_up_nobody() {
    explore(|| {
        let policy = Arc::new(Coalesce::named("k"));
        let (mut leader, mut parked) = (call(&policy, 0), call(&policy, 1));
        for future in [&mut leader, &mut parked] {
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let other = {
            let policy = policy.clone();
            thread::spawn(move || loom::future::block_on(call(&policy, 2)))
        };

        drop(leader);

        assert_eq!(other.join().unwrap(), 2);
        drop(parked);
        assert_eq!(policy.counts().keys, 0);
    });
}

#[test]
fn loom_a_leader_that_ends_while_it_is_overtaken_gives_its_outcome_once() {
    explore(|| {
        let flights = Arc::new(Flights::new());
        let identity = Identity { key: fingerprint("k"), owner: 0, future: typeid::of::<u32> };
        let Joined::<u32>::Lead(first) = flights.join(&identity, 1, Waker::noop(), false) else {
            panic!("nobody else is there")
        };
        let Joined::<u32>::Follow(flight, place, turn) = flights.join(&identity, 2, Waker::noop(), false) else {
            panic!("somebody leads")
        };
        let land = move |flights: &Flights, turn, outcome| {
            let Some(flight) = flights.land::<u32>(&identity, turn, None) else { return false };
            flights.deliver(&identity, turn, &flight, &outcome, None);
            flight.outcome() == Some(&outcome)
        };
        let ending = {
            let flights = flights.clone();
            thread::spawn(move || land(&flights, first, 1))
        };

        let overtaken = flights.overtake(&identity, 2, place, &flight, turn);

        assert!(ending.join().unwrap(), "it is the first to end");
        match overtaken {
            Ok(Waited::Landed) => {}
            Ok(Waited::Lead(second)) => assert!(!land(&flights, second, 2), "the outcome is there"),
            other => panic!("{other:?}"),
        }
        assert_eq!(flight.outcome(), Some(&1));
        assert_eq!(flights.counts(Hold::NOTHING).keys, 0);
    });
}
