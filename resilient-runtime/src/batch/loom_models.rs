//! Joining, closing and leaving under every interleaving of a few threads.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use loom::future::block_on;
use loom::thread;
use tokio::time::Instant;

use super::members::{Members, Turn};
use super::open::{Group, Open};
use crate::wake::wake_all;

type Batch = Members<u32, u32>;

/// Runs it under all schedules with up to three preemptions; without the bound, some models take hours.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Returns what a member does that has no timer: a leader closes the batch at once.
async fn outcome(batch: &Batch, seat: u32) -> u32 {
    let keys = std::future::poll_fn(|context| match batch.poll(seat, context) {
        Turn::Wait => Poll::Pending,
        Turn::Gather(_) => match batch.close(seat) {
            Some(keys) => Poll::Ready(Err(keys)),
            None => Poll::Pending,
        },
        Turn::Run(keys) => Poll::Ready(Err(keys)),
        Turn::Go(answer) => Poll::Ready(Ok(answer)),
    })
    .await;
    match keys {
        Ok(answer) => answer,
        Err(keys) => {
            let own = keys.iter().find(|(wanted_by, _)| *wanted_by == seat).expect("its own key is among them").1 * 10;
            let others = keys.into_iter().filter(|(wanted_by, _)| *wanted_by != seat);
            wake_all(batch.answer(seat, others.map(|(seat, key)| (seat, key * 10)).collect()).wakers);
            own
        }
    }
}

/// Leaves, as a dropped call does; whether another is to lead, and whether the batch was emptied.
fn leave(batch: &Batch, seat: u32, keys: Vec<(u32, u32)>) -> (bool, bool) {
    let left = batch.leave(seat, keys).expect("it was there");
    wake_all(left.successors);
    (left.handed_over, left.emptied)
}

/// A whole call, as `BatchFuture` makes it.
fn call(open: &Open, most: usize, key: u32) -> u32 {
    let group = Group::new::<u32, u32>(0);
    let mut key = key;
    loop {
        let batch = open.find::<u32, u32>(group, most);
        match batch.join(key, Waker::noop().clone(), None, Instant::now) {
            Ok(joined) => {
                wake_all(joined.leader);
                let outcome = block_on(outcome(&batch, joined.seat));
                open.remove(group, &batch);
                return outcome;
            }
            Err(returned) => {
                open.remove(group, &batch);
                key = returned;
            }
        }
    }
}

#[test]
fn loom_who_joins_while_it_is_closed_is_in_this_one_or_the_next() {
    explore(|| {
        let open = Arc::new(Open::new());

        let others: Vec<_> = (1..3)
            .map(|key| {
                let open = open.clone();
                thread::spawn(move || assert_eq!(call(&open, 8, key), key * 10))
            })
            .collect();
        for other in others {
            other.join().unwrap();
        }

        assert_eq!(open.len(), 0);
    });
}

#[test]
fn loom_who_fills_it_wakes_the_leader() {
    explore(|| {
        let batch = Arc::new(Batch::new(2));
        let leader = batch.join(1, Waker::noop().clone(), None, Instant::now).unwrap();

        let filling = {
            let batch = batch.clone();
            thread::spawn(move || {
                let member = batch.join(2, Waker::noop().clone(), None, Instant::now).unwrap();
                assert!(member.filled && !member.leads);
                wake_all(member.leader);
                assert_eq!(block_on(outcome(&batch, member.seat)), 20);
            })
        };
        // no timer: it only goes on when it is full
        let keys = block_on(std::future::poll_fn(|context| match batch.poll(leader.seat, context) {
            Turn::Run(keys) => Poll::Ready(keys),
            _ => Poll::Pending,
        }));
        assert_eq!(keys, [(0, 1), (1, 2)]);
        wake_all(batch.answer(leader.seat, vec![(1, 20)]).wakers);
        filling.join().unwrap();
    });
}

