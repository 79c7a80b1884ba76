//! Leaving a run, leads that are handed over, and wakers that panic.

use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::line::steps;
use crate::wake::fragile::Fragile;

const MANY: usize = 10_000;

impl<O> Call<'_, O> {
    fn poll_with(&mut self, waker: &Waker) -> Option<O> {
        match self.future.as_mut()?.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}

#[test]
fn leaving_takes_as_long_from_any_place() {
    for leader_goes in [false, true] {
        for last_first in [false, true] {
            let (policy, stage) = (Coalesce::named("many"), Stage::default());
            let mut calls: Vec<_> = (0..MANY).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
            assert!(calls.iter_mut().all(|call| call.poll().is_none()));
            let place = |index: usize| if last_first { MANY - 1 - index } else { index };

            let steps = steps::of(|| {
                if leader_goes {
                    calls[0].drop();
                }
                (0..MANY).for_each(|index| calls[place(index)].drop());
            });

            assert_eq!(keys(&policy), 0);
            assert!(steps <= 8 * MANY as u64, "{steps} steps for {MANY} calls");
        }
    }
}

#[test]
fn leaders_that_come_and_go_wake_nobody_twice() {
    let (policy, stage) = (Coalesce::named("come and go"), Stage::default());
    let mut calls: Vec<_> = (0..MANY).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    calls[0].drop();

    // nobody who was woken has looked yet, and those who come lead
    let steps = steps::of(|| {
        for _ in 0..MANY {
            let mut late = Call::new(policy.run(&7, stage.run()));
            assert!(late.poll().is_none());
        }
    });

    assert!(calls[1..].iter().all(|call| call.woken() == 1));
    assert!(steps <= 8 * MANY as u64, "{steps} steps for {MANY} calls");
}

#[test]
fn whoever_waits_on_is_woken_for_the_next_lead_too() {
    let (policy, stage) = (Coalesce::named("next lead"), Stage::default());
    let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    calls[0].drop();
    assert!(calls[1].poll().is_none() && calls[2].poll().is_none());
    assert_eq!(calls[2].woken(), 1);

    calls[1].drop();

    assert_eq!(calls[2].woken(), 2);
    stage.done.set(true);
    assert_eq!((calls[2].poll(), policy.counts().handed_over), (Some(3), 2));
}

#[test]
fn a_follower_that_is_never_polled_again_holds_up_nobody_who_is() {
    let (policy, stage) = (Coalesce::named("parked"), Stage::default());
    let mut calls: Vec<_> = (0..4).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    calls[0].drop();

    // the first of those who wait is not polled, and the third is as soon as it is woken
    assert_eq!(calls[3].woken(), 1);
    stage.done.set(true);
    assert_eq!(calls[3].poll(), Some(2));
    assert_eq!((calls[2].poll(), calls[1].poll()), (Some(2), Some(2)));
    assert_eq!((stage.runs.get(), policy.counts().handed_over, keys(&policy)), (2, 1, 0));
}

#[test]
fn a_waker_that_panics_takes_nobody_elses_wake_up() {
    let wakers = || [Fragile::panicking(), Fragile::sound(), Fragile::panicking(), Fragile::sound()];
    for lands in [true, false] {
        let (policy, stage) = (Coalesce::named("fragile"), Stage::default());
        let (mut leader, wakers) = (Call::new(policy.run(&7, stage.run())), wakers());
        assert!(leader.poll().is_none());
        let mut calls: Vec<_> = (0..4).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
        for (call, waker) in calls.iter_mut().zip(&wakers) {
            assert!(call.poll_with(&waker.waker()).is_none());
        }

        stage.done.set(lands);
        let ended = catch_unwind(AssertUnwindSafe(|| if lands { _ = leader.poll() } else { leader.drop() }));

        assert!(ended.is_err(), "the panic goes on");
        assert!(wakers.iter().all(|waker| waker.woken() == 1));
        stage.done.set(true);
        let run = if lands { 1 } else { 2 };
        assert!(calls.iter_mut().all(|call| call.poll() == Some(run)));
        assert_eq!(keys(&policy), 0);
    }
}

#[test]
fn a_waker_that_panics_leaves_the_next_run_alone() {
    let (policy, stage) = (Coalesce::named("next"), Stage::default());
    let (mut leader, mut follower) = (Call::new(policy.run(&7, stage.run())), Call::new(policy.run(&7, stage.run())));
    let fragile = Fragile::panicking();
    assert!(leader.poll().is_none());
    assert!(follower.poll_with(&fragile.waker()).is_none());
    stage.done.set(true);

    assert!(catch_unwind(AssertUnwindSafe(|| leader.poll())).is_err());

    assert_eq!(fragile.woken(), 1);
    stage.done.set(false);
    let mut next = [Call::new(policy.run(&7, stage.run())), Call::new(policy.run(&7, stage.run()))];
    assert!(next.iter_mut().all(|call| call.poll().is_none()));
    leader.drop();
    follower.drop();
    assert_eq!((stage.runs.get(), keys(&policy)), (2, 1), "the next run still has its leader");
}

