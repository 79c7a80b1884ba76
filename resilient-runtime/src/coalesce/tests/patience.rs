//! Followers whose leader takes longer than `max_wait`.

use std::rc::Rc;

use tokio::time::{Instant, sleep, timeout};

use super::*;

const PATIENCE: Duration = Duration::from_secs(2);

/// Runs that end with their number after their own times.
struct Runs<'a> {
    policy: &'a Coalesce,
    begun: Rc<Cell<u32>>,
    times: &'static [u64],
}

impl<'a> Runs<'a> {
    fn new(policy: &'a Coalesce, times: &'static [u64]) -> Self {
        Self { policy, begun: Rc::default(), times }
    }

    fn call(&self) -> impl Future<Output = u32> + 'a {
        let (begun, times) = (self.begun.clone(), self.times);
        self.policy.run(&7, async move {
            let run = begun.replace(begun.get() + 1);
            sleep(Duration::from_secs(times[run as usize])).await;
            run
        })
    }
}

#[tokio::test(start_paused = true)]
async fn followers_of_a_parked_leader_run_once_for_all_of_them() {
    let policy = Coalesce::named("parked leader").max_wait(PATIENCE);
    let runs = Runs::new(&policy, &[1, 1]);
    let mut parked = Box::pin(runs.call());
    assert!(timeout(Duration::ZERO, &mut parked).await.is_err());
    let began = Instant::now();

    let outcomes = tokio::join!(runs.call(), runs.call(), runs.call());

    assert_eq!((outcomes, began.elapsed()), ((1, 1, 1), Duration::from_secs(3)));
    assert_eq!((runs.begun.get(), policy.counts().handed_over, keys(&policy)), (2, 1, 0));
    assert_eq!(parked.await, 0, "it has its own outcome");
    assert_eq!(keys(&policy), 0);
}