#[test]
fn loom_a_leader_that_is_late_and_one_who_joins_close_it_once() {
    explore(|| {
        let batch = Arc::new(Batch::new(8));
        let leader = batch.join(1, Waker::noop().clone(), None, Instant::now).unwrap();
        let until = Instant::now();
        batch.close_by(until);

        let joining = {
            let batch = batch.clone();
            thread::spawn(move || {
                let joined = batch.join(2, Waker::noop().clone(), None, || until + Duration::from_secs(1));
                if let Ok(joined) = joined {
                    assert!(joined.leads);
                    assert_eq!(block_on(outcome(&batch, joined.seat)), 20);
                }
            })
        };
        assert_eq!(block_on(outcome(&batch, leader.seat)), 10);
        joining.join().unwrap();
    });
}

#[test]
fn loom_a_leader_that_leaves_while_another_joins_leaves_it_a_leader() {
    explore(|| {
        let open = Arc::new(Open::new());
        let group = Group::new::<u32, u32>(0);
        let batch = open.find::<u32, u32>(group, 8);
        let leader = batch.join(1, Waker::noop().clone(), None, Instant::now).unwrap();

        let joining = {
            let open = open.clone();
            thread::spawn(move || assert_eq!(call(&open, 8, 2), 20))
        };
        let left = batch.leave(leader.seat, Vec::new()).expect("it was there");
        if left.emptied {
            open.remove(group, &batch);
        }
        wake_all(left.successors);
        joining.join().unwrap();

        assert_eq!(open.len(), 0);
    });
}

#[test]
fn loom_a_successor_that_leaves_passes_it_on() {
    explore(|| {
        let batch = Arc::new(Batch::new(3));
        let seats = [1, 2, 3].map(|key| batch.join(key, Waker::noop().clone(), None, Instant::now).unwrap().seat);
        let context = &mut Context::from_waker(Waker::noop());
        let Turn::Run(keys) = batch.poll(seats[0], context) else { panic!("it is full") };

        let leaving = {
            let batch = batch.clone();
            thread::spawn(move || leave(&batch, seats[1], Vec::new()))
        };
        let last = {
            let batch = batch.clone();
            thread::spawn(move || block_on(outcome(&batch, seats[2])))
        };
        let first = leave(&batch, seats[0], keys);
        let second = leaving.join().unwrap();

        assert_eq!((first, second.1), ((true, false), false));
        assert_eq!(last.join().unwrap(), 30);
    });
}

#[test]
fn loom_an_answer_for_who_is_leaving_is_dropped_and_nobody_elses_is() {
    explore(|| {
        let batch = Arc::new(Batch::new(3));
        let seats = [1, 2, 3].map(|key| batch.join(key, Waker::noop().clone(), None, Instant::now).unwrap().seat);

        let leaving = {
            let batch = batch.clone();
            thread::spawn(move || leave(&batch, seats[1], Vec::new()))
        };
        let last = {
            let batch = batch.clone();
            thread::spawn(move || block_on(outcome(&batch, seats[2])))
        };
        assert_eq!(block_on(outcome(&batch, seats[0])), 10);
        leaving.join().unwrap();

        assert_eq!(last.join().unwrap(), 30);
    });
}

#[test]
fn loom_a_member_that_is_not_polled_again_holds_up_nobody() {
    explore(|| {
        let batch = Arc::new(Batch::new(3));
        let seats = [1, 2, 3].map(|key| batch.join(key, Waker::noop().clone(), None, Instant::now).unwrap().seat);
        let context = &mut Context::from_waker(Waker::noop());
        let Turn::Run(keys) = batch.poll(seats[0], context) else { panic!("it is full") };

        // the second is never polled
        let last = {
            let batch = batch.clone();
            thread::spawn(move || block_on(outcome(&batch, seats[2])))
        };
        let left = leave(&batch, seats[0], keys);

        assert_eq!((left, last.join().unwrap()), ((true, false), 30));
        assert_eq!(batch.poll(seats[1], context), Turn::Go(20));
    });
}
