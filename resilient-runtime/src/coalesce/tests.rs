//! The behaviour of coalescing: by hand, on one thread and on several.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::hash::Hasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;
use tokio::time::sleep;

use super::*;
use crate::{Deadline, Error, Mode, PolicyKind, Reason, Settled, clock};

/// A call that the test polls, and whose wake-ups are counted.
struct Call<'a, O> {
    future: Option<Pin<Box<dyn Future<Output = O> + 'a>>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl<'a, O> Call<'a, O> {
    fn new(future: impl Future<Output = O> + 'a) -> Self {
        Self { future: Some(Box::pin(future)), woken: Arc::default() }
    }

    fn poll(&mut self) -> Option<O> {
        let waker = Waker::from(self.woken.clone());
        match self.future.as_mut()?.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    fn woken(&self) -> u32 {
        self.woken.0.load(SeqCst)
    }

    fn drop(&mut self) {
        self.future = None;
    }
}

/// A body that stays until it is let go, and counts its runs.
#[derive(Default)]
struct Stage {
    runs: Cell<u32>,
    done: Cell<bool>,
}

impl Stage {
    /// Each run returns its number.
    async fn run(&self) -> u32 {
        let run = self.runs.get() + 1;
        self.runs.set(run);
        poll_fn(|_| if self.done.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        run
    }
}

fn keys(policy: &Coalesce) -> u64 {
    policy.counts().keys
}

#[test]
fn equal_keys_share_one_run_and_others_do_not() {
    let (policy, stage) = (Coalesce::named("share"), Stage::default());
    let call = |key: &'static str| Call::new(policy.run(key, stage.run()));
    let (mut one, mut two, mut other) = (call("a"), call("a"), call("b"));
    assert!(one.poll().is_none() && two.poll().is_none() && other.poll().is_none());
    assert_eq!((stage.runs.get(), keys(&policy)), (2, 2));

    stage.done.set(true);

    assert_eq!((one.poll(), two.poll(), other.poll()), (Some(1), Some(1), Some(2)));
    let counts = CoalesceCounts { leaders: 2, followers: 1, ..CoalesceCounts::default() };
    assert_eq!(policy.counts(), counts, "and no key is left");
}

#[test]
fn who_comes_after_the_end_runs_again() {
    let policy = Coalesce::named("again");
    let call = |n: u32| Call::new(policy.run("a", ready(n))).poll();

    assert_eq!((call(1), call(2)), (Some(1), Some(2)));
}

#[test]
fn of_64_callers_one_runs_and_each_other_is_polled_twice() {
    let (policy, stage) = (Coalesce::named("64"), Stage::default());
    let mut calls: Vec<_> = (0..64).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    assert!(calls.iter().all(|call| call.woken() == 0));

    stage.done.set(true);

    assert_eq!(calls[0].poll(), Some(1));
    assert!(calls[1..].iter().all(|call| call.woken() == 1), "once each, when there is something to have");
    assert!(calls[1..].iter_mut().all(|call| call.poll() == Some(1)));
    assert_eq!((stage.runs.get(), keys(&policy)), (1, 0));
}

#[test]
fn of_those_who_wait_one_takes_over_from_a_leader_that_is_dropped() {
    let (policy, stage) = (Coalesce::named("drop"), Stage::default());
    let mut calls: Vec<_> = (0..4).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    calls[0].drop();

    assert_eq!(calls.iter().map(Call::woken).collect::<Vec<_>>(), [0, 1, 1, 1], "nobody knows which of them is polled");
    assert!(calls[1].poll().is_none());
    assert_eq!((stage.runs.get(), policy.counts().handed_over), (2, 1), "its own body");
    stage.done.set(true);
    assert_eq!(calls[1].poll(), Some(2));
    assert_eq!((calls[2].poll(), calls[3].poll()), (Some(2), Some(2)));
    assert_eq!(keys(&policy), 0);
}

#[test]
fn the_lead_is_not_lost_with_the_one_who_was_woken_for_it() {
    let (policy, stage) = (Coalesce::named("heir"), Stage::default());
    let mut calls: Vec<_> = (0..4).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    calls[0].drop();
    calls[1].drop();
    calls[3].drop();

    assert_eq!(calls[2].woken(), 1);
    stage.done.set(true);
    assert_eq!(calls[2].poll(), Some(2));
    assert_eq!(keys(&policy), 0);
}

#[test]
fn who_looks_first_takes_a_free_lead_and_the_heir_waits_on() {
    let (policy, stage) = (Coalesce::named("first look"), Stage::default());
    let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    calls[0].drop();
    let mut late = Call::new(policy.run(&7, stage.run()));

    assert!(late.poll().is_none(), "it leads, so that nothing depends on a task that is slow to wake");
    assert!(calls[1].poll().is_none());

    stage.done.set(true);
    assert_eq!(late.poll(), Some(2));
    assert_eq!((calls[1].woken(), calls[2].woken()), (2, 1));
    assert_eq!((calls[1].poll(), calls[2].poll()), (Some(2), Some(2)));
    assert_eq!((policy.counts().leaders, policy.counts().handed_over), (2, 0));
}

#[test]
fn the_last_to_leave_takes_the_key_along() {
    let (policy, stage) = (Coalesce::named("leave"), Stage::default());
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
        assert!(calls.iter_mut().all(|call| call.poll().is_none()));

        for index in order {
            assert_eq!(keys(&policy), 1);
            calls[index].drop();
        }

        assert_eq!(keys(&policy), 0, "{order:?}");
    }
}