/// A waker whose last owner panics.
struct PanicsInDrop;

impl Wake for PanicsInDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "as it should");
    }
}

#[test]
fn a_waker_that_panics_when_it_is_dropped_leaves_no_key_without_a_leader() {
    let (policy, stage) = (Coalesce::named("drop of a waker"), Stage::default());
    let mut calls: Vec<_> = (0..4).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls[0].poll().is_none() && calls[1].poll().is_none());
    let waker = Waker::from(Arc::new(PanicsInDrop));
    assert!(calls[2].poll_with(&waker).is_none() && calls[3].poll().is_none());
    drop(waker);

    // whoever drops the waker gets the panic
    _ = catch_unwind(AssertUnwindSafe(|| calls[0].drop()));
    _ = catch_unwind(AssertUnwindSafe(|| calls[2].poll()));
    calls[2].drop();

    stage.done.set(true);
    assert!(calls[1].poll().is_some());
    assert!(calls[3].poll().is_some());
    assert_eq!(keys(&policy), 0);
}

#[test]
fn a_waker_that_panics_when_it_is_replaced_leaves_the_follower_in_its_place() {
    let (policy, stage) = (Coalesce::named("replaced"), Stage::default());
    let mut calls: Vec<_> = (0..2).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    let waker = Waker::from(Arc::new(PanicsInDrop));
    assert!(calls[0].poll().is_none() && calls[1].poll_with(&waker).is_none());
    drop(waker);

    assert!(catch_unwind(AssertUnwindSafe(|| calls[1].poll())).is_err());

    stage.done.set(true);
    assert_eq!((calls[0].poll(), calls[1].woken(), calls[1].poll()), (Some(1), 1, Some(1)));
    assert_eq!(keys(&policy), 0);
}

#[test]
fn types_of_one_name_are_two() {
    macro_rules! local {
        ($policy:expr, $number:expr) => {{
            struct Local;
            trait Number {
                const NUMBER: u32;
            }
            impl Number for Local {
                const NUMBER: u32 = $number;
            }
            async fn ask<T: Number>() -> u32 {
                tokio::task::yield_now().await;
                T::NUMBER
            }
            (Box::pin($policy.run(&7, ask::<Local>())), std::any::type_name::<Local>())
        }};
    }
    let policy = Coalesce::named("local");
    let (mut one, mut other) = (local!(policy, 1), local!(policy, 2));
    assert_eq!(one.1, other.1, "or it says nothing");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let outcomes = runtime.block_on(async { tokio::join!(&mut one.0, &mut other.0) });

    assert_eq!(outcomes, (1, 2));
}

