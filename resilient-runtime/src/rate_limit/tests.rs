use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use proptest::prelude::*;
use tokio::time::{advance, sleep};

use super::*;
use crate::book::Ended;
use crate::naming::Named;
use crate::notes::rate_limit::QUEUED;
use crate::test::{record, seed};
use crate::{Class, Classify, Deadline, Reason, Settled};

const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Ten a second, one at once.
fn even() -> RateLimit {
    RateLimit::named("even").rate(10, SECOND).burst(1)
}

/// Returns how many are let through now.
fn at_once(limit: &RateLimit) -> usize {
    std::iter::from_fn(|| limit.try_acquire().ok()).count()
}

fn refusal(limit: &RateLimit) -> Reason {
    limit.try_acquire().expect_err("refused").reason()
}

/// The share of the rate that is let through.
fn percent(limit: &RateLimit) -> u32 {
    (limit.share() * 100.0).round() as u32
}

fn throttle(limit: &RateLimit, after: Option<Duration>) {
    let class = Class::Throttled { after };
    limit.end(Ended::of(class), class);
}

#[tokio::test(start_paused = true)]
async fn refuses_at_once_and_says_exactly_when_there_is_room() {
    let limit = RateLimit::named("search").rate(100, SECOND).burst(20);

    assert_eq!(at_once(&limit), 20);
    let rejection = limit.acquire().await.unwrap_err();
    assert_eq!(rejection.reason(), Reason::RateLimited { retry_after: ms(10) });
    assert_eq!((rejection.policy(), rejection.name()), (crate::PolicyKind::RateLimit, "search"));
    advance(ms(4)).await;
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(6) });
    advance(ms(6)).await;
    assert_eq!(at_once(&limit), 1);
}

#[tokio::test(start_paused = true)]
async fn ten_idle_days_give_the_burst_and_no_more() {
    let limit = RateLimit::named("search").rate(100, SECOND).burst(20);
    at_once(&limit);

    advance(Duration::from_secs(864_000)).await;

    assert_eq!(at_once(&limit), 20);
}

#[tokio::test(start_paused = true)]
async fn those_who_may_wait_are_let_through_in_order_at_the_rate() {
    let limit = Arc::new(even().max_wait(ms(350)));
    let start = Instant::now();
    let callers: Vec<_> = (0..6)
        .map(|caller| {
            let limit = limit.clone();
            tokio::spawn(async move {
                let outcome = limit.acquire().await.map(drop).map_err(|rejection| rejection.reason());
                (caller, outcome, start.elapsed())
            })
        })
        .collect();

    let mut ends = Vec::new();
    for caller in callers {
        ends.push(caller.await.unwrap());
    }

    let late = |millis| Err(Reason::RateLimited { retry_after: ms(millis) });
    assert_eq!(
        ends,
        [
            (0, Ok(()), ms(0)),
            (1, Ok(()), ms(100)),
            (2, Ok(()), ms(200)),
            (3, Ok(()), ms(300)),
            (4, late(400), ms(0)),
            (5, late(400), ms(0)),
        ]
    );
    let counts = limit.counts();
    assert_eq!((counts.admitted, counts.waited, counts.limited, counts.waiting), (4, 3, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_exactly_the_longest_is_taken() {
    let limit = even().max_wait(ms(100));
    limit.try_acquire().unwrap().abandon();

    limit.acquire().await.unwrap().abandon();

    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(100) });
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_refused_at_once() {
    let limit = even().max_wait(SECOND);
    at_once(&limit);
    let start = Instant::now();

    let refused = Deadline::after(ms(99)).scope(limit.acquire()).await.unwrap_err();
    let refused_after = start.elapsed();
    Deadline::after(ms(100)).scope(limit.acquire()).await.unwrap().abandon();

    assert_eq!((refused.reason(), refused_after), (Reason::RateLimited { retry_after: ms(100) }, ms(0)));
    assert_eq!(start.elapsed(), ms(100));
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_those_who_wait() {
    let limit = even().max_wait(SECOND);
    at_once(&limit);
    let mut waiting = pin!(limit.acquire());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    advance(ms(150)).await;

    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(100) }, "the slot is the other's");
    waiting.await.unwrap().abandon();
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_given_up_is_the_next_ones() {
    let limit = Arc::new(even().max_wait(SECOND));
    at_once(&limit);
    let start = Instant::now();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let limit = limit.clone();
            tokio::spawn(async move {
                limit.acquire().await.unwrap().abandon();
                start.elapsed()
            })
        })
        .collect();
    sleep(ms(50)).await;

    waiting[0].abort();
    waiting[1].abort();
    sleep(ms(1)).await;
    assert_eq!(limit.counts().waiting, 1);

    let [_, _, last] = <[_; 3]>::try_from(waiting).unwrap();
    assert_eq!(last.await.unwrap(), ms(100));
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(100) }, "nothing more was used up");
}

#[tokio::test(start_paused = true)]
async fn late_timers_let_no_more_through_than_the_rate() {
    let limit = Arc::new(even().max_wait(Duration::from_secs(10)));
    let admitted = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..20 {
        let (limit, admitted) = (limit.clone(), admitted.clone());
        tokio::spawn(async move {
            limit.acquire().await.unwrap().abandon();
            admitted.lock().unwrap().push(Instant::now());
        });
    }
    sleep(ms(1)).await;

    advance(SECOND).await; // as if the thread had been busy
    sleep(Duration::from_secs(5)).await;

    let admitted = admitted.lock().unwrap();
    assert_eq!(admitted.len(), 20);
    for pair in admitted.windows(2) {
        assert!(pair[1] - pair[0] >= ms(100), "{pair:?}");
    }
}

/// Polled once, and kept.
fn parked(limit: &RateLimit) -> std::pin::Pin<Box<RateAcquire<'_>>> {
    let mut parked = Box::pin(limit.acquire());
    assert!(parked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    parked
}

/// When each of so many callers was let through, counted from now, or why it was not.
async fn arrivals(limit: &Arc<RateLimit>, callers: usize) -> Vec<tokio::task::JoinHandle<Result<Duration, Reason>>> {
    let start = Instant::now();
    let callers = (0..callers).map(|_| {
        let limit = limit.clone();
        tokio::spawn(async move {
            let acquired = limit.acquire().await.map(RatePermit::abandon);
            acquired.map(|()| start.elapsed()).map_err(|rejection| rejection.reason())
        })
    });
    let callers = callers.collect();
    tokio::task::yield_now().await;
    callers
}