#[test]
fn what_was_never_polled_leaves_nothing() {
    let policy = Coalesce::named("unpolled");

    drop(policy.run(&7, ready(1)));

    assert_eq!(policy.counts(), CoalesceCounts::default());
}

#[test]
fn a_follower_that_is_dropped_is_not_waited_for() {
    let (policy, stage) = (Coalesce::named("gone"), Stage::default());
    let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    calls[1].drop();

    stage.done.set(true);

    assert_eq!(calls[0].poll(), Some(1));
    assert_eq!((calls[1].woken(), calls[2].poll()), (0, Some(1)));
}

#[test]
fn a_leader_is_replaced_at_whichever_await_it_is_dropped_or_panics() {
    const AWAITS: u32 = 4;
    for panics in [false, true] {
        for at in 1..=AWAITS {
            let (policy, polls) = (Coalesce::named("every await"), Cell::new(0));
            let body = |fails: bool| {
                let polls = &polls;
                async move {
                    for step in 1..=AWAITS {
                        polls.set(polls.get() + 1);
                        let mut waited = false;
                        poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending })
                            .await;
                        assert!(!(fails && panics && step == at), "as it should");
                    }
                    "done"
                }
            };
            let mut leader = Call::new(policy.run("k", body(true)));
            let mut followers: Vec<_> = (0..2).map(|_| Call::new(policy.run("k", body(false)))).collect();
            assert!(leader.poll().is_none());
            assert!(followers.iter_mut().all(|call| call.poll().is_none()));

            (1..at).for_each(|_| assert!(leader.poll().is_none()));
            if panics {
                assert!(catch_unwind(AssertUnwindSafe(|| leader.poll())).is_err(), "it stays with the leader");
                assert_eq!(followers[0].woken(), 1, "before the leader is dropped");
            }
            leader.drop();

            assert_eq!((followers[0].woken(), followers[1].woken()), (1, 1));
            let outcome = (0..=AWAITS).find_map(|_| followers[0].poll());
            assert_eq!((outcome, followers[1].poll()), (Some("done"), Some("done")));
            assert_eq!(keys(&policy), 0);
        }
    }
}