#[test]
fn two_blocks_of_one_function_are_two() {
    let policy = Coalesce::named("blocks");
    let (one, other) =
        (policy.run(&7, async { pending_once().await + 1 }), policy.run(&7, async { pending_once().await + 2 }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    assert_eq!(runtime.block_on(async { tokio::join!(one, other) }), (1, 2));
}

async fn pending_once() -> u32 {
    tokio::task::yield_now().await;
    0
}

#[tokio::test]
async fn a_call_inside_of_another_function_is_joined() {
    static POLICY: Coalesce = Coalesce::named("inside another");
    static RUNS: AtomicU32 = AtomicU32::new(0);
    async fn inner() -> u32 {
        RUNS.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        7
    }
    async fn outer(plus: u32) -> u32 {
        POLICY.run("k", inner()).await + plus
    }

    // the same key of the same policy, and another function
    let outers = async { POLICY.run("k", outer(1)).await };
    let others = async { POLICY.run("k", inner()).await };

    assert_eq!(tokio::join!(others, outers), (7, 8));
    let counts = POLICY.counts();
    assert_eq!((RUNS.load(SeqCst), counts.reentrant, counts.followers), (1, 0, 1));
}

#[tokio::test]
async fn a_call_inside_of_another_policy_is_joined() {
    static OUTER: Coalesce = Coalesce::named("outer policy");
    static INNER: Coalesce = Coalesce::named("inner policy");
    async fn inner() -> u32 {
        tokio::task::yield_now().await;
        7
    }
    // one future type: a boxed one
    type Boxed = Pin<Box<dyn Future<Output = u32> + Send>>;
    let boxed = || -> Boxed { Box::pin(inner()) };
    let outer = || -> Boxed { Box::pin(async move { INNER.run("k", boxed()).await + 1 }) };

    let joined = tokio::join!(INNER.run("k", boxed()), OUTER.run("k", outer()));

    assert_eq!(joined, (7, 8));
    assert_eq!((INNER.counts().reentrant, INNER.counts().leaders, INNER.counts().followers), (0, 1, 1));
}

/// An outcome whose clones panic when the last of them is dropped.
struct Explosive(Option<Arc<Charge>>);

impl Clone for Explosive {
    fn clone(&self) -> Self {
        Self(self.0.clone().or_else(|| Some(Arc::new(Charge))))
    }
}

struct Charge;

impl Drop for Charge {
    fn drop(&mut self) {
        IN_DROP.take().into_iter().for_each(|act| act());
        assert!(std::thread::panicking(), "as it should");
    }
}

thread_local! {
    /// Runs when a clone is dropped.
    static IN_DROP: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

#[tokio::test(start_paused = true)]
async fn a_held_outcome_that_panics_when_it_is_dropped_leaves_no_key_without_a_leader() {
    let policy = Coalesce::named("explosive").hold(Duration::from_millis(5));
    let call = || Call::new(policy.run("k", ready(Explosive(None))));
    assert!(call().poll().is_some());
    sleep(Duration::from_millis(6)).await;

    let mut next = call();
    assert!(catch_unwind(AssertUnwindSafe(|| next.poll().is_some())).is_err(), "what was held is dropped");
    next.drop();

    assert!(call().poll().is_some(), "it leads");
    sleep(Duration::from_millis(6)).await;
    assert!(catch_unwind(AssertUnwindSafe(|| keys(&policy))).is_err());
    assert_eq!(keys(&policy), 0);
}

#[test]
fn an_outcome_that_panics_when_it_is_dropped_takes_no_lead_from_others() {
    let policy: &'static Coalesce = Box::leak(Box::new(Coalesce::named("explosive")));
    let done = Arc::new(AtomicBool::new(false));
    let begin = move |done: Arc<AtomicBool>| {
        Call::new(policy.run("k", async move {
            poll_fn(|_| if done.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
            Explosive(None)
        }))
    };
    let (mut leader, mut follower) = (begin(done.clone()), begin(done.clone()));
    assert!(leader.poll().is_none() && follower.poll().is_none());
    follower.drop();
    done.store(true, SeqCst);
    // the clone that nobody has taken is dropped by the leader, when another run has begun
    let next = Rc::new(RefCell::new(Vec::new()));
    IN_DROP.set(Some(Box::new({
        let next = next.clone();
        move || {
            let mut call = begin(Arc::default());
            assert!(call.poll().is_none());
            next.borrow_mut().push(call);
        }
    })));

    assert!(catch_unwind(AssertUnwindSafe(|| leader.poll().is_some())).is_err());

    let mut late = begin(Arc::default());
    assert!(late.poll().is_none());
    assert_eq!((policy.counts().leaders, policy.counts().followers), (2, 2), "the next run still has its leader");
    late.drop();
    next.borrow_mut().clear();
    assert_eq!(keys(policy), 0);
}

#[test]
fn a_leader_that_moves_is_known_still() {
    type Boxed<'a> = Pin<Box<dyn Future<Output = u32> + 'a>>;
    // of one type with the one that it calls, and `Unpin`
    fn depth(policy: &Coalesce, left: u32) -> Boxed<'_> {
        Box::pin(async move {
            pending_once_by_hand().await;
            if left == 0 { 0 } else { policy.run("k", depth(policy, left - 1)).await + 1 }
        })
    }
    let policy = Coalesce::named("moves");
    let mut call = policy.run("k", depth(&policy, 1));
    let context = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut call).poll(context).is_pending());

    let mut moved = Box::new(call);
    let polled = (0..3).find_map(|_| match Pin::new(&mut *moved).poll(context) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    });

    assert_eq!((polled, policy.counts().reentrant), (Some(1), 1));
}

async fn pending_once_by_hand() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[tokio::test(start_paused = true)]
async fn of_those_who_wait_the_one_with_most_time_left_leads() {
    static POLICY: Coalesce = Coalesce::named("hung");
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let mut calls = tokio::task::JoinSet::new();

    // one every 10 ms, each of which waits for 1 s for a server that hangs
    for _ in 0..300 {
        calls.spawn(tokio::time::timeout(Duration::from_secs(1), async {
            POLICY
                .run("k", async {
                    RUNS.fetch_add(1, SeqCst);
                    pending::<()>().await;
                })
                .await;
        }));
        sleep(Duration::from_millis(10)).await;
    }
    while calls.join_next().await.is_some() {}

    assert_eq!(RUNS.load(SeqCst), 4, "one a second, and not one a call");
}