#[tokio::test(start_paused = true)]
async fn each_leader_has_as_long_before_it_is_overtaken() {
    let policy = Coalesce::named("hanging").max_wait(PATIENCE);
    let runs = Runs::new(&policy, &[60, 60, 60, 1]);
    let began = Instant::now();
    let ended = |outcome: u32| (outcome, began.elapsed().as_secs());

    let outcomes = tokio::join!(
        async { ended(runs.call().await) },
        async { ended(runs.call().await) },
        async { ended(runs.call().await) },
        async { ended(runs.call().await) },
        async { ended(runs.call().await) },
    );

    let (first, rest) = (outcomes.0, [outcomes.1, outcomes.2, outcomes.3, outcomes.4]);
    assert_eq!(first, (0, 60));
    let mut rest: Vec<_> = rest.into();
    rest.sort_unstable();
    // two overtake, and the last of them answers the others
    assert_eq!(rest, [(1, 62), (2, 64), (3, 7), (3, 7)]);
    assert_eq!((runs.begun.get(), keys(&policy)), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_leader_in_time_is_not_overtaken() {
    let policy = Coalesce::named("in time").max_wait(PATIENCE);
    let runs = Runs::new(&policy, &[1]);

    assert_eq!(tokio::join!(runs.call(), runs.call()), (0, 0));
    assert_eq!(policy.counts().handed_over, 0);
}

#[tokio::test(start_paused = true)]
async fn an_overtaken_leader_that_is_dropped_leaves_its_successor_alone() {
    let policy = Coalesce::named("dropped").max_wait(PATIENCE);
    let runs = Runs::new(&policy, &[60, 1]);
    let mut parked = Box::pin(runs.call());
    assert!(timeout(Duration::ZERO, &mut parked).await.is_err());
    let mut waits = Box::pin(async { tokio::join!(runs.call(), runs.call()) });
    assert!(timeout(Duration::from_millis(2_500), &mut waits).await.is_err());

    drop(parked);

    assert_eq!(waits.await, (1, 1));
    assert_eq!((runs.begun.get(), policy.counts().handed_over, keys(&policy)), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_first_to_end_answers_all_even_if_it_was_overtaken() {
    let policy = Coalesce::named("slow").max_wait(PATIENCE);
    let runs = Runs::new(&policy, &[3, 3]);
    let began = Instant::now();

    let outcomes = futures_util::future::join_all((0..20).map(|_| runs.call())).await;

    // the one that overtook has its own, two seconds later
    let mut expected = vec![0; 20];
    expected[1] = 1;
    assert_eq!((outcomes, began.elapsed()), (expected, Duration::from_secs(5)));
    assert_eq!((runs.begun.get(), policy.counts().handed_over, keys(&policy)), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_key_has_ended_changes_nothing_for_the_next_calls() {
    for ends in [true, false] {
        let policy = Coalesce::named("ended before").max_wait(PATIENCE);
        let runs = Runs::new(&policy, &[3, 3, 1, 60]);
        let overtakes = timeout(Duration::from_millis(if ends { 5_100 } else { 4_900 }), runs.call());
        let next = async {
            sleep(Duration::from_millis(4_500)).await;
            tokio::join!(runs.call(), runs.call())
        };

        let outcomes = tokio::join!(runs.call(), overtakes, next);

        assert_eq!((outcomes.0, outcomes.1.ok(), outcomes.2), (0, ends.then_some(1), (2, 2)));
        assert_eq!((runs.begun.get(), policy.counts().handed_over, keys(&policy)), (3, 1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_the_first_to_end_is_held() {
    let policy = Coalesce::named("held").max_wait(PATIENCE).hold(Duration::from_secs(100));
    let runs = Runs::new(&policy, &[3, 60]);

    assert_eq!(tokio::join!(runs.call(), runs.call()), (0, 1));
    assert_eq!((runs.call().await, runs.begun.get()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_overtaken_while_its_outcome_is_cloned_gives_it_to_all() {
    thread_local! {
        static DURING_CLONE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    }
    #[derive(Debug, PartialEq)]
    struct Outcome(u32);
    impl Clone for Outcome {
        fn clone(&self) -> Self {
            if let Some(act) = DURING_CLONE.take() {
                act();
            }
            Self(self.0)
        }
    }
    let policy: &Coalesce = Box::leak(Box::new(Coalesce::named("cloning").max_wait(PATIENCE)));
    let run = |run: u32, time: Duration| async move {
        sleep(time).await;
        Outcome(run)
    };
    let call = move |number: u32, seconds: u64| policy.run(&7, run(number, Duration::from_secs(seconds)));
    let (mut leader, mut follower, mut other) = (Call::new(call(1, 3)), Call::new(call(2, 1)), Call::new(call(3, 1)));
    assert_eq!((leader.poll(), follower.poll(), other.poll()), (None, None, None));
    sleep(Duration::from_secs(4)).await;
    let follower = Rc::new(RefCell::new(follower));
    let overtakes = follower.clone();
    DURING_CLONE.set(Some(Box::new(move || assert_eq!(overtakes.borrow_mut().poll(), None))));

    assert_eq!((leader.poll(), other.poll()), (Some(Outcome(1)), Some(Outcome(1))));

    sleep(Duration::from_secs(1)).await;
    assert_eq!(follower.borrow_mut().poll(), Some(Outcome(2)), "it has its own");
    assert_eq!(keys(policy), 0);
}

#[test]
fn without_timers_it_waits_as_long_as_the_run_takes() {
    let (policy, stage) = (Coalesce::named("no timers").max_wait(PATIENCE), Stage::default());
    let (mut leader, mut follower) = (Call::new(policy.run(&7, stage.run())), Call::new(policy.run(&7, stage.run())));
    assert_eq!((leader.poll(), follower.poll()), (None, None));

    stage.done.set(true);

    assert_eq!((leader.poll(), follower.poll()), (Some(1), Some(1)));
}

#[test]
#[should_panic(expected = "`max_wait` must be longer than zero")]
fn max_wait_of_no_time_is_refused() {
    let _ = Coalesce::named("no wait").max_wait(Duration::ZERO);
}
