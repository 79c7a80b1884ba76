//! Random schedules of callers who come, are polled when they were woken, and leave, before a function that fails and panics.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Action {
    Come(u32),
    /// Of those who were woken, the one at this place is polled.
    Poll(usize),
    /// Of all, the one at this place leaves.
    Leave(usize),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0..6_u32).prop_map(Action::Come),
        6 => any::<usize>().prop_map(Action::Poll),
        1 => any::<usize>().prop_map(Action::Leave),
    ]
}

/// The behaviour of a run of the function, after so many polls.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Answers,
    Fails,
    Panics,
}

fn fate() -> impl Strategy<Value = (Fate, u8)> {
    (prop_oneof![6 => Just(Fate::Answers), 2 => Just(Fate::Fails), 2 => Just(Fate::Panics)], 0..4_u8)
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

type Outcome = Result<Option<u32>, u64>;

struct Caller<'a> {
    key: u32,
    woken: Arc<Flag>,
    future: Pin<Box<dyn Future<Output = Outcome> + 'a>>,
}

/// A run of the function: the keys that it was asked for, and its end.
struct World {
    fates: Vec<(Fate, u8)>,
    runs: Cell<usize>,
    panics: Cell<u64>,
    /// Of each run that failed, the keys that it was for.
    failed: RefCell<HashMap<u64, Vec<u32>>>,
    most: usize,
}

impl World {
    async fn load(&self, keys: Vec<u32>) -> Result<HashMap<u32, u32>, u64> {
        let run = self.runs.replace(self.runs.get() + 1);
        assert!(!keys.is_empty() && keys.len() <= self.most);
        let (fate, mut polls) = self.fates[run % self.fates.len()];
        std::future::poll_fn(|context| {
            if polls == 0 {
                return Poll::Ready(());
            }
            polls -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        match fate {
            // 5 is not there
            Fate::Answers => Ok(keys.into_iter().filter(|key| *key != 5).map(|key| (key, key * 10)).collect()),
            Fate::Fails => {
                self.failed.borrow_mut().insert(run as u64, keys);
                Err(run as u64)
            }
            Fate::Panics => {
                self.panics.set(self.panics.get() + 1);
                resume_unwind(Box::new("as was wanted"));
            }
        }
    }
}

/// The number of calls that ended in each way.
#[derive(Debug, Default)]
struct Ends {
    answered: usize,
    panicked: u64,
    left: usize,
}

fn poll(callers: &mut Vec<Caller<'_>>, index: usize, world: &World, ends: &mut Ends) {
    let caller = &mut callers[index];
    caller.woken.0.store(false, SeqCst);
    let waker = Waker::from(caller.woken.clone());
    let polled = catch_unwind(AssertUnwindSafe(|| caller.future.as_mut().poll(&mut Context::from_waker(&waker))));
    match polled {
        Ok(Poll::Pending) => return,
        Ok(Poll::Ready(Ok(answer))) => {
            assert_eq!(answer, (caller.key != 5).then_some(caller.key * 10));
            ends.answered += 1;
        }
        Ok(Poll::Ready(Err(run))) => {
            assert!(world.failed.borrow()[&run].contains(&caller.key), "the failure of a batch that it was not in");
            ends.answered += 1;
        }
        Err(_) => ends.panicked += 1,
    }
    callers.swap_remove(index);
}

fn woken(callers: &[Caller<'_>]) -> Vec<usize> {
    (0..callers.len()).filter(|&index| callers[index].woken.0.load(SeqCst)).collect()
}

proptest! {
    #[test]
    fn everybody_gets_exactly_one_outcome_and_that_of_its_own_key(
        actions in prop::collection::vec(action(), 1..80),
        fates in prop::collection::vec(fate(), 1..20),
        most in 2..6_u32,
    ) {
        let batch = Batch::named("load").max_size(most).max_wait(Duration::ZERO);
        let world = World {
            fates,
            runs: Cell::new(0),
            panics: Cell::new(0),
            failed: RefCell::default(),
            most: most as usize,
        };
        let (mut callers, mut ends, mut came): (Vec<Caller<'_>>, _, _) = (Vec::new(), Ends::default(), 0);

        for action in actions {
            match action {
                Action::Come(key) => {
                    came += 1;
                    let woken = Arc::new(Flag(AtomicBool::new(true)));
                    let future = Box::pin(batch.run(key, |keys| world.load(keys)));
                    callers.push(Caller { key, woken, future });
                }
                Action::Poll(place) => {
                    let woken = woken(&callers);
                    if !woken.is_empty() {
                        poll(&mut callers, woken[place % woken.len()], &world, &mut ends);
                    }
                }
                Action::Leave(place) => {
                    if !callers.is_empty() {
                        callers.swap_remove(place % callers.len());
                        ends.left += 1;
                    }
                }
            }
        }
        // and those who are left go on while somebody is woken, which is until all are gone
        while let Some(&next) = woken(&callers).first() {
            poll(&mut callers, next, &world, &mut ends);
        }

        prop_assert!(callers.is_empty(), "{} hang", callers.len());
        prop_assert_eq!(ends.answered + ends.panicked as usize + ends.left, came);
        prop_assert_eq!(ends.panicked, world.panics.get());
        prop_assert_eq!(batch.counts().gathering, 0);
        prop_assert_eq!(batch.counts().batches, world.runs.get() as u64);
    }
}