async fn ends(callers: Vec<tokio::task::JoinHandle<Result<Duration, Reason>>>) -> Vec<Result<Duration, Reason>> {
    let mut ends = Vec::new();
    for caller in callers {
        ends.push(caller.await.unwrap());
    }
    ends
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_kept_and_not_polled_costs_the_others_its_own_slot_at_the_most() {
    let limit = Arc::new(even().max_wait(SECOND));
    at_once(&limit);
    let first = parked(&limit);
    let callers = arrivals(&limit, 2).await;
    let middle = parked(&limit);
    let more = arrivals(&limit, 3).await;

    assert_eq!(ends(callers).await, [200, 300].map(|millis| Ok(ms(millis))));
    assert_eq!(ends(more).await, [500, 600, 700].map(|millis| Ok(ms(millis))));
    assert_eq!(limit.counts().waiting, 2);
    drop((first, middle));
    assert_eq!(ends(arrivals(&limit, 3).await).await, [100, 200, 300].map(|millis| Ok(ms(millis))));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_its_turn_and_is_kept_costs_the_others_no_more() {
    let limit = Arc::new(even().max_wait(SECOND));
    at_once(&limit);
    let first = arrivals(&limit, 1).await;
    let second = parked(&limit);
    let callers = arrivals(&limit, 3).await;

    assert_eq!(ends(first).await, [Ok(ms(100))]);
    assert_eq!(ends(callers).await, [300, 400, 500].map(|millis| Ok(ms(millis))));
    second.await.unwrap().abandon();
    assert_eq!(limit.counts().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_kept_hold_nobody_up_who_comes_later() {
    let limit = Arc::new(even().max_wait(ms(250)));
    at_once(&limit);
    let kept = [parked(&limit), parked(&limit)];
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(300) });

    advance(ms(300)).await;
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(200) }, "they may be on their way");
    advance(ms(100)).await;
    assert!(limit.try_acquire().is_ok(), "they had their turns");
    assert!(limit.try_acquire().is_err());
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_while_it_is_kept_costs_nothing() {
    let limit = Arc::new(even().max_wait(SECOND));
    at_once(&limit);
    let first = parked(&limit);
    let callers = arrivals(&limit, 3).await;
    sleep(ms(50)).await;

    drop(first);

    assert_eq!(ends(callers).await, [100, 200, 300].map(|millis| Ok(ms(millis))));
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_when_its_slot_is_long_over_takes_no_place_from_those_who_came_later() {
    let limit = even().max_wait(SECOND);
    at_once(&limit);
    let kept = parked(&limit);
    sleep(ms(400)).await;
    limit.try_acquire().expect("nobody waits for a call that is kept").abandon();
    let waits = parked(&limit);

    drop(kept);

    advance(ms(100)).await;
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(100) });
    waits.await.unwrap().abandon();
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_halved_behind_a_call_that_is_kept_is_used_in_full() {
    let limit = Arc::new(even().max_wait(Duration::from_secs(5)));
    at_once(&limit);
    let kept = parked(&limit);
    let callers = arrivals(&limit, 9).await;

    limit.set_rate(5, SECOND);

    let last = ends(callers).await.into_iter().map(Result::unwrap).max();
    assert_eq!(last, Some(ms(2_000)), "of ten with the one that is kept");
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_begins_behind_a_call_that_is_kept_is_kept_to_and_then_the_rate() {
    let limit = Arc::new(even().max_wait(Duration::from_secs(5)));
    at_once(&limit);
    let first = parked(&limit);
    let callers = arrivals(&limit, 4).await;
    let start = Instant::now();
    sleep(ms(150)).await;

    throttle(&limit, Some(SECOND));

    let end = limit.paused_until().unwrap() - start;
    let ends: Vec<Duration> = ends(callers).await.into_iter().map(Result::unwrap).collect();
    for (place, at) in (1..).zip(ends) {
        let slot = end + ms(100) * place;
        assert!(at >= slot && at < slot + ms(2), "{place}: {at:?}, not {slot:?}");
    }
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_pause_or_a_slower_rate_leaves_those_who_wait_in_order() {
    for slower in [Some(SECOND), None] {
        let limit = Arc::new(even().max_wait(Duration::from_secs(20)));
        at_once(&limit);
        let order = Arc::new(Mutex::new(Vec::new()));
        let callers: Vec<_> = (0..30)
            .map(|caller| {
                let (limit, order) = (limit.clone(), order.clone());
                tokio::spawn(async move {
                    limit.acquire().await.unwrap().abandon();
                    order.lock().unwrap().push(caller);
                })
            })
            .collect();
        sleep(ms(150)).await;

        throttle(&limit, slower);
        if slower.is_some() {
            limit.set_rate(7, SECOND);
        }

        for caller in callers {
            caller.await.unwrap();
        }
        assert!(order.lock().unwrap().iter().copied().eq(0..30), "{slower:?}: {order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_weighs_more_is_not_overtaken_by_lighter_ones() {
    let limit = Arc::new(RateLimit::named("weighted").rate(10, SECOND).burst(4).max_wait(SECOND * 3));
    assert_eq!(at_once(&limit), 4);
    let start = Instant::now();
    let order = Arc::new(Mutex::new(Vec::new()));
    let callers: Vec<_> = [1, 4, 1, 3, 1, 1]
        .into_iter()
        .enumerate()
        .map(|(caller, calls)| {
            let (limit, order) = (limit.clone(), order.clone());
            tokio::spawn(async move {
                sleep(ms(caller as u64 * 10)).await;
                limit.acquire_many(calls).await.unwrap().abandon();
                order.lock().unwrap().push((caller, start.elapsed()));
            })
        })
        .collect();

    for caller in callers {
        caller.await.unwrap();
    }

    let expected = [(0, 100), (1, 500), (2, 600), (3, 900), (4, 1_000), (5, 1_100)];
    assert_eq!(*order.lock().unwrap(), expected.map(|(caller, millis)| (caller, ms(millis))));
}

#[tokio::test(start_paused = true)]
async fn a_heavy_call_that_is_kept_costs_the_others_its_own_slots_at_the_most() {
    let limit = Arc::new(RateLimit::named("weighted").rate(10, SECOND).burst(4).max_wait(SECOND * 3));
    assert_eq!(at_once(&limit), 4);
    let mut heavy = pin!(limit.acquire_many(3));
    assert!(heavy.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    assert_eq!(ends(arrivals(&limit, 2).await).await, [400, 500].map(|millis| Ok(ms(millis))));
    assert_eq!(limit.counts().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_in_one_task_come_in_order_at_the_rate() {
    for callers in [5, 40] {
        let limit = even().max_wait(Duration::from_secs(10));
        at_once(&limit);
        let start = Instant::now();
        let came = Mutex::new(Vec::new());
        let kept = parked(&limit);

        let calls = (0..callers).map(|caller| {
            let (limit, came) = (&limit, &came);
            async move {
                limit.acquire().await.unwrap().abandon();
                came.lock().unwrap().push((caller, start.elapsed()));
            }
        });
        futures_util::future::join_all(calls).await;

        let expected = (0..callers).map(|caller| (caller, ms(100) * (caller + 2)));
        assert!(came.lock().unwrap().iter().copied().eq(expected), "{callers}: {came:?}");
        drop(kept);
    }
}

/// A pause longer than what is left of one caller's wait, and one behind it that may wait longer.
#[tokio::test(start_paused = true)]
async fn a_call_that_gives_up_leaves_its_place_to_one_with_more_time() {
    let limit = Arc::new(even().max_wait(Duration::from_secs(5)));
    at_once(&limit);
    let start = Instant::now();
    let kept = parked(&limit);
    let short = {
        let limit = limit.clone();
        tokio::spawn(async move { Deadline::after(ms(250)).scope(limit.acquire()).await.map(drop).map_err(|_| ()) })
    };
    tokio::task::yield_now().await;
    let long = arrivals(&limit, 2).await;

    throttle(&limit, Some(SECOND));

    assert_eq!(short.await.unwrap(), Err(()));
    assert!(start.elapsed() <= ms(250));
    assert!(ends(long).await.into_iter().all(|end| end.is_ok_and(|at| at <= ms(1_550))));
    drop(kept);
}

#[test]
fn what_waited_in_a_runtime_that_is_gone_holds_nobody_up() {
    let limit = Arc::new(even().max_wait(SECOND));
    clock::later(Duration::from_secs(3_600), async {
        at_once(&limit);
        drop(arrivals(&limit, 5).await);
    });

    clock::later(Duration::ZERO, async {
        assert_eq!(limit.counts().waiting, 0);
        assert_eq!(ends(arrivals(&limit, 3).await).await, [0, 100, 200].map(|millis| Ok(ms(millis))));
    });
}

/// A call that is kept across runtimes: its timer will never go off.
#[test]
fn what_is_kept_from_a_runtime_that_is_gone_costs_its_own_slot() {
    let limit: &'static RateLimit = Box::leak(Box::new(even().max_wait(SECOND)));
    let mut kept = None;
    clock::later(Duration::from_secs(3_600), async {
        at_once(limit);
        kept = Some(parked(limit));
    });

    clock::later(Duration::ZERO, async {
        let start = Instant::now();
        limit.acquire().await.unwrap().abandon();
        assert!(start.elapsed() <= ms(200), "{:?}", start.elapsed());
        limit.acquire().await.unwrap().abandon();
        assert!(start.elapsed() <= ms(400), "{:?}", start.elapsed());
    });
    drop(kept);
}

#[test]
fn the_policy_of_a_key_is_forgotten_after_the_clock_went_back() {
    static KEYS: crate::PerKey<RateLimit> =
        crate::PerKey::new(RateLimit::named("keys").rate(1, Duration::from_secs(60))).idle(SECOND).capacity(1);
    clock::later(Duration::from_secs(7_200), async { assert_eq!(at_once(&KEYS.of("a")), 1) });

    clock::later(Duration::ZERO, async {
        let _ = KEYS.of("b").try_acquire();
        advance(Duration::from_secs(2)).await;
        drop(KEYS.of("b"));
        advance(Duration::from_secs(2)).await;
        assert!(!KEYS.of("b").is_overflow());
    });
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_all_kept_costs_its_slots_once() {
    let limit = Arc::new(even().max_wait(SECOND));
    at_once(&limit);
    let kept: Vec<_> = (0..10).map(|_| parked(&limit)).collect();
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(1_100) });
    advance(ms(1_250)).await;

    for _ in 0..5 {
        assert_eq!(at_once(&limit), 1);
        advance(ms(100)).await;
    }
    assert_eq!(limit.counts().waiting, 10);
    at_once(&limit);
    assert_eq!(ends(arrivals(&limit, 3).await).await, [100, 200, 300].map(|millis| Ok(ms(millis))));
    drop(kept);
    assert_eq!(limit.counts().waiting, 0);
    assert_eq!(ends(arrivals(&limit, 2).await).await, [100, 200].map(|millis| Ok(ms(millis))));
}

/// With a slower rate meanwhile, and with or without a call in front that is not polled.
#[tokio::test(start_paused = true)]
async fn a_crowd_is_woken_a_few_times_each() {
    for keeps in [false, true] {
        let limit = Arc::new(RateLimit::named("crowd").rate(100, SECOND).burst(1).max_wait(Duration::from_secs(60)));
        at_once(&limit);
        let kept = keeps.then(|| parked(&limit));
        let polls = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let callers: Vec<_> = (0..1_000)
            .map(|_| {
                let (limit, polls) = (limit.clone(), polls.clone());
                tokio::spawn(async move {
                    let mut acquire = pin!(limit.acquire());
                    let counted = std::future::poll_fn(|cx| {
                        polls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        acquire.as_mut().poll(cx)
                    });
                    counted.await.unwrap().abandon();
                })
            })
            .collect();
        sleep(ms(500)).await;
        throttle(&limit, Some(SECOND));
        throttle(&limit, None);

        for caller in callers {
            caller.await.unwrap();
        }

        let polls = polls.load(std::sync::atomic::Ordering::Relaxed);
        assert!(polls <= 16_000, "{keeps}: {polls}");
        drop(kept);
    }
}

#[test]
fn a_wait_off_a_runtime_is_refused() {
    static LIMIT: RateLimit = RateLimit::named("off a runtime").rate(10, SECOND).burst(1).max_wait(SECOND);
    at_once(&LIMIT);

    let polled = pin!(LIMIT.acquire()).poll(&mut Context::from_waker(Waker::noop()));

    let std::task::Poll::Ready(Err(rejection)) = polled else { panic!("{polled:?}") };
    assert_eq!(rejection.reason(), Reason::NoRuntime);
    assert_eq!(LIMIT.shell.record().noted(QUEUED), 0, "it has not begun to wait");
}

#[tokio::test(start_paused = true)]
async fn who_may_wait_for_ever_waits_for_the_turn() {
    let limit = even().max_wait(Duration::MAX);
    at_once(&limit);
    let start = Instant::now();

    limit.acquire().await.unwrap().abandon();

    assert_eq!(start.elapsed(), ms(100));
}

#[tokio::test(start_paused = true)]
async fn several_at_once_wait_for_as_many() {
    let limit = RateLimit::named("weighted").rate(10, SECOND).burst(4).max_wait(SECOND);
    let start = Instant::now();

    limit.acquire_many(3).await.unwrap().abandon();
    limit.acquire_many(3).await.unwrap().abandon();
    assert_eq!(start.elapsed(), ms(200));
    limit.acquire_many(4).await.unwrap().abandon();
    assert_eq!(start.elapsed(), ms(600), "as much as there can ever be");
    limit.acquire_many(0).await.unwrap().abandon();
    assert_eq!(start.elapsed(), ms(700));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_weighs_more_than_the_burst_is_refused_for_good_and_told_both_figures() {
    let limit = RateLimit::named("weighted").rate(10, SECOND).burst(4).max_wait(SECOND);

    let rejection = limit.acquire_many(5).await.unwrap_err();

    assert_eq!(rejection.reason(), Reason::TooHeavy { weight: 5, burst: 4 });
    assert_eq!((rejection.class(), rejection.ends_the_call()), (Class::Permanent, true));
    let huge = limit.try_acquire_many(u64::MAX).unwrap_err();
    assert_eq!(huge.reason(), Reason::TooHeavy { weight: u32::MAX, burst: 4 });
    assert_eq!((limit.counts().too_heavy, limit.counts().limited), (2, 0));
    assert_eq!(at_once(&limit), 4, "it took nothing");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_when_the_burst_shrinks_below_its_weight_is_refused() {
    let limit = Arc::new(RateLimit::named("weighted").rate(10, SECOND).burst(4).max_wait(SECOND));
    at_once(&limit);
    let waiting = tokio::spawn({
        let limit = limit.clone();
        async move { limit.acquire_many(3).await.map(RatePermit::abandon).map_err(|rejection| rejection.reason()) }
    });
    sleep(ms(10)).await;

    limit.set_burst(2);

    assert_eq!(waiting.await.unwrap(), Err(Reason::TooHeavy { weight: 3, burst: 2 }));
}

/// Ten units a second, 100 at once.
fn tokens() -> RateLimit {
    RateLimit::named("tokens").rate(10, SECOND).burst(100)
}

/// The units that there is room for now.
fn room(limit: &RateLimit) -> u64 {
    (1..=u64::from(limit.meter.pace().burst))
        .rev()
        .find(|units| {
            let now = units_of(*units);
            limit.meter.glimpse(super::units(Instant::now()), now).slot <= super::units(Instant::now())
        })
        .unwrap_or(0)
}

fn units_of(units: u64) -> u32 {
    u32::try_from(units).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_a_call_did_not_use_goes_back_at_once() {
    let limit = tokens();
    let mut permit = limit.try_acquire_many(90).unwrap();
    assert_eq!(room(&limit), 10);

    permit.charge(30);
    assert_eq!(room(&limit), 70);
    permit.charge(0);
    assert_eq!(room(&limit), 100, "the last number counts");
    permit.charge(25);
    assert_eq!(room(&limit), 75);
}

#[tokio::test(start_paused = true)]
async fn what_has_come_back_by_itself_does_not_come_back_twice() {
    let limit = tokens();
    let mut permit = limit.try_acquire_many(50).unwrap();
    advance(SECOND * 3).await;
    assert_eq!(room(&limit), 80);

    permit.charge(10);

    assert_eq!(room(&limit), 100, "and not 120");
    limit.try_acquire_many(100).unwrap().abandon();
    assert_eq!(room(&limit), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_used_beyond_its_weight_is_a_debt_that_later_calls_wait_for() {
    let limit = tokens();
    let mut permit = limit.try_acquire_many(10).unwrap();
    advance(SECOND * 60).await;

    permit.charge(150);

    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: SECOND * 4 + ms(100) }, "40 in debt");
    assert!(!limit.meter.is_ahead_of(units(Instant::now())), "and no clock went back");
    advance(SECOND * 4 + ms(100)).await;
    assert_eq!(at_once(&limit), 1);
}

#[tokio::test(start_paused = true)]
async fn no_debt_lasts_longer_than_the_longest_pause() {
    let limit = tokens().max_pause(SECOND * 5);
    let mut permit = limit.try_acquire().unwrap();

    permit.charge(u64::MAX);

    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: SECOND * 5 });
    limit.try_acquire().unwrap_err();
    advance(SECOND * 5).await;
    assert_eq!(at_once(&limit), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_pause_goes_back() {
    let limit = tokens();
    let mut permit = limit.try_acquire_many(90).unwrap();
    throttle(&limit, Some(SECOND * 2));

    permit.charge(10);
    assert!(limit.is_paused());
    advance(SECOND * 2).await;
    assert_eq!(at_once(&limit), 1, "no burst after a pause");

    let mut later = limit.try_acquire_many(1);
    assert!(later.is_err());
    advance(SECOND).await;
    later = limit.try_acquire_many(10);
    later.unwrap().charge(4);
    assert_eq!(at_once(&limit), 6, "what was taken after the pause does");
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_let_through_when_others_give_back() {
    let limit = Arc::new(tokens().max_wait(SECOND * 60));
    let mut permit = limit.try_acquire_many(100).unwrap();
    let start = Instant::now();
    let waiting: Vec<_> = [50, 20]
        .into_iter()
        .map(|weight| {
            let limit = limit.clone();
            tokio::spawn(async move {
                limit.acquire_many(weight).await.unwrap().abandon();
                start.elapsed()
            })
        })
        .collect();
    sleep(ms(200)).await;

    permit.charge(40);

    let ends = join_all(waiting).await;
    assert_eq!(ends, [ms(200), ms(1_000)], "the first at once, and the second when ten and eight more have come back");
}

async fn join_all<T>(tasks: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap());
    }
    ends
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_did_not_count_a_call_charges_nothing_for_it() {
    for mode in [Mode::Off, Mode::Observe] {
        let limit = tokens().mode(mode);
        limit.try_acquire_many(100).unwrap().abandon();
        let mut beyond = limit.try_acquire_many(50).unwrap();

        beyond.charge(10);
        beyond.charge(90);

        limit.set_mode(Mode::Enforce);
        assert_eq!(room(&limit), if mode == Mode::Off { 100 } else { 0 }, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_call_has_cost_is_not_charged_where_the_limit_did_not_count_it() {
    static OFF: RateLimit = RateLimit::named("off").rate(10, SECOND).burst(100).mode(Mode::Off);
    static OBSERVING: RateLimit = RateLimit::named("observing").rate(10, SECOND).burst(100).mode(Mode::Observe);
    for (limit, left) in [(&OFF, 100), (&OBSERVING, 10)] {
        limit.try_acquire_many(100).unwrap().abandon();

        let call = async { Ok::<u64, std::io::Error>(90) };
        let settled = crate::run(limit.weighing(50).costing(|used: &u64| *used), call).await;

        assert!(matches!(settled, Settled::Outcome(Ok(90))), "{settled:?}");
        assert_eq!(limit.shell.record().tallied(Tally::Charged), 0, "{}", limit.name());
        advance(SECOND).await;
        assert_eq!(room(limit), left, "{}", limit.name());
    }
}

#[tokio::test(start_paused = true)]
async fn units_are_counted_for_calls_that_say_their_weight() {
    static LIMIT: RateLimit = RateLimit::named("tallied").rate(10, SECOND).burst(100);
    LIMIT.try_acquire().unwrap().abandon();
    let mut less = LIMIT.try_acquire_many(40).unwrap();
    let mut more = LIMIT.try_acquire_many(20).unwrap();

    less.charge(30);
    more.charge(25);

    let record = LIMIT.shell.record();
    assert_eq!([Tally::Reserved, Tally::Charged, Tally::Returned].map(|tally| record.tallied(tally)), [60, 5, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_buckets_remains_count_as_of_the_time_of_the_call() {
    let limit = tokens();
    let late = limit.try_acquire_many(10).unwrap();
    advance(SECOND * 5).await;
    limit.try_acquire_many(30).unwrap().abandon();
    assert_eq!(room(&limit), 70);

    late.heed(Quota::of_bucket(90));
    assert_eq!(room(&limit), 70, "as expected then");
    late.heed(Quota::of_bucket(10));
    assert_eq!(room(&limit), 60, "ten then, and 50 have come back since");
    limit.heed(Quota::of_bucket(10));
    assert_eq!((room(&limit), percent(&limit)), (10, 100), "and now ten; the rate stays");
    limit.heed(Quota::of_bucket(0));
    assert!(!limit.is_paused());
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(100) });
}

#[tokio::test(start_paused = true)]
async fn a_throttled_caller_pauses_every_other() {
    seed(1);
    let log = record();
    let limit = RateLimit::named("search");

    throttle(&limit, Some(ms(500)));

    let Reason::Paused { retry_after } = refusal(&limit) else { panic!("paused") };
    assert!((ms(500)..=ms(550)).contains(&retry_after), "{retry_after:?}");
    assert_eq!(limit.paused_until(), Some(Instant::now() + retry_after));
    assert!(
        matches!(log.events()[..], [Event::Paused { policy: "search", time, .. }] if time == retry_after),
        "{log:?}"
    );
    advance(retry_after.saturating_sub(Duration::from_nanos(1))).await;
    assert!(limit.is_paused());
    assert_eq!(refusal(&limit), Reason::Paused { retry_after: Duration::from_nanos(1) });
    advance(Duration::from_nanos(1)).await;
    assert!(!limit.is_paused());
    assert_eq!(at_once(&limit), 1, "the rate from the first on, not the burst");
    assert_eq!((limit.counts().pauses, limit.counts().paused), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn where_a_pause_ends_it_is_the_rate_that_refuses() {
    let limit = even();
    throttle(&limit, None);
    throttle(&limit, Some(SECOND));
    let end = limit.paused_until().unwrap();

    advance(end - Instant::now()).await;

    assert_eq!(at_once(&limit), 1);
    assert!(matches!(refusal(&limit), Reason::RateLimited { .. }), "{:?}", refusal(&limit));
}

#[tokio::test(start_paused = true)]
async fn where_a_pause_ends_those_who_waited_come_at_the_rate() {
    let limit = Arc::new(RateLimit::named("search").max_wait(Duration::from_secs(5)));
    throttle(&limit, Some(SECOND));
    let end = limit.paused_until().unwrap();
    let came = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..100 {
        let (limit, came) = (limit.clone(), came.clone());
        tokio::spawn(async move {
            limit.acquire().await.unwrap().abandon();
            came.lock().unwrap().push(Instant::now());
        });
    }

    sleep(Duration::from_secs(3)).await;

    let came = came.lock().unwrap();
    let within = |time: Duration| came.iter().filter(|&&at| at < end + time).count();
    assert_eq!(came.len(), 100);
    assert!(came.iter().all(|&at| at >= end), "nobody before the end");
    assert!((9..=11).contains(&within(ms(100))), "{}", within(ms(100)));
    assert!((95..=100).contains(&within(SECOND)), "{}", within(SECOND));
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_a_pause_begins_is_not_let_through_in_it() {
    let limit = Arc::new(even().max_wait(ms(400)));
    at_once(&limit);
    let start = Instant::now();
    let waiting = |limit: Arc<RateLimit>| async move {
        let outcome = limit.acquire().await.map(drop).map_err(|rejection| rejection.reason());
        (outcome, start.elapsed())
    };
    let first = tokio::spawn(waiting(limit.clone()));
    sleep(ms(50)).await;

    throttle(&limit, Some(SECOND));

    let (outcome, at) = first.await.unwrap();
    assert!(matches!(outcome, Err(Reason::Paused { retry_after }) if retry_after >= ms(940)), "{outcome:?}");
    assert_eq!(at, ms(100), "as soon as its turn came and it could not be in time");
}

#[tokio::test(start_paused = true)]
async fn a_later_hint_lengthens_a_pause_and_never_shortens_it() {
    let limit = RateLimit::named("search");
    throttle(&limit, Some(Duration::from_secs(5)));
    let first = limit.paused_until().unwrap();

    throttle(&limit, Some(ms(1)));
    assert_eq!(limit.paused_until(), Some(first));
    throttle(&limit, Some(Duration::from_secs(9)));
    assert!(limit.paused_until().unwrap() > first);
    assert_eq!(limit.counts().pauses, 1);
}

#[tokio::test(start_paused = true)]
async fn throttled_without_a_time_halves_the_rate_and_uses_up_the_burst() {
    let log = record();
    let limit = RateLimit::named("search").rate(10, SECOND);

    (0..8).for_each(|_| throttle(&limit, None));

    assert_eq!(at_once(&limit), 1);
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(200) });
    assert_eq!(percent(&limit), 50);
    assert!(matches!(log.events()[..], [Event::Slowed { policy: "search", share: 0.5, .. }]), "{log:?}");
    assert_eq!(limit.counts().slowed, 1);
    advance(Duration::from_secs(8)).await;
    assert_eq!(percent(&limit), 100);
    assert_eq!(at_once(&limit), 10);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_would_not_last_is_spread_over_the_time() {
    let limit = RateLimit::named("search").max_wait(SECOND);
    let start = Instant::now();

    limit.heed(Quota::of(4, ms(2_000)));
    for _ in 0..5 {
        limit.acquire().await.unwrap().abandon();
    }

    assert_eq!(start.elapsed(), ms(2_000));
    assert_eq!(percent(&limit), 100);

    limit.heed(Quota::of(4, ms(2_000)));
    limit.heed(Quota::of(1_000, ms(2_000)));
    assert_eq!(percent(&limit), 100, "the newest answer counts");
}

/// `X-RateLimit-Reset: 1` is any time up to a second, and a small bucket may be full many times until then.
#[tokio::test(start_paused = true)]
async fn a_reset_within_a_second_leaves_the_rate_and_takes_the_burst() {
    for reset in [ms(1), ms(470), ms(1_000)] {
        let limit = RateLimit::named("search").max_wait(SECOND);

        limit.heed(Quota::of(4, reset));

        assert_eq!(percent(&limit), 100, "{reset:?}");
        assert_eq!(at_once(&limit), 4, "{reset:?}");
        let start = Instant::now();
        for _ in 0..100 {
            limit.acquire().await.unwrap().abandon();
            limit.heed(Quota::of(0, reset));
        }
        assert_eq!(start.elapsed(), ms(1_000), "{reset:?}: all of the rate");
        assert!(!limit.is_paused());
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_second_of_a_longer_window_is_still_spread_over() {
    let limit = RateLimit::named("search");
    limit.heed(Quota::of(20, ms(2_000)));

    advance(ms(1_500)).await;
    limit.heed(Quota::of(5, ms(1_000)));
    assert_eq!(percent(&limit), 5);

    limit.heed(Quota::of(0, ms(1_000)));
    assert!(limit.is_paused());
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_pauses_until_its_reset() {
    let limit = RateLimit::named("search");

    limit.heed(Quota::of(0, Duration::from_secs(7)));

    let Reason::Paused { retry_after } = refusal(&limit) else { panic!("paused") };
    assert!((ms(7_000)..=ms(7_700)).contains(&retry_after));
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_changes_nothing() {
    let limit = RateLimit::named("search");

    limit.heed(Quota::default());
    limit.heed(Quota { remaining: Some(3), ..Quota::default() });
    limit.heed(Quota { remaining: Some(0), ..Quota::default() });
    limit.heed(Quota::of(3, Duration::ZERO));
    limit.heed(Quota { reset: Some(SECOND), ..Quota::default() });
    limit.heed(Quota::of(0, Duration::ZERO));

    assert_eq!(at_once(&limit), 100);
}

#[tokio::test(start_paused = true)]
async fn max_pause_of_zero_follows_no_server() {
    let limit = RateLimit::named("search").max_pause(Duration::ZERO);

    throttle(&limit, Some(SECOND));
    throttle(&limit, None);
    limit.heed(Quota::of(0, SECOND));
    limit.heed(Quota::of(1, SECOND));

    assert_eq!(at_once(&limit), 100);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_from_further_in_says_nothing_about_the_server() {
    let limit = RateLimit::named("search");
    let full = RateLimit::named("inner").rate(1, SECOND);
    full.try_acquire().unwrap().abandon();
    let rejection = full.try_acquire().unwrap_err();
    assert!(matches!(rejection.class(), Class::Throttled { after: Some(_) }));

    let outcome: Result<(), _> = limit.try_acquire().unwrap().settle(Err(rejection));

    assert!(outcome.is_err());
    assert!(!limit.is_paused());
    assert_eq!(at_once(&limit), 99);
}

#[tokio::test(start_paused = true)]
async fn a_new_rate_keeps_what_was_used() {
    let limit = RateLimit::named("search").rate(10, SECOND).burst(10);
    (0..6).for_each(|_| limit.try_acquire().unwrap().abandon());

    limit.set_rate(100, SECOND);

    assert_eq!(at_once(&limit), 4);
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(10) });
    limit.set_rate(1, SECOND);
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: SECOND });
}

#[tokio::test(start_paused = true)]
async fn a_new_burst_keeps_what_was_used() {
    let limit = RateLimit::named("search").rate(10, SECOND).burst(10);
    assert_eq!(at_once(&limit), 10);

    limit.set_burst(15);
    assert_eq!(at_once(&limit), 5);
    limit.set_burst(5);
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(1_100) });
    advance(SECOND).await;
    limit.set_rate(100, SECOND);
    advance(SECOND).await;
    assert_eq!(at_once(&limit), 5, "a burst that was set stays");
}

#[tokio::test(start_paused = true)]
async fn a_burst_that_was_not_set_follows_the_rate() {
    let limit = RateLimit::named("search").rate(10, SECOND);

    limit.set_rate(30, SECOND);

    assert_eq!(at_once(&limit), 30);
}

#[tokio::test(start_paused = true)]
async fn changes_during_a_pause_do_not_end_it_nor_make_a_herd() {
    let limit = RateLimit::named("search").rate(10, SECOND);
    throttle(&limit, Some(SECOND));
    let end = limit.paused_until().unwrap();

    limit.set_rate(1_000, SECOND);
    assert_eq!(limit.paused_until(), Some(end));
    assert!(matches!(refusal(&limit), Reason::Paused { .. }));
    limit.set_burst(5_000);
    assert!(matches!(refusal(&limit), Reason::Paused { .. }));
}

#[tokio::test(start_paused = true)]
async fn observing_counts_what_it_would_refuse_and_refuses_nothing() {
    let limit = even().mode(Mode::Observe);

    for _ in 0..5 {
        limit.acquire().await.unwrap().abandon();
    }
    throttle(&limit, Some(SECOND));
    limit.acquire().await.unwrap().abandon();

    let counts = limit.counts();
    assert_eq!((counts.admitted, counts.limited, counts.paused, counts.pauses), (1, 4, 1, 1));
    limit.set_mode(Mode::Enforce);
    assert!(matches!(refusal(&limit), Reason::Paused { .. }));
}

#[tokio::test(start_paused = true)]
async fn observing_never_waits() {
    let limit = even().max_wait(SECOND).mode(Mode::Observe);
    let start = Instant::now();

    for _ in 0..3 {
        limit.acquire().await.unwrap().abandon();
    }

    assert_eq!(start.elapsed(), ms(0));
    assert_eq!((limit.counts().admitted, limit.counts().waited), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn off_does_nothing_at_all() {
    let limit = even().mode(Mode::Off);

    for _ in 0..5 {
        limit.acquire().await.unwrap().settle_as(Class::Throttled { after: Some(SECOND) }, ());
        limit.heed(Quota::of(1, SECOND));
    }

    assert_eq!(limit.current_mode(), Mode::Off);
    assert_eq!((limit.counts().admitted, limit.counts().pauses), (0, 0));
    limit.set_mode(Mode::Enforce);
    assert_eq!(at_once(&limit), 1);
}

#[test]
fn extreme_settings_overflow_nothing() {
    let limit = RateLimit::named("extreme").rate(u32::MAX, Duration::from_nanos(1)).max_wait(Duration::MAX);
    assert!(limit.try_acquire().is_ok());
    limit.set_rate(1, Duration::from_secs(365 * 86_400));
    limit.set_burst(u32::MAX);
    assert_eq!(limit.meter.pace().burst, 1, "as much as comes back within a year");
    throttle(&limit, Some(Duration::MAX));
    assert!(limit.paused_until().unwrap() <= Instant::now() + Duration::from_secs(60));
    limit.heed(Quota::of(u64::MAX, Duration::MAX));
    limit.heed(Quota::of(1, Duration::MAX));
}

#[test]
#[should_panic(expected = "`rate` must be at least 1")]
fn no_calls_are_no_rate() {
    let _ = RateLimit::named("none").rate(0, SECOND);
}

#[test]
#[should_panic(expected = "`burst` must come back within a year")]
fn a_burst_of_years_is_none() {
    let _ = RateLimit::named("years").rate(1, Duration::from_secs(86_400)).burst(366);
}

#[test]
fn callers_on_many_threads_share_one_burst() {
    let limit = Arc::new(RateLimit::named("threads").rate(1, Duration::from_secs(3_600)).burst(1_000));

    let callers: Vec<_> = (0..4)
        .map(|_| {
            let limit = limit.clone();
            std::thread::spawn(move || at_once(&limit))
        })
        .collect();

    assert_eq!(callers.into_iter().map(|caller| caller.join().unwrap()).sum::<usize>(), 1_000);
    assert_eq!(limit.counts().admitted, 1_000);
}

/// An answer of a server, sane or not.
#[derive(Debug, Clone, Copy)]
enum Said {
    Throttled(Option<Duration>),
    Quota(Option<u64>, Option<Duration>),
    Nothing(u64),
}

fn said() -> impl Strategy<Value = Said> {
    let time = || {
        prop_oneof![
            (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos)),
            (0..100_000_u64).prop_map(Duration::from_millis),
            Just(Duration::ZERO),
            Just(Duration::MAX),
        ]
    };
    let count = prop_oneof![any::<u64>(), 0..5_u64, Just(u64::MAX)];
    prop_oneof![
        proptest::option::of(time()).prop_map(Said::Throttled),
        (proptest::option::of(count), proptest::option::of(time())).prop_map(|(left, reset)| Said::Quota(left, reset)),
        (0..100_000_u64).prop_map(Said::Nothing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_server_says_stops_it_for_no_longer_than_the_cap(
        said in proptest::collection::vec(said(), 1..30),
        cap in prop_oneof![Just(Duration::from_secs(60)), (1..10_000_u64).prop_map(Duration::from_millis)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limit = RateLimit::named("hostile").rate(10, SECOND).max_pause(cap);
            // a call of the slowed rate, or one that is spread over the cap, beside the pause
            let longest = cap.max(ms(1_600));
            for said in said {
                match said {
                    Said::Throttled(after) => throttle(&limit, after),
                    Said::Quota(remaining, reset) => limit.heed(Quota { remaining, reset, refills: false }),
                    Said::Nothing(millis) => advance(ms(millis)).await,
                }
                prop_assert!(!limit.restart_if_clock_went_back(Instant::now()), "{limit:?}");
                match limit.try_acquire().map_err(|rejection| rejection.reason()) {
                    Ok(permit) => permit.abandon(),
                    Err(Reason::Paused { retry_after }) => prop_assert!(retry_after <= cap),
                    Err(Reason::RateLimited { retry_after }) => prop_assert!(retry_after <= longest),
                    Err(other) => prop_assert!(false, "{other:?}"),
                }
                let share = limit.share();
                prop_assert!((0.0..=1.0).contains(&share) && share > 0.0);
            }
            advance(cap + longest).await;
            prop_assert!(limit.try_acquire().is_ok(), "{limit:?}");
            Ok(())
        })?;
    }

    #[test]
    fn nothing_starts_the_limit_again_while_the_clock_goes_on(
        steps in proptest::collection::vec(
            (said(), proptest::option::of((1..60_u32, 1..3_000_u64)), 1..40_u32, proptest::option::of(any::<u64>())),
            1..40,
        ),
    ) {
        clock::later(Duration::ZERO, async {
            let limit = RateLimit::named("hostile").rate(10, SECOND).burst(7);
            for (said, changes, calls, cost) in steps {
                match said {
                    Said::Throttled(after) => throttle(&limit, after),
                    Said::Quota(remaining, reset) => limit.heed(Quota { remaining, reset, refills: false }),
                    Said::Nothing(millis) => advance(ms(millis)).await,
                }
                if let Some((many, millis)) = changes {
                    if millis % 2 == 0 { limit.set_rate(many, ms(millis)) } else { limit.set_burst(many) }
                }
                if let (Ok(mut permit), Some(cost)) = (limit.acquire_many(calls.into()).await, cost) {
                    permit.charge(cost % 1_000);
                    permit.charge(cost);
                }
                prop_assert!(!limit.meter.is_ahead_of(units(Instant::now())), "{limit:?}");
            }
            Ok(())
        })?;
    }

    /// The limit beside a bucket of tokens in whole numbers: units of a nanosecond, of which a token has 1,000,000 at this rate.
    #[test]
    fn weights_costs_and_debts_are_those_of_a_token_bucket(
        steps in proptest::collection::vec((0..400_u64, 1..120_u64, proptest::option::of(0..300_u64)), 1..80),
    ) {
        const TOKEN: i64 = 1_000_000;
        const BURST: i64 = 100;

        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limit = RateLimit::named("bucket").rate(1_000, SECOND).burst(100).max_pause(Duration::MAX);
            let mut level = BURST * TOKEN;
            let mut open: Vec<(RatePermit<'_>, i64)> = Vec::new();
            for (millis, weight, cost) in steps {
                advance(ms(millis)).await;
                level = (level + i64::try_from(millis).unwrap() * TOKEN).min(BURST * TOKEN);
                let taken = i64::try_from(weight).unwrap();
                match limit.try_acquire_many(weight) {
                    Ok(permit) => {
                        prop_assert!(taken * TOKEN <= level, "{taken} of {level}");
                        level -= taken * TOKEN;
                        open.push((permit, taken));
                    }
                    Err(rejection) if taken > BURST => {
                        prop_assert_eq!(rejection.reason(), Reason::TooHeavy { weight: units_of(weight), burst: 100 });
                    }
                    Err(rejection) => {
                        let missing = u64::try_from(taken * TOKEN - level).unwrap();
                        prop_assert_eq!(rejection.retry_after(), Some(Duration::from_nanos(missing)));
                    }
                }
                if let (Some(cost), false) = (cost, open.is_empty()) {
                    let (mut permit, taken) = open.swap_remove(cost as usize % open.len());
                    permit.charge(cost);
                    level = (level + (taken - i64::try_from(cost).unwrap()) * TOKEN).min(BURST * TOKEN);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_window_admits_too_many_however_callers_come_and_go(
        callers in proptest::collection::vec((0..3_000_u64, 1..4_u32, proptest::option::of(0..500_u64)), 1..60),
        burst in 1..6_u32,
        idle in prop_oneof![Just(0), Just(864_000_000_u64)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (admitted, waiting) = runtime.block_on(async {
            let limit = Arc::new(RateLimit::named("any").rate(17, SECOND).burst(burst).max_wait(SECOND));
            let admitted = Arc::new(Mutex::new(Vec::new()));
            advance(ms(idle)).await;
            let tasks: Vec<_> = callers
                .into_iter()
                .map(|(at, calls, gives_up)| {
                    let (limit, admitted) = (limit.clone(), admitted.clone());
                    tokio::spawn(async move {
                        sleep(ms(at)).await;
                        let call = async {
                            if limit.acquire_many(calls.into()).await.is_ok() {
                                let now = Instant::now();
                                admitted.lock().unwrap().extend(std::iter::repeat_n(now, calls as usize));
                            }
                        };
                        match gives_up {
                            Some(millis) => drop(tokio::time::timeout(ms(millis), call).await),
                            None => call.await,
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            (admitted.lock().unwrap().clone(), limit.counts().waiting)
        });

        prop_assert_eq!(waiting, 0);
        for (first, from) in admitted.iter().enumerate() {
            for (last, to) in admitted.iter().enumerate().skip(first) {
                let over = (last - first + 1).saturating_sub(burst as usize) as u128;
                prop_assert!(over * 1_000_000_000 <= 17 * (*to - *from).as_nanos());
            }
        }
    }
}

const YEAR: Duration = Duration::from_secs(365 * 86_400);

#[test]
fn decades_later_it_is_as_before() {
    for years in [17, 20, 70] {
        clock::later(YEAR * years, async {
            let limit = Arc::new(even().max_wait(SECOND));
            assert_eq!(
                ends(arrivals(&limit, 4).await).await,
                [0, 100, 200, 300].map(|millis| Ok(ms(millis))),
                "{years}"
            );
            throttle(&limit, Some(SECOND));
            assert!(limit.is_paused());
        });
    }
}

#[test]
fn at_the_end_of_the_range_everything_is_refused_and_nobody_waits() {
    clock::later(YEAR * 80, async {
        let limit = even().max_wait(Duration::from_secs(10));
        assert!(matches!(limit.acquire().await.unwrap_err().reason(), Reason::RateLimited { .. }));
        assert!(limit.try_acquire().is_err());
        assert!(limit.acquire_many(3).await.is_err());
        throttle(&limit, Some(SECOND));
        throttle(&limit, None);
        limit.heed(Quota::of(3, SECOND * 5));
        assert!(limit.acquire().await.is_err());
    });
}

#[test]
fn who_waits_when_the_range_ends_is_refused() {
    let left = Duration::from_nanos(u64::MAX / gcra::PER_NANO).saturating_sub(YEAR + Duration::from_secs(3_600));
    clock::later(left, async {
        let limit = even().max_wait(Duration::from_secs(100_000));
        limit.heed(Quota::of(1, SECOND * 50));
        at_once(&limit);
        let acquire = pin!(limit.acquire());

        advance(Duration::from_secs(3_700)).await;

        assert!(acquire.await.is_err());
    });
}

/// State found by a clock that has gone back: a `static` under test after test, each with a paused clock of its own.
#[test]
fn a_clock_that_goes_back_starts_the_limit_again() {
    type Restraint = (&'static str, fn(&RateLimit));
    let hour = Duration::from_secs(3_600);
    let restraints: [Restraint; 6] = [
        ("used up", |_| ()),
        ("paused", |limit| throttle(limit, Some(SECOND))),
        ("slowed", |limit| throttle(limit, None)),
        ("spread", |limit| limit.heed(Quota::of(1, SECOND * 5))),
        ("a new rate", |limit| limit.set_rate(50, SECOND)),
        ("a new burst", |limit| limit.set_burst(5)),
    ];
    for (name, restrain) in restraints {
        let limit = Arc::new(RateLimit::named("back").rate(10, SECOND).burst(10).max_wait(SECOND));
        clock::later(2 * hour, async {
            restrain(&limit);
            at_once(&limit);
        });
        clock::later(hour, async {
            if name != "a new burst" {
                assert_eq!(at_once(&limit), 10, "{name}");
            }
            at_once(&limit);
            assert!(!limit.is_paused() && limit.paused_until().is_none(), "{name}");
            assert_eq!(percent(&limit), 100, "{name}");
            assert!(ends(arrivals(&limit, 1).await).await[0].is_ok(), "{name}");
        });
        clock::later(Duration::ZERO, async {
            throttle(&limit, Some(SECOND));
            let until = limit.paused_until().unwrap();
            assert!(until <= Instant::now() + 2 * SECOND, "{name}: {until:?}");
            advance(3 * SECOND).await;
            assert!(limit.try_acquire().is_ok(), "{name}");
        });
    }
}

#[test]
fn a_change_after_the_clock_went_back_does_not_keep_what_was_used() {
    type Change = (&'static str, fn(&RateLimit, &mut RatePermit<'_>));
    let changes: [Change; 4] = [
        ("a new rate", |limit, _| limit.set_rate(50, SECOND)),
        ("a new burst", |limit, _| limit.set_burst(20)),
        ("an answer", |limit, _| limit.heed(Quota::of(3, SECOND))),
        ("a cost", |_, permit| permit.charge(3)),
    ];
    for (name, change) in changes {
        let limit = RateLimit::named("back").rate(10, SECOND).burst(10).max_wait(ms(10));
        let mut permit = clock::later(Duration::from_secs(86_400), async {
            let permit = limit.try_acquire().unwrap();
            assert_eq!(at_once(&limit), 9);
            permit
        });

        clock::later(Duration::ZERO, async {
            change(&limit, &mut permit);
            advance(10 * SECOND).await;
            assert!(at_once(&limit) >= 10, "{name}");
        });
    }
}

#[test]
fn a_clock_that_goes_back_leaves_a_rate_that_is_slow_to_end_soon() {
    let limit = RateLimit::named("back").rate(10, SECOND);
    clock::later(Duration::from_secs(3_600), async { throttle(&limit, None) });

    clock::later(Duration::ZERO, async {
        throttle(&limit, None);
        assert_eq!(percent(&limit), 50);
        advance(8 * SECOND).await;
        assert_eq!(percent(&limit), 100);
    });
}

#[test]
fn every_setting_counts_for_a_name() {
    let plain = || RateLimit::named("rate limit: every");
    let others = [
        plain().rate(99, SECOND),
        plain().rate(100, ms(999)),
        plain().burst(100),
        plain().max_wait(ms(1)),
        plain().max_pause(SECOND),
        plain().mode(Mode::Observe),
    ];

    assert!(plain().agrees(&plain()));
    for other in others {
        assert!(!plain().agrees(&other), "{other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_rate_of_its_own_and_is_not_forgotten_while_it_is_used_up() {
    static KEYS: crate::PerKey<RateLimit> =
        crate::PerKey::new(RateLimit::named("keys").rate(1, Duration::from_secs(3_600))).idle(ms(100)).capacity(1);
    assert_eq!(at_once(&KEYS.of("a")), 1);

    advance(Duration::from_secs(3_599)).await;
    assert_eq!(at_once(&KEYS.of("b")), 1, "the overflow's: `a` keeps the only place");
    assert_eq!(at_once(&KEYS.of("a")), 0);
    assert_eq!((KEYS.len(), KEYS.overflowed(), KEYS.evicted()), (1, 1, 0));

    advance(Duration::from_secs(3_601)).await;
    at_once(&KEYS.of("c")); // `a` was used since its last turn, and gets another
    advance(SECOND).await;
    assert_eq!(at_once(&KEYS.of("c")), 1);
    assert_eq!((KEYS.len(), KEYS.evicted()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_key_is_kept_while_calls_slowness_or_a_changed_rate_would_be_forgotten_with_it() {
    let limit = RateLimit::named("kept").rate(10, SECOND).burst(5);
    assert!(!limit.is_held_by_hand());

    drop(limit.try_acquire().unwrap());
    assert!(limit.is_held_by_hand());
    advance(ms(100)).await;
    assert!(!limit.is_held_by_hand(), "the call has come back");

    throttle(&limit, None);
    advance(7 * SECOND).await;
    at_once(&limit);
    advance(ms(999)).await;
    assert!(limit.is_held_by_hand(), "it is not at full speed yet");
    advance(SECOND).await;
    assert!(!limit.is_held_by_hand());

    limit.set_rate(20, SECOND);
    assert!(limit.is_held_by_hand());
    limit.set_rate(10, SECOND);
    assert!(!limit.is_held_by_hand());
    limit.set_mode(Mode::Off);
    assert!(limit.is_held_by_hand());
}

#[tokio::test(start_paused = true)]
async fn half_of_what_it_has_come_back_to_is_left_by_the_next_refusal() {
    let limit = RateLimit::named("halved").rate(10, SECOND);
    throttle(&limit, None);
    assert_eq!(percent(&limit), 50);

    advance(2 * SECOND).await;
    assert_eq!(percent(&limit), 63, "an eighth more");
    throttle(&limit, None);

    assert_eq!(percent(&limit), 31);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_settled_by_hand_tells_the_limit_what_the_server_said() {
    struct Busy;
    impl Classify for Busy {
        fn class(&self) -> Class {
            Class::Throttled { after: Some(SECOND) }
        }
    }
    let [by_class, by_when] = [(); 2].map(|()| RateLimit::named("by hand").rate(10, SECOND));

    assert!(by_class.try_acquire().unwrap().settle(Err::<(), _>(Busy)).is_err());
    assert!(by_when.try_acquire().unwrap().settle_when(Err::<(), _>(()), |(): &()| Busy.class()).is_err());

    assert!(by_class.is_paused() && by_when.is_paused());
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_the_server_holds_back_is_in_trouble() {
    let [fresh, paused, slowed] = [(); 3].map(|()| RateLimit::named("trouble").rate(10, SECOND));
    throttle(&paused, Some(SECOND));
    throttle(&slowed, None);

    assert_eq!([&fresh, &paused, &slowed].map(RateLimit::is_in_trouble), [false, true, true]);
    assert!(!slowed.is_paused() && percent(&paused) == 100);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_is_a_call_that_was_abandoned() {
    let limit = RateLimit::named("given up").rate(10, SECOND).burst(1).max_wait(SECOND);
    let abandoned = || limit.shell.record().ended()[Ended::Abandoned as usize];
    assert_eq!(at_once(&limit), 1);
    let before = abandoned();

    drop(parked(&limit));

    assert_eq!(abandoned() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_hears_no_server() {
    let limit = RateLimit::named("off").rate(10, SECOND).mode(Mode::Off);
    limit.heed(Quota::of(1, 5 * SECOND));

    limit.set_mode(Mode::Enforce);

    assert_eq!((percent(&limit), at_once(&limit)), (100, 10));
}

#[tokio::test(start_paused = true)]
async fn made_as_new_it_has_used_nothing_and_heard_no_server() {
    let limit = RateLimit::named("new").rate(10, SECOND).burst(4);
    at_once(&limit);
    limit.heed(Quota::of(10, Duration::from_secs(20)));
    throttle(&limit, None);
    throttle(&limit, Some(SECOND));
    limit.set_rate(1, SECOND);

    limit.forget();

    assert_eq!((percent(&limit), limit.paused_until(), limit.meter.pressure.reach()), (100, None, Units(0)));
    assert_eq!(at_once(&limit), 4);
    assert_eq!(refusal(&limit), Reason::RateLimited { retry_after: ms(100) });
}

#[test]
fn a_weight_is_at_least_one_and_at_most_what_the_meter_can_count() {
    let most = u64::from(u32::MAX);

    assert_eq!([0, 1, 7, most, most + 2, u64::MAX].map(weight_of), [1, 1, 7, u32::MAX, u32::MAX, u32::MAX]);
}

/// The list of policies is made by a thread whose clock may be behind: a test's with a clock of its own, beside one that has moved its own on.
#[test]
fn a_look_from_an_earlier_time_forgets_nothing() {
    use crate::clock::later;

    let limit = RateLimit::named("looked at").rate(5, 300 * SECOND).burst(5).max_pause(600 * SECOND);
    let hour = 3_600 * SECOND;
    later(hour, async { assert_eq!(at_once(&limit), 5) });

    assert_eq!((limit.is_paused(), limit.share(), limit.is_held_by_hand()), (false, 1.0, false));

    later(hour, async {
        assert_eq!(at_once(&limit), 0);
        throttle(&limit, Some(300 * SECOND));
        assert!(limit.is_paused());
    });

    assert!(!limit.is_paused());

    later(hour, async { assert!(limit.is_paused()) });
}
