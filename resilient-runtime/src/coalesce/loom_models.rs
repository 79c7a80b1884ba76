//! Leading, following and leaving under every interleaving of a few threads.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::atomic::AtomicU32;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use loom::thread;

use super::*;

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
fn loom_who_is_woken_finds_something_to_do() {
    struct Counts(AtomicU32);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, AcqRel);
        }
    }
    explore(|| {
        let policy = Arc::new(Coalesce::named("k"));
        let ended = Arc::new(AtomicU32::new(0));
        let mut follower_waker = None;
        let mut leader = call(&policy, 0);
        assert!(leader.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let leading = {
            let (policy, ended) = (policy.clone(), ended.clone());
            thread::spawn(move || {
                // the lead is free for an instant only in the model's other half
                let outcome = loom::future::block_on(call(&policy, 1));
                ended.store(1, Release);
                outcome
            })
        };
        let counts = Arc::new(Counts(AtomicU32::new(0)));
        let waker = Waker::from(counts.clone());
        let mut follower = call(&policy, 2);
        let first = follower.as_mut().poll(&mut Context::from_waker(&waker));
        follower_waker.get_or_insert(waker);

        drop(leader);
        drop(follower);

        let _ = (first, leading.join().unwrap());
        assert_eq!(ended.load(Acquire), 1);
        assert!(counts.0.load(Acquire) <= 2);
        assert_eq!(policy.counts().keys, 0);
    });
}
