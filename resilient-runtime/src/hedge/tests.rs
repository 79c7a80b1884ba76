use std::cell::Cell;
use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize};
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::naming::Named;
use crate::{Budget, Class, Classify, Deadline, Error, PolicyKind, Reason, Retry, Settled, Timeout};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// An error of any class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failed(u32, Class);

impl Classify for Failed {
    fn class(&self) -> Class {
        self.1
    }
}

/// The behaviour of each attempt of a call: after so many milliseconds this outcome.
struct Plan {
    steps: Vec<(u64, Result<u32, Class>)>,
    begun: AtomicUsize,
    starts: std::sync::Mutex<Vec<u64>>,
    alive: Arc<AtomicU32>,
    start: Instant,
}

struct Alive(Arc<AtomicU32>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Plan {
    fn of(steps: &[(u64, Result<u32, Class>)]) -> Self {
        let start = Instant::now();
        Self {
            steps: steps.to_vec(),
            begun: AtomicUsize::new(0),
            starts: Vec::new().into(),
            alive: Arc::default(),
            start,
        }
    }

    async fn attempt(&self) -> Result<u32, Failed> {
        let number = self.begun.fetch_add(1, Relaxed);
        self.starts.lock().unwrap().push(self.start.elapsed().as_millis() as u64);
        self.alive.fetch_add(1, Relaxed);
        let _alive = Alive(self.alive.clone());
        let (time, outcome) = self.steps[number];
        if time > 0 {
            sleep(ms(time)).await;
        }
        outcome.map_err(|class| Failed(number as u32, class))
    }

    fn starts(&self) -> Vec<u64> {
        self.starts.lock().unwrap().clone()
    }

    fn alive(&self) -> u32 {
        self.alive.load(Relaxed)
    }
}

/// After 100 ms, with as much budget as there are calls, and enough of it for many.
fn fixed() -> Hedge {
    let hedge = Hedge::named("fixed").after(ms(100)).ratio(1.0);
    (0..50).for_each(|_| hedge.bucket.put_back());
    hedge
}

const SLOW: u64 = 1_000_000;

#[test]
fn is_a_value_for_a_static() {
    static FETCH: Hedge =
        Hedge::named("fetch").after_percentile(99.0).min_after(ms(5)).max_after(ms(50)).max(2).ratio(0.1);
    static AFTER: Hedge = Hedge::named("after").after(ms(50)).retry_budget_by_name().mode(Mode::Observe);

    assert_eq!((FETCH.name(), FETCH.delay()), ("fetch", None));
    assert_eq!((AFTER.delay(), AFTER.current_mode()), (Some(ms(50)), Mode::Observe));
    assert_eq!(AFTER.counts(), HedgeCounts { sent: 0, won: 0, suppressed: 0, observed: 0 });
}

#[test]
fn contradictions_do_not_build() {
    let refused = |build: fn() -> Hedge| {
        let panic = std::panic::catch_unwind(build).expect_err("built");
        panic.downcast_ref::<String>().cloned().expect("a message")
    };

    assert_eq!(refused(|| Hedge::named("").after_percentile(49.9)), "the percentile must be from 50 to 99.9");
    assert_eq!(refused(|| Hedge::named("").after_percentile(f64::NAN)), "the percentile must be from 50 to 99.9");
    assert_eq!(refused(|| Hedge::named("").max(0)), "a hedge of no attempts is no hedge");
    assert_eq!(refused(|| Hedge::named("").max(11)), "`max` must be at most 10");
    assert_eq!(refused(|| Hedge::named("").ratio(0.0)), "the ratio of a hedge is more than 0 and at most 1");
    assert_eq!(refused(|| Hedge::named("").ratio(1.1)), "the ratio of a hedge is more than 0 and at most 1");
    assert_eq!(refused(|| Hedge::named("").ratio(f64::NAN)), "the ratio of a hedge is more than 0 and at most 1");
    assert_eq!(refused(|| Hedge::named("").ratio(0.00001)), "the ratio of a hedge is at least 0.0001");
    assert_eq!(
        refused(|| Hedge::named("").max_after(ms(1)).min_after(ms(2))),
        "`min_after` must not be longer than `max_after`"
    );
}

#[test]
fn the_ends_of_each_range_build() {
    let least = Hedge::named("least").after_percentile(50.0).max(1).ratio(0.0001);
    let most = Hedge::named("most").after_percentile(99.9).max(10).ratio(1.0).min_after(ms(2)).max_after(ms(2));

    assert_eq!((least.config.after, least.config.max, least.config.deposit), (After::Percentile(50.0), 1, 1));
    assert_eq!((most.config.after, most.config.max, most.config.deposit), (After::Percentile(99.9), 10, 10_000));
    assert_eq!(Hedge::named("rounded").ratio(0.000_16).config.deposit, 2, "to the nearest ten-thousandth");
}

#[test]
fn only_a_longest_delay_that_was_set_is_shown() {
    let shown = |hedge: Hedge| {
        let mut description = Description::default();
        hedge.describe_to(&mut description);
        let setting = description.settings.into_iter().find(|setting| setting.key == "max_after");
        setting.map(|setting| setting.value)
    };

    assert_eq!(shown(Hedge::named("unbounded")), None);
    assert_eq!(shown(Hedge::named("bounded").max_after(ms(50))).as_deref(), Some("50ms"));
}

#[test]
fn what_is_ready_at_once_needs_no_runtime_and_no_budget() {
    let hedge = fixed();
    let before = hedge.budget_balance();

    let outcome = poll(&mut Box::pin(hedge.run(|| ready(Ok::<_, Failed>(1)))));

    assert_eq!(outcome, Some(Ok(1)));
    assert_eq!(hedge.budget_balance().to_bits(), before.to_bits());
}

#[tokio::test(start_paused = true)]
async fn starts_another_after_the_delay_and_takes_the_first_success() {
    let hedge = fixed();
    let plan = Plan::of(&[(SLOW, Ok(0)), (30, Ok(1))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(1));

    assert_eq!(plan.starts(), [0, 100]);
    assert_eq!((plan.start.elapsed(), plan.alive()), (ms(130), 0));
    assert_eq!(hedge.counts(), HedgeCounts { sent: 1, won: 1, suppressed: 0, observed: 0 });
}

#[tokio::test(start_paused = true)]
async fn the_first_may_still_win() {
    let hedge = fixed();
    let plan = Plan::of(&[(150, Ok(0)), (SLOW, Ok(1))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(0));

    assert_eq!((plan.starts(), plan.alive()), (vec![0, 100], 0));
    assert_eq!(hedge.counts(), HedgeCounts { sent: 1, won: 0, suppressed: 0, observed: 0 });
}

#[tokio::test(start_paused = true)]
async fn losers_are_dropped_before_the_winner_is_returned() {
    let hedge = fixed().max(2);
    let plan = Plan::of(&[(SLOW, Ok(0)), (SLOW, Ok(1)), (10, Ok(2))]);
    let mut call = Box::pin(hedge.run(|| plan.attempt()));

    assert_eq!((&mut call).await, Ok(2));

    // the future itself is still there
    assert_eq!((plan.starts(), plan.alive()), (vec![0, 100, 200], 0));
    drop(call);
}

#[tokio::test(start_paused = true)]
async fn a_quick_first_attempt_is_alone() {
    let hedge = fixed();
    let plan = Plan::of(&[(99, Ok(0))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(0));

    assert_eq!(plan.starts(), [0]);
}

#[tokio::test(start_paused = true)]
async fn each_further_one_starts_after_the_delay_again() {
    let hedge = fixed().max(3);
    let plan = Plan::of(&[(SLOW, Ok(0)), (SLOW, Ok(1)), (SLOW, Ok(2)), (350, Ok(3))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(3));

    assert_eq!(plan.starts(), [0, 100, 200, 300]);
    assert_eq!(plan.start.elapsed(), ms(650));
}

#[tokio::test(start_paused = true)]
async fn no_delay_starts_all_at_once() {
    let hedge = fixed().after(Duration::ZERO).max(2);
    let plan = Plan::of(&[(50, Ok(0)), (20, Ok(1)), (30, Ok(2))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(1));

    assert_eq!(plan.starts(), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_starts_the_next_at_once() {
    let hedge = fixed();
    let plan = Plan::of(&[(10, Err(Class::Transient)), (10, Ok(1))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(1));

    assert_eq!((plan.starts(), plan.start.elapsed()), (vec![0, 10], ms(20)));
    assert_eq!(hedge.counts().won, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_the_first_poll_starts_the_next_at_once() {
    let hedge = fixed().max(2);
    let plan = Plan::of(&[(0, Err(Class::Transient)), (0, Err(Class::Transient)), (0, Ok(2))]);

    assert_eq!(poll(&mut Box::pin(hedge.run(|| plan.attempt()))), Some(Ok(2)));

    assert_eq!(hedge.counts().sent, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_does_not_win_over_an_attempt_that_runs() {
    let hedge = fixed();
    let plan = Plan::of(&[(300, Ok(0)), (10, Err(Class::Transient))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(0));

    assert_eq!((plan.starts(), plan.start.elapsed()), (vec![0, 100], ms(300)));
}

#[tokio::test(start_paused = true)]
async fn if_all_fail_the_outcome_is_that_of_the_first() {
    for first in [10, 500] {
        let hedge = fixed().max(2);
        let plan = Plan::of(&[(first, Err(Class::Transient)), (20, Err(Class::Transient)), (5, Err(Class::Transient))]);

        assert_eq!(hedge.run(|| plan.attempt()).await, Err(Failed(0, Class::Transient)));

        assert_eq!((plan.starts().len(), plan.alive()), (3, 0));
        assert_eq!(hedge.counts().won, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_ends_the_call() {
    let hedge = fixed();
    let first = Plan::of(&[(10, Err(Class::Permanent))]);
    assert_eq!(hedge.run(|| first.attempt()).await, Err(Failed(0, Class::Permanent)));

    let second = Plan::of(&[(SLOW, Ok(0)), (10, Err(Class::Permanent))]);
    assert_eq!(hedge.run(|| second.attempt()).await, Err(Failed(1, Class::Permanent)));

    assert_eq!((second.start.elapsed(), second.alive()), (ms(110), 0));
    assert_eq!(hedge.counts().won, 0);
}

#[tokio::test(start_paused = true)]
async fn none_starts_before_the_time_that_the_server_named() {
    let busy = Err(Class::Throttled { after: Some(ms(300)) });
    let hedge = fixed().max(2);
    let plan = Plan::of(&[(SLOW, Ok(0)), (50, busy), (10, Ok(2))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(2));

    assert_eq!(plan.starts(), [0, 100, 450]);
}

#[tokio::test(start_paused = true)]
async fn with_nothing_under_way_a_named_time_ends_the_call() {
    let class = Class::Throttled { after: Some(ms(300)) };
    let hedge = fixed().max(2);
    let plan = Plan::of(&[(50, Err(class))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Err(Failed(0, class)));

    assert_eq!((plan.starts(), plan.start.elapsed()), (vec![0], ms(50)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_leaves_nothing_under_way_does_not_wait_for_a_named_time() {
    let busy = Err(Class::Throttled { after: Some(ms(300)) });
    let hedge = fixed().max(2);
    let plan = Plan::of(&[(250, Err(Class::Transient)), (50, busy)]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Err(Failed(0, Class::Transient)));

    assert_eq!((plan.starts(), plan.start.elapsed()), (vec![0, 100], ms(250)));
}

#[tokio::test(start_paused = true)]
async fn the_longest_time_that_a_server_can_name_is_no_trouble() {
    let busy = Err(Class::Throttled { after: Some(Duration::MAX) });
    let hedge = fixed().max(2);
    let plan = Plan::of(&[(400, Ok(0)), (50, busy)]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(0));

    assert_eq!(plan.starts(), [0, 100]);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_without_a_time_is_a_failure_like_others() {
    let hedge = fixed();
    let plan = Plan::of(&[(50, Err(Class::Throttled { after: None })), (10, Ok(1))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(1));

    assert_eq!(plan.starts(), [0, 50]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_further_in_starts_no_other_and_ends_none() {
    let refusal = || Error::new(PolicyKind::Bulkhead, "full", Reason::QueueFull);
    let hedge = fixed().max(2);
    let attempts = Cell::new(0);
    let attempt = || {
        attempts.set(attempts.get() + 1);
        let number = attempts.get();
        async move {
            match number {
                1 => {
                    sleep(ms(500)).await;
                    Settled::Outcome(Ok::<_, Failed>(1))
                }
                _ => Settled::Rejected(refusal()),
            }
        }
    };

    assert_eq!(hedge.run(attempt).await, Settled::Outcome(Ok(1)));
    assert_eq!(attempts.get(), 2);

    assert!(matches!(
        hedge.run(|| ready(Settled::<Result<(), Failed>>::Rejected(refusal()))).await,
        Settled::Rejected(_)
    ));
    assert_eq!(hedge.counts().sent, 1);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_further_in_starts_the_next() {
    static LIMIT: Timeout = Timeout::named("limit", ms(40));
    let hedge = fixed();
    let plan = Plan::of(&[(SLOW, Ok(0)), (30, Ok(1))]);

    assert_eq!(hedge.run(|| LIMIT.run(plan.attempt())).await, Settled::Outcome(Ok(1)));

    assert_eq!(plan.starts(), [0, 40]);
}

#[tokio::test(start_paused = true)]
async fn none_starts_after_the_deadline() {
    for (deadline, starts) in [(ms(100), vec![0]), (ms(101), vec![0, 100]), (ms(150), vec![0, 100])] {
        let hedge = fixed().max(2);
        let plan = Plan::of(&[(300, Ok(0)), (SLOW, Ok(1)), (SLOW, Ok(2))]);

        assert_eq!(Deadline::after(deadline).scope(hedge.run(|| plan.attempt())).await, Ok(0));

        assert_eq!(plan.starts(), starts, "{deadline:?}");
        assert_eq!(hedge.counts().suppressed, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_deadline_starts_nothing() {
    let hedge = fixed();
    let plan = Plan::of(&[(80, Err(Class::Transient))]);

    let outcome = Deadline::after(ms(50)).scope(hedge.run(|| plan.attempt())).await;

    assert_eq!((outcome, plan.starts()), (Err(Failed(0, Class::Transient)), vec![0]));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_time_out_outside_counts_too() {
    static LIMIT: Timeout = Timeout::named("limit", ms(90));
    let hedge = fixed();
    let plan = Plan::of(&[(SLOW, Ok(0))]);

    assert!(matches!(LIMIT.run(hedge.run(|| plan.attempt())).await, Settled::Rejected(_)));

    assert_eq!((plan.starts(), plan.alive()), (vec![0], 0));
}

#[tokio::test(start_paused = true)]
async fn begins_without_a_budget_and_never_exceeds_it() {
    let hedge = Hedge::named("poor").after(ms(1)).ratio(0.1);
    let mut sent = Vec::new();

    for _ in 0..100 {
        hedge
            .run(|| async {
                sleep(ms(5)).await;
                Ok::<_, Failed>(())
            })
            .await
            .unwrap();
        sent.push(hedge.counts().sent);
    }

    assert_eq!((sent[8], sent[9], sent[99]), (0, 1, 10));
    assert_eq!(hedge.counts().suppressed, 90);
}

#[tokio::test(start_paused = true)]
async fn without_budget_a_failure_ends_the_call() {
    let hedge = Hedge::named("poor").after(ms(100)).ratio(0.1).max(3);
    let plan = Plan::of(&[(10, Err(Class::Transient))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Err(Failed(0, Class::Transient)));

    assert_eq!((plan.start.elapsed(), hedge.counts().suppressed), (ms(10), 1));
}

#[tokio::test(start_paused = true)]
async fn draws_on_the_budget_of_the_retries_of_its_name() {
    let hedge = |name| {
        let hedge = Hedge::named(name).after(Duration::ZERO).ratio(1.0).max(10).retry_budget_by_name();
        (0..90).for_each(|_| hedge.bucket.put_back());
        hedge
    };
    let slow = || async {
        sleep(ms(5)).await;
        Ok::<_, Failed>(())
    };

    let alone = hedge("hedge: nobody retries");
    for _ in 0..9 {
        alone.run(slow).await.unwrap();
    }
    assert_eq!(alone.counts().sent, 90);

    let retry = Retry::named("hedge: with retries").budget_by_name();
    let _ = retry.begin();
    let both = hedge("hedge: with retries");
    for _ in 0..9 {
        both.run(slow).await.unwrap();
    }
    assert_eq!(both.counts().sent, 90);
    assert!(retry.budget_balance() < 11.0, "{}", retry.budget_balance());
    (0..20).for_each(|_| both.bucket.put_back());
    both.run(slow).await.unwrap();
    both.run(slow).await.unwrap();
    assert!((100..=101).contains(&both.counts().sent), "{:?}", both.counts());
    assert!(both.budget_balance() > 10.0, "what the retries' budget refuses is put back");
}

#[test]
fn the_budget_of_retries_is_not_made_by_asking_for_it() {
    assert!(retry::budget_named("hedge: never mentioned").is_none());
    let _: Budget = Budget::new();
}

#[tokio::test(start_paused = true)]
async fn none_starts_while_the_bulkhead_is_busy() {
    let bulkhead = Bulkhead::named("places").limit(10);
    let hedge = fixed();
    let attempt = || {
        bulkhead.run(async {
            sleep(ms(150)).await;
            Ok::<_, Failed>(())
        })
    };
    for (others, sent) in [(6, 1), (7, 1), (5, 2)] {
        let permits: Vec<_> = (0..others).map(|_| bulkhead.try_acquire().unwrap()).collect();
        let _ = hedge.unless_busy(&bulkhead).run(attempt).await;
        assert_eq!(hedge.counts().sent, sent, "{others} others");
        drop(permits);
    }
    assert_eq!(hedge.counts().suppressed, 1);
}

#[tokio::test(start_paused = true)]
async fn observes_without_sending() {
    let hedge = fixed().mode(Mode::Observe);
    let plan = Plan::of(&[(150, Ok(0))]);

    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(0));

    assert_eq!(hedge.counts(), HedgeCounts { sent: 0, won: 0, suppressed: 0, observed: 1 });
}

#[tokio::test(start_paused = true)]
async fn does_nothing_when_it_is_off() {
    let hedge = fixed();
    hedge.set_mode(Mode::Off);
    let plan = Plan::of(&[(150, Err(Class::Transient))]);

    hedge.run(|| plan.attempt()).await.unwrap_err();

    assert_eq!(hedge.counts(), HedgeCounts { sent: 0, won: 0, suppressed: 0, observed: 0 });
}

#[tokio::test(start_paused = true)]
async fn learns_the_delay_and_starts_nothing_before_twenty_attempts() {
    let hedge = Hedge::named("learning").ratio(1.0);
    let call = async |time| {
        hedge
            .run(|| async move {
                sleep(ms(time)).await;
                Ok::<_, Failed>(())
            })
            .await
            .unwrap();
    };
    for _ in 0..19 {
        call(50).await;
        assert_eq!(hedge.delay(), None);
    }
    call(1_000).await;
    assert_eq!(hedge.counts().sent, 0);

    call(1_000).await;

    assert_eq!(hedge.counts().sent, 1);
    let delay = hedge.delay().unwrap();
    assert!((ms(50)..ms(400)).contains(&delay), "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_and_what_is_ready_at_once_teach_nothing_and_time_outs_do() {
    static LIMIT: Timeout = Timeout::named("limit", ms(40));
    let hedge = Hedge::named("learning");
    for _ in 0..100 {
        hedge.run(|| ready(Ok::<_, Failed>(()))).await.unwrap();
        let failing = || async {
            sleep(ms(5)).await;
            Err::<(), _>(Failed(0, Class::Transient))
        };
        hedge.run(failing).await.unwrap_err();
    }
    assert_eq!(hedge.delay(), None);

    for _ in 0..20 {
        let _ = hedge.run(|| LIMIT.run(pending::<Result<(), Failed>>())).await;
    }

    let delay = hedge.delay().unwrap();
    assert!((ms(35)..=ms(45)).contains(&delay), "{delay:?}");
}

/// A loser has taken at least as long as it ran, be it the first attempt or another.
#[tokio::test(start_paused = true)]
async fn losers_teach_how_long_they_ran() {
    for (steps, samples) in [
        (vec![(1_000, Ok(0)), (SLOW, Ok(1))], vec![Sample::Exactly(ms(1_000)), Sample::AtLeast(ms(800))]),
        (vec![(SLOW, Ok(0)), (0, Ok(1))], vec![Sample::AtLeast(ms(200))]),
        (vec![(SLOW, Ok(0)), (100, Ok(1))], vec![Sample::Exactly(ms(100)), Sample::AtLeast(ms(300))]),
    ] {
        let (hedge, other) = (Hedge::named("learning").min_after(ms(200)), Hedge::named("other"));
        hedge.bucket.put_back();
        (0..20).for_each(|_| [&hedge, &other].iter().for_each(|hedge| hedge.learn(Sample::Exactly(ms(50)))));

        let plan = Plan::of(&steps);
        hedge.run(|| plan.attempt()).await.unwrap();
        for sample in &samples {
            other.learn(*sample);
        }

        assert_eq!(plan.starts(), [0, 200]);
        assert_eq!(hedge.estimate.get(), other.estimate.get(), "{samples:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn abandoned_calls_teach_nothing() {
    let hedge = Hedge::named("learning");
    for _ in 0..100 {
        let mut call = Box::pin(hedge.run(pending::<Result<(), Failed>>));
        assert!(poll(&mut call).is_none());
        advance(ms(5)).await;
    }

    assert_eq!(hedge.delay(), None);
}

#[tokio::test(start_paused = true)]
async fn the_percentile_keeps_within_its_bounds() {
    let hedge = Hedge::named("bounded").min_after(ms(20)).max_after(ms(30));
    let learn = |time| (0..2_000).for_each(|_| hedge.learn(Sample::Exactly(time)));

    learn(ms(1));
    assert_eq!(hedge.delay(), Some(ms(20)));
    learn(ms(1_000));
    assert_eq!(hedge.delay(), Some(ms(30)));
}

#[tokio::test(start_paused = true)]
async fn a_when_decides() {
    let hedge = fixed();
    let permanent = Plan::of(&[(10, Err(Class::Transient))]);
    let outcome = hedge.run_when(|| permanent.attempt(), |error: &Failed| error.0 > 0).await;
    assert_eq!((outcome, permanent.starts()), (Err(Failed(0, Class::Transient)), vec![0]));

    let small = Plan::of(&[(10, Ok(0)), (10, Ok(1))]);
    let outcome = hedge.run_when(|| small.attempt(), |outcome: &Result<u32, Failed>| *outcome == Ok(0)).await;
    assert_eq!((outcome, small.starts()), (Ok(1), vec![0, 10]));

    let plain = Plan::of(&[(10, Ok(0))]);
    let idle = Bulkhead::named("idle");
    assert_eq!(hedge.unless_busy(&idle).run_when(|| plain.attempt(), |_: &Failed| true).await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_time_it_leaves_nothing_running() {
    for until in [0, 1, 99, 100, 101, 150, 199, 200, 229] {
        let hedge = fixed().max(2);
        let plan = Plan::of(&[(SLOW, Ok(0)), (SLOW, Ok(1)), (30, Ok(2))]);

        let ended = tokio::time::timeout(ms(until), hedge.run(|| plan.attempt())).await;

        assert!(ended.is_err(), "{until}");
        assert_eq!(plan.alive(), 0, "{until}");
        assert_eq!(hedge.counts().won, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_goes_on_and_leaves_nothing_behind() {
    let hedge = fixed();
    for panicking in [1, 2] {
        let alive = Arc::new(AtomicU32::new(0));
        let attempts = Cell::new(0);
        let attempt = || {
            attempts.set(attempts.get() + 1);
            let number = attempts.get();
            alive.fetch_add(1, Relaxed);
            let alive = Alive(alive.clone());
            async move {
                let _alive = alive;
                sleep(ms(if number == 1 { 120 } else { 10 })).await;
                assert_ne!(number, panicking);
                sleep(ms(SLOW)).await;
                Ok::<_, Failed>(())
            }
        };

        AssertUnwindSafe(hedge.run(attempt)).catch_unwind().await.unwrap_err();

        assert_eq!(alive.load(Relaxed), 0);
    }
    let sent = || (hedge.counts().sent, hedge.shell.record().noted(SENT));
    let before = sent();
    let made = Cell::new(0);
    let making = || {
        made.set(made.get() + 1);
        assert_eq!(made.get(), 1, "the second cannot be made");
        pending::<Result<(), Failed>>()
    };
    AssertUnwindSafe(hedge.run(making)).catch_unwind().await.unwrap_err();
    assert_eq!(sent(), before, "it has not started");
    let deciding =
        hedge.run_when(|| ready(Err::<(), _>(Failed(0, Class::Transient))), |_: &Failed| -> bool { panic!() });
    AssertUnwindSafe(deciding).catch_unwind().await.unwrap_err();

    let plan = Plan::of(&[(SLOW, Ok(0)), (30, Ok(1))]);
    assert_eq!(hedge.run(|| plan.attempt()).await, Ok(1));
}

#[test]
fn without_a_runtime_it_waits_for_the_first() {
    let hedge = fixed();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    let attempt = || {
        let receiver = receiver.lock().unwrap().take().expect("the only attempt");
        async move { Ok::<u32, Failed>(receiver.await.unwrap()) }
    };
    let mut call = Box::pin(hedge.run(attempt));

    assert_eq!(poll(&mut call), None);
    sender.send(7).unwrap();

    assert_eq!(poll(&mut call), Some(Ok(7)));
}

#[tokio::test(start_paused = true)]
async fn reports_what_it_starts() {
    let log = crate::test::record();
    let hedge = fixed();
    let plan = Plan::of(&[(SLOW, Ok(0)), (30, Ok(1))]);

    hedge.run(|| plan.attempt()).await.unwrap();

    assert_eq!(log.events(), [crate::Event::Hedging { policy: "fixed" }]);
}

#[test]
fn a_fresh_one_has_the_settings_and_nothing_of_the_past() {
    let hedge = Hedge::named("fresh").after(ms(7)).max(3);
    hedge.bucket.put_back();
    hedge.set_mode(Mode::Observe);

    let fresh = hedge.fresh();

    assert!(hedge.is_held_by_hand() && !fresh.is_held_by_hand());
    assert!(fresh.agrees(&hedge) && !fresh.agrees(&Hedge::named("fresh").after(ms(8)).max(3)));
    assert_eq!((fresh.delay(), fresh.budget_balance()), (Some(ms(7)), 0.0));
}

#[test]
fn one_that_is_reset_has_learnt_and_saved_nothing() {
    let hedge = Hedge::named("reset");
    for _ in 0..100 {
        hedge.begin();
        hedge.learn(Sample::Exactly(ms(5)));
    }
    assert!(hedge.delay().is_some() && hedge.budget_balance() > 1.0);

    hedge.forget();

    assert_eq!((hedge.delay(), hedge.budget_balance()), (None, 0.0));
}

#[test]
fn only_a_percentile_is_learnt() {
    assert!(Hedge::named("learns").learns());
    assert!(!Hedge::named("learns nothing").after(ms(5)).learns());
}

#[test]
fn one_is_as_busy_as_it_sends_attempts() {
    let hedge = Hedge::named("busy");

    for sent in 0..3 {
        assert_eq!(hedge.activity(), sent);
        hedge.count(SENT, |counts| &counts.sent);
    }
}