#[test]
fn a_body_is_gone_before_another_runs() {
    struct Noted<'a>(&'a RefCell<Vec<String>>, u32);
    impl Drop for Noted<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(format!("dropped {}", self.1));
        }
    }
    let (policy, notes) = (Coalesce::named("gone before"), RefCell::new(Vec::new()));
    let body = |n: u32| {
        let notes = &notes;
        async move {
            let _noted = Noted(notes, n);
            notes.borrow_mut().push(format!("ran {n}"));
            pending::<()>().await;
        }
    };
    let (mut one, mut two) = (Call::new(policy.run(&7, body(1))), Call::new(policy.run(&7, body(2))));
    assert!(one.poll().is_none() && two.poll().is_none());

    one.drop();
    assert!(two.poll().is_none());

    assert_eq!(*notes.borrow(), ["ran 1", "dropped 1", "ran 2"]);
}

#[test]
fn a_body_is_gone_when_its_call_has_ended() {
    let (policy, done, held) = (Coalesce::named("gone at the end"), Cell::new(false), Arc::new(()));
    let body = || {
        let (done, held) = (&done, held.clone());
        poll_fn(move |_| if done.get() { Poll::Ready(Arc::strong_count(&held)) } else { Poll::Pending })
    };
    let (mut leader, mut follower) = (Call::new(policy.run(&7, body())), Call::new(policy.run(&7, body())));
    assert!(leader.poll().is_none() && follower.poll().is_none());
    done.set(true);

    assert_eq!((leader.poll(), Arc::strong_count(&held)), (Some(3), 2), "that of the follower is there still");
    assert_eq!((follower.poll(), Arc::strong_count(&held)), (Some(3), 1));
}

#[test]
fn a_call_that_panicked_is_not_run_on() {
    for mode in [Mode::Enforce, Mode::Off] {
        let (policy, polls) = (Coalesce::named("panicked").mode(mode), Cell::new(0));
        let mut call = Call::new(policy.run(
            &7,
            poll_fn(|_| -> Poll<()> {
                polls.set(polls.get() + 1);
                panic!("as it should")
            }),
        ));

        let messages = [(); 2].map(|()| {
            let panic = catch_unwind(AssertUnwindSafe(|| call.poll())).expect_err("it panics");
            panic.downcast_ref::<&str>().copied()
        });

        assert_eq!(messages, [Some("as it should"), Some("a coalesced call is not polled again after it panicked")]);
        assert_eq!((polls.get(), keys(&policy)), (1, 0));
    }
}

#[test]
fn a_hash_that_panics_changes_nothing() {
    struct Key;
    impl Hash for Key {
        fn hash<H: Hasher>(&self, _: &mut H) {
            panic!("as it should");
        }
    }
    let policy = Coalesce::named("hash");

    assert!(catch_unwind(AssertUnwindSafe(|| drop(policy.run(&Key, ready(1))))).is_err());

    assert_eq!(policy.counts(), CoalesceCounts::default());
}

/// An outcome whose clones panic while they are told to.
#[derive(Debug)]
struct Touchy(Arc<AtomicU32>);

impl Clone for Touchy {
    fn clone(&self) -> Self {
        let left = self.0.load(SeqCst);
        if left == 1 {
            self.0.store(0, SeqCst);
            panic!("as it should");
        }
        self.0.store(left.saturating_sub(1), SeqCst);
        Self(self.0.clone())
    }
}

#[test]
fn a_clone_that_panics_at_the_leader_hands_over() {
    let (policy, panics, done) = (Coalesce::named("clone"), Arc::new(AtomicU32::new(1)), Cell::new(false));
    let body = || {
        let (panics, done) = (panics.clone(), &done);
        async move {
            poll_fn(|_| if done.get() { Poll::Ready(()) } else { Poll::Pending }).await;
            Touchy(panics)
        }
    };
    let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, body()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    done.set(true);

    assert!(catch_unwind(AssertUnwindSafe(|| calls[0].poll())).is_err());

    assert_eq!((calls[1].woken(), calls[2].woken()), (1, 1));
    assert!(calls[1].poll().is_some() && calls[2].poll().is_some());
    assert_eq!(keys(&policy), 0);
}

#[test]
fn a_clone_that_panics_at_a_follower_stays_there() {
    let (policy, panics, done) = (Coalesce::named("clone"), Arc::new(AtomicU32::new(2)), Cell::new(false));
    let body = || {
        let (panics, done) = (panics.clone(), &done);
        async move {
            poll_fn(|_| if done.get() { Poll::Ready(()) } else { Poll::Pending }).await;
            Touchy(panics)
        }
    };
    let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, body()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    done.set(true);
    assert!(calls[0].poll().is_some());

    assert!(catch_unwind(AssertUnwindSafe(|| calls[1].poll())).is_err());

    calls[1].drop();
    assert!(calls[2].poll().is_some());
    assert_eq!(keys(&policy), 0);
}

#[test]
fn a_lone_outcome_is_not_cloned() {
    let policy = Coalesce::named("alone");
    let panics = Arc::new(AtomicU32::new(1));

    assert!(Call::new(policy.run(&7, ready(Touchy(panics)))).poll().is_some());
}

/// A drop and a clone that come back to the policy, as they could not under its lock.
struct Returns<'a>(&'a Coalesce);

impl Clone for Returns<'static> {
    fn clone(&self) -> Self {
        self.0.counts();
        Self(self.0)
    }
}

impl Drop for Returns<'_> {
    fn drop(&mut self) {
        self.0.counts();
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_the_users_runs_under_the_lock() {
    static PLAIN: Coalesce = Coalesce::named("lock");
    static HOLDS: Coalesce = Coalesce::named("lock and hold").hold(Duration::from_secs(1));
    for policy in [&PLAIN, &HOLDS] {
        let call = || {
            policy.run(&7, async {
                sleep(Duration::from_millis(1)).await;
                Returns(policy)
            })
        };

        tokio::join!(call(), call(), call());
        tokio::time::advance(Duration::from_secs(2)).await;
        call().await;
        tokio::time::advance(Duration::from_secs(2)).await;

        assert_eq!(keys(policy), 0);
    }
}

#[test]
fn a_waker_that_comes_back_finds_no_lock() {
    struct Comes(Arc<Coalesce>, AtomicU32);
    impl Wake for Comes {
        fn wake(self: Arc<Self>) {
            self.0.counts();
            self.1.fetch_add(1, SeqCst);
        }
    }
    impl Drop for Comes {
        fn drop(&mut self) {
            self.0.counts();
        }
    }
    let policy = Arc::new(Coalesce::named("wakers"));
    let stage = Stage::default();
    let mut leader = Box::pin(policy.run(&7, stage.run()));
    let mut follower = Box::pin(policy.run(&7, stage.run()));
    let waker = || Waker::from(Arc::new(Comes(policy.clone(), AtomicU32::new(0))));
    assert!(leader.as_mut().poll(&mut Context::from_waker(&waker())).is_pending());
    for _ in 0..3 {
        assert!(follower.as_mut().poll(&mut Context::from_waker(&waker())).is_pending());
    }

    drop(leader);
    assert!(follower.as_mut().poll(&mut Context::from_waker(&waker())).is_pending());
    let mut other = Box::pin(policy.run(&7, stage.run()));
    assert!(other.as_mut().poll(&mut Context::from_waker(&waker())).is_pending());
    drop(other);
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let (policy, stage) = (Coalesce::named("moved"), Stage::default());
    let (mut leader, mut follower) = (Call::new(policy.run(&7, stage.run())), Call::new(policy.run(&7, stage.run())));
    assert!(leader.poll().is_none() && follower.poll().is_none());
    let before = std::mem::take(&mut follower.woken);
    assert!(follower.poll().is_none());

    stage.done.set(true);
    leader.poll();

    assert_eq!((before.0.load(SeqCst), follower.woken()), (0, 1));
}

/// One function that is made for several types, with one `static` and one type of outcome.
async fn name_of<T>(policy: &Coalesce, id: u32) -> String {
    let attempt = async move {
        tokio::task::yield_now().await;
        format!("{} {id}", std::any::type_name::<T>())
    };
    policy.run(&id, attempt).await
}

#[tokio::test]
async fn instances_of_a_generic_function_are_kept_apart() {
    let policy = Coalesce::named("generic");

    let names = tokio::join!(name_of::<u8>(&policy, 1), name_of::<u16>(&policy, 1), name_of::<u8>(&policy, 1));

    assert_eq!(names, ("u8 1".to_owned(), "u16 1".to_owned(), "u8 1".to_owned()));
    assert_eq!((policy.counts().leaders, policy.counts().followers), (2, 1));
}

#[test]
fn outcomes_of_two_types_are_kept_apart() {
    let policy = Coalesce::named("types");
    let (done, stage) = (Cell::new(false), Stage::default());
    let wait = || poll_fn(|_| if done.get() { Poll::Ready(()) } else { Poll::Pending });
    let mut call = Call::new(policy.run(&1, async {
        wait().await;
        1_u8
    }));
    let mut other = Call::new(policy.run(&1, stage.run()));
    assert!(call.poll().is_none() && other.poll().is_none());
    assert_eq!(policy.counts().leaders, 2);
}

#[test]
fn calls_on_two_objects_are_kept_apart() {
    let (policy, stage) = (Coalesce::named("objects"), Stage::default());
    let objects = ["a".to_owned(), "b".to_owned()];
    let call = |index: usize| Call::new(policy.call(&7).on(&objects[index]).run(stage.run()));
    let mut calls = [call(0), call(1), call(0)];

    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    assert_eq!((stage.runs.get(), keys(&policy)), (2, 2));
}

#[test]
fn calls_on_two_objects_at_one_address_are_kept_apart() {
    let (policy, stage) = (Coalesce::named("one address"), Stage::default());
    let text = "north-west";
    let call = |object: &str| Call::new(policy.call(&7).on(object).run(stage.run()));
    let mut calls = [call(text), call(&text[..5]), call(text)];

    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    assert_eq!((stage.runs.get(), keys(&policy)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn hold_keeps_the_outcome_for_its_time_and_no_longer() {
    let policy = Coalesce::named("hold").hold(Duration::from_millis(100));
    let runs = Cell::new(0);
    let call = || {
        policy.run("a", async {
            runs.set(runs.get() + 1);
            runs.get()
        })
    };

    assert_eq!(call().await, 1);
    sleep(Duration::from_millis(99)).await;
    assert_eq!((call().await, keys(&policy)), (1, 1));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(call().await, 2);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(keys(&policy), 0);
    assert_eq!((policy.counts().leaders, policy.counts().followers), (2, 1));
}

#[test]
fn made_as_new_it_holds_nothing() {
    let policy = Coalesce::named("new").hold(Duration::MAX);
    let call = |n: u32| Call::new(policy.run("a", ready(n))).poll();
    assert_eq!((call(1), call(2), keys(&policy)), (Some(1), Some(1), 1));

    policy.forget();

    assert_eq!((keys(&policy), call(3)), (0, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn what_is_held_for_ever_is() {
    let policy = Coalesce::named("for ever").hold(Duration::MAX);
    policy.run("a", ready(1)).await;

    sleep(Duration::from_secs(1_000_000)).await;

    assert_eq!(policy.run("a", ready(2)).await, 1);
}

#[test]
fn what_is_held_when_the_clock_goes_back_is_held_no_longer_than_that() {
    let policy = Coalesce::named("clock").hold(Duration::from_secs(1));
    let later = |days: u64, outcome| clock::later(Duration::from_secs(days * 86_400), policy.run("a", ready(outcome)));

    assert_eq!(later(3, 1), 1);
    assert_eq!(later(0, 2), 2);
    assert_eq!(later(1, 3), 3);
    clock::later(Duration::from_secs(2 * 86_400), async { assert_eq!(keys(&policy), 0) });
}

/// Settings that change while a run ends may leave its outcome where nothing is held any more.
#[test]
fn what_was_left_where_nothing_is_held_any_more_is_not_given_out() {
    use super::flights::{Flights, Identity, Joined};

    let policy = Coalesce::named("left").hold(Duration::from_secs(3_600));
    let (flights, hold) = (Flights::new(), policy.config.lease(Judgement::ForAll));
    let identity = Identity { key: fingerprint("k"), owner: 0, future: typeid::of::<u32> };
    let Joined::<u32>::Lead(turn) = flights.join(&identity, 1, Waker::noop(), false) else {
        panic!("nobody else is there")
    };
    let flight = flights.land::<u32>(&identity, turn, hold).expect("it is to be held");
    assert!(flights.deliver(&identity, turn, &flight, &7, hold).is_none());

    assert!(matches!(flights.join::<u32>(&identity, 2, Waker::noop(), false), Joined::Lead(_)));

    let counts = flights.counts(Hold::from_now(hold));
    assert_eq!((counts.leaders, counts.followers, counts.keys), (2, 0, 1));
}

#[test]
#[should_panic(expected = "`stale_while_revalidate` must be longer than zero")]
fn no_time_to_renew_in_is_refused() {
    let _ = Coalesce::named("stale").stale_while_revalidate(Duration::ZERO);
}

#[test]
#[should_panic(expected = "`hold` must be longer than zero")]
fn hold_of_no_time_is_refused() {
    let _ = Coalesce::named("hold").hold(Duration::ZERO);
}

#[tokio::test]
async fn of_too_many_keys_each_runs_by_itself() {
    let policy = Coalesce::named("many");
    let log = crate::test::record();
    let stage = Stage::default();
    let mut calls: Vec<_> = (0..11_000).map(|key| Call::new(policy.run(&key, stage.run()))).collect();

    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    let counts = policy.counts();
    assert_eq!((stage.runs.get(), counts.leaders + counts.overflowed), (11_000, 11_000));
    assert_eq!(
        (counts.keys, log.count(|event| *event == crate::Event::RanAlone { policy: "many" }) as u64),
        (counts.leaders, counts.overflowed)
    );
    assert!((9_000..=Coalesce::MOST_KEYS as u64).contains(&counts.keys), "{counts:?}");
    stage.done.set(true);
    assert!(calls.iter_mut().all(|call| call.poll().is_some()));
    assert_eq!(keys(&policy), 0);
}

#[test]
fn observe_lets_each_run_and_counts_who_would_have_joined() {
    let (policy, stage) = (Coalesce::named("observe").mode(Mode::Observe), Stage::default());
    let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    stage.done.set(true);

    let outcomes: Vec<_> = calls.iter_mut().map(Call::poll).collect();

    assert_eq!(outcomes, [Some(1), Some(2), Some(3)]);
    let counts = CoalesceCounts { leaders: 1, observed: 2, ..CoalesceCounts::default() };
    assert_eq!(policy.counts(), counts);
}

#[test]
fn off_does_nothing() {
    let (policy, stage) = (Coalesce::named("off"), Stage::default());
    policy.set_mode(Mode::Off);
    let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.run(&7, stage.run()))).collect();

    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    assert_eq!((stage.runs.get(), policy.counts()), (3, CoalesceCounts::default()));
}

#[test]
fn those_who_wait_when_it_is_switched_off_get_their_outcome() {
    let (policy, stage) = (Coalesce::named("switched"), Stage::default());
    let mut calls: Vec<_> = (0..2).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    policy.set_mode(Mode::Off);
    stage.done.set(true);

    assert_eq!((calls[0].poll(), calls[1].woken(), calls[1].poll()), (Some(1), 1, Some(1)));
    assert_eq!(keys(&policy), 0);
}

#[tokio::test]
async fn a_call_inside_of_its_own_leader_runs_by_itself() {
    static POLICY: Coalesce = Coalesce::named("inside");
    fn depth(left: u32) -> Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(POLICY.run("k", async move { if left == 0 { 0 } else { depth(left - 1).await + 1 } }))
    }

    assert_eq!(depth(3).await, 3);

    assert_eq!((POLICY.counts().leaders, POLICY.counts().reentrant), (1, 3));
    assert_eq!(listed(&POLICY, ["coalesce_runs", "ran_alone"]), [1, 3]);
}

fn rejected(reason: Reason) -> Settled<u32> {
    Settled::Rejected(Error::new(PolicyKind::Timeout, "inner", reason))
}

#[test]
fn a_rejection_is_shared_like_any_outcome() {
    let policy = Coalesce::named("rejected");
    let (done, runs) = (Cell::new(false), Cell::new(0));
    let body = || async {
        runs.set(runs.get() + 1);
        poll_fn(|_| if done.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        rejected(Reason::QueueFull)
    };
    let mut calls: Vec<_> = (0..2).map(|_| Call::new(policy.call(&7).run_settled(body()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    done.set(true);

    let outcomes: Vec<_> = calls.iter_mut().map(Call::poll).collect();

    assert_eq!(outcomes, [Some(rejected(Reason::QueueFull)), Some(rejected(Reason::QueueFull))]);
    assert_eq!(runs.get(), 1);
}

/// The counts of that name in the list of policies.
fn listed<const N: usize>(policy: &Coalesce, names: [&str; N]) -> [u64; N] {
    let mut description = crate::list::Description::default();
    policy.describe_to(&mut description);
    names.map(|name| description.counts.iter().find(|(of, ..)| *of == name).unwrap().2 as u64)
}

#[test]
fn the_list_counts_who_took_a_lead_over_as_one_who_ran() {
    let (policy, stage) = (Coalesce::named("listed"), Stage::default());
    let mut calls: Vec<_> = (0..4).map(|_| Call::new(policy.run(&7, stage.run()))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));

    calls[0].drop();
    stage.done.set(true);
    assert!(calls[1..].iter_mut().all(|call| call.poll() == Some(2)));

    assert_eq!(listed(&policy, ["coalesce_runs", "coalesced", "handovers"]), [2, 2, 1]);
}

#[test]
fn the_list_counts_who_declines_an_outcome_as_one_who_ran_alone() {
    let (policy, stage) = (Coalesce::named("declined"), Stage::default());
    let mut leader = Call::new(policy.run(&7, stage.run()));
    let mut other = Call::new(policy.call(&7).begin(stage.run(), |_| Judgement::ForTheCaller));
    assert!(leader.poll().is_none() && other.poll().is_none());
    stage.done.set(true);

    assert_eq!((leader.poll(), other.poll()), (Some(1), Some(2)));

    assert_eq!(listed(&policy, ["coalesce_runs", "coalesced", "ran_alone"]), [1, 0, 1]);
}

#[test]
fn calls_of_one_type_are_one_though_it_has_two_names() {
    use super::flights::Identity;

    fn of_number() -> std::any::TypeId {
        std::hint::black_box(typeid::of::<u32>())
    }
    let call = |future| Identity { key: fingerprint("k"), owner: 0, future };

    assert!(call(typeid::of::<u32>) == call(of_number));
    assert!(call(typeid::of::<u32>) != call(typeid::of::<u64>));
}

#[test]
fn that_the_leaders_own_time_is_over_is_not_told_to_others() {
    for reason in [Reason::DeadlineExceeded, Reason::Cancelled] {
        let policy = Coalesce::named("own time");
        let runs = Cell::new(0);
        let body = || async {
            runs.set(runs.get() + 1);
            if runs.get() > 1 {
                return Settled::Outcome(7);
            }
            let mut waited = false;
            poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
            rejected(reason)
        };
        let mut calls: Vec<_> = (0..3).map(|_| Call::new(policy.call(&7).run_settled(body()))).collect();
        assert!(calls.iter_mut().all(|call| call.poll().is_none()));

        let outcomes: Vec<_> = calls.iter_mut().map(Call::poll).collect();

        assert_eq!(outcomes, [Some(rejected(reason)), Some(Settled::Outcome(7)), Some(Settled::Outcome(7))]);
        assert_eq!((policy.counts().handed_over, keys(&policy)), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_alone_does_not_stop_a_follower() {
    let policy = Coalesce::named("scope");
    let call = || {
        policy.run("k", async {
            sleep(Duration::from_secs(2)).await;
            7
        })
    };

    let (_, followed) = tokio::join!(call(), Deadline::after(Duration::from_secs(1)).scope(call()));

    assert_eq!(followed, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads_each_gets_the_outcome_of_its_key() {
    static POLICY: Coalesce = Coalesce::named("threads");
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let mut tasks = tokio::task::JoinSet::new();
    for call in 0..4_000_u32 {
        tasks.spawn(async move {
            let key = call % 7;
            let running = POLICY.run(&key, async move {
                RUNS.fetch_add(1, SeqCst);
                tokio::task::yield_now().await;
                assert!(call % 11 != 0, "as it should");
                key
            });
            let mut running = pin!(running);
            if call % 5 == 0 {
                // gives up after one look
                return poll_fn(|context| Poll::Ready(running.as_mut().poll(context).is_ready().then_some(key))).await;
            }
            let outcome = running.await;
            assert_eq!(outcome, key);
            Some(outcome)
        });
    }

    while let Some(ended) = tasks.join_next().await {
        assert!(ended.is_ok() || ended.is_err_and(|error| error.is_panic()));
    }

    let counts = POLICY.counts();
    assert_eq!(counts.keys, 0);
    assert_eq!(counts.leaders + counts.followers, 4_000);
    assert!(RUNS.load(SeqCst) >= 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_in_another_task_is_woken() {
    let (policy, go) = (Arc::new(Coalesce::named("tasks")), Arc::new(Notify::new()));
    let call = || {
        let (policy, go) = (policy.clone(), go.clone());
        tokio::spawn(async move {
            let run = async {
                go.notified().await;
                7
            };
            policy.run("k", run).await
        })
    };
    let calls = [call(), call(), call()];
    while policy.counts().leaders + policy.counts().followers < 3 {
        tokio::task::yield_now().await;
    }

    go.notify_one();

    for call in calls {
        assert_eq!(call.await.unwrap(), 7);
    }
}

#[test]
fn on_several_threads_nobody_gets_a_run_that_had_been_given_before_its_call_began() {
    static RUNS: Coalesce = Coalesce::named("runs");
    static RUN: AtomicU32 = AtomicU32::new(1);
    static GIVEN: AtomicU32 = AtomicU32::new(0);

    async fn once() -> u32 {
        let run = RUN.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        run
    }
    let call_in_a_loop = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut stale = 0;
            for _ in 0..20_000 {
                let given = GIVEN.load(SeqCst);
                let run = RUNS.run(&7, once()).await;
                GIVEN.fetch_max(run, SeqCst);
                stale += u32::from(run <= given);
            }
            stale
        })
    };

    let threads: Vec<_> = (0..6).map(|_| std::thread::spawn(call_in_a_loop)).collect();
    let stale: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();

    assert_eq!(stale, 0, "of 120,000 calls");
    assert!(RUNS.counts().followers > 0);
}

mod leaving;
mod patience;
mod renewing;
