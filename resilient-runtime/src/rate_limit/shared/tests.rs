use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::*;
use crate::naming::Named as _;
use crate::shared::InMemory;
use crate::test::record;
use crate::{Class, PerKey, Reason};

mod pool;

const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn store() -> &'static InMemory {
    Box::leak(Box::new(InMemory::new()))
}

/// A machine's limit of 100 calls a second.
fn machine(store: &'static InMemory) -> RateLimit {
    RateLimit::named("fleet").rate(100, SECOND).shared_through(store)
}

/// A store that knows the limit, and whose burst has come back.
async fn rested() -> &'static InMemory {
    let store = store();
    machine(store).acquire().await.unwrap().abandon();
    sleep(SECOND * 2).await;
    store
}

/// Returns how many calls in a row are let through.
async fn in_a_row(limit: &RateLimit) -> u32 {
    let mut calls = 0;
    while limit.acquire().await.is_ok() {
        calls += 1;
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn machines_share_one_burst_less_what_a_lease_is_worth() {
    let store = rested().await;
    let (one, other) = (machine(store), machine(store));

    // a quarter of the 99 intervals is for leases
    assert_eq!(in_a_row(&one).await, 75);
    assert_eq!(in_a_row(&other).await, 0);
    assert!(matches!(other.acquire().await.unwrap_err().reason(), Reason::RateLimited { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_the_store_does_not_know_begins_without_a_burst() {
    let limit = machine(store());

    assert_eq!(in_a_row(&limit).await, 1);
    sleep(SECOND).await;
    assert_eq!(in_a_row(&limit).await, 75);
}

#[tokio::test(start_paused = true)]
async fn most_calls_ask_nobody() {
    let store = store();
    let limit = RateLimit::named("fleet").rate(20_000, SECOND).shared_through(store);
    limit.acquire().await.unwrap().abandon();
    sleep(SECOND * 2).await;
    let asked = store.asked();

    let mut refused = 0;
    for _ in 0..5_000 {
        for _ in 0..10 {
            refused += u32::from(limit.acquire().await.is_err());
        }
        sleep(ms(1)).await;
    }

    let asked = store.asked() - asked;
    assert_eq!(refused, 0);
    assert!(asked <= 60, "{asked} questions for 50,000 calls in 5 s");
}

#[tokio::test(start_paused = true)]
async fn a_steady_caller_never_waits_for_an_answer() {
    let store = rested().await;
    store.set_delay(ms(4));
    let limit = machine(store);
    for _ in 0..100 {
        limit.acquire().await.unwrap().abandon();
        sleep(ms(15)).await;
    }

    let mut waited = Duration::ZERO;
    for _ in 0..200 {
        let asked = Instant::now();
        limit.acquire().await.unwrap().abandon();
        waited += asked.elapsed();
        sleep(ms(15)).await;
    }

    assert_eq!(waited, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_not_used_runs_out() {
    let store = rested().await;
    let limit = machine(store);
    for _ in 0..20 {
        limit.acquire().await.unwrap().abandon();
    }
    let held = store.granted("fleet") - 1 - 20;
    assert!(held > 0, "some are held");
    store.set_down(true);

    sleep(ms(248)).await;

    let pool = limit.link_pool();
    assert_eq!(pool.usable(pool.millis(units(clock::now())), 250), 0);
}

#[tokio::test(start_paused = true)]
async fn try_acquire_never_waits_and_asks_for_the_next() {
    let store = rested().await;
    let limit = machine(store);

    assert!(matches!(limit.try_acquire().unwrap_err().reason(), Reason::RateLimited { .. }));
    sleep(ms(1)).await;
    assert!(limit.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn calls_that_may_wait_get_their_turn() {
    let store = rested().await;
    let limit = Arc::new(machine(store).max_wait(SECOND * 2));
    in_a_row(&machine(store)).await;

    let begin = Instant::now();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let limit = limit.clone();
            tokio::spawn(async move { limit.acquire().await.map(crate::rate_limit::RatePermit::abandon) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }

    let took = begin.elapsed();
    assert!(took >= ms(490) && took < ms(800), "{took:?} for 50 calls at 100 a second");
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_one_machine_holds_all() {
    let store = rested().await;
    let (one, other) = (machine(store), machine(store));
    other.acquire().await.unwrap().abandon();
    let permit = one.acquire().await.unwrap();

    permit.settle_as(Class::Throttled { after: Some(SECOND * 3) }, ());

    sleep(ms(251)).await;
    let rejections = [other.acquire().await, other.acquire().await].map(|call| call.unwrap_err().reason());
    let Reason::Paused { retry_after } = rejections[1] else { panic!("{rejections:?}") };
    assert!(retry_after > SECOND * 2, "{retry_after:?}");
    sleep(retry_after + ms(1)).await;
    assert!(in_a_row(&other).await <= 1, "no burst at the end of a pause");
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_a_server_slows_is_slower_for_all() {
    let store = rested().await;
    let (one, other) = (machine(store), machine(store));
    other.acquire().await.unwrap().abandon();

    one.acquire().await.unwrap().settle_as(Class::Throttled { after: None }, ());
    sleep(ms(300)).await;
    let _ = other.acquire().await;
    let _ = other.acquire().await;

    assert!(other.share() < 0.6, "{}", other.share());
    assert_eq!(other.counts().slowed, 1);
    let later = machine(store);
    let _ = later.acquire().await;
    let _ = later.acquire().await;
    assert!(later.share() > 0.9, "a machine that comes later has not been told");
}

#[tokio::test(start_paused = true)]
async fn without_its_store_each_machine_goes_by_its_share() {
    let store = rested().await;
    store.set_machines(4);
    let limit = machine(store);
    limit.acquire().await.unwrap().abandon();
    sleep(SECOND).await;
    let events = record();
    store.set_down(true);

    let mut admitted = 0;
    for _ in 0..4_000 {
        admitted += u32::from(limit.acquire().await.is_ok());
        sleep(ms(1)).await;
    }

    assert!((90..=110).contains(&admitted), "a quarter of 100 a second, in 4 s: {admitted}");
    let degraded = |event: &Event| matches!(event, Event::Degraded { policy: "fleet", rule: WhenDown::Local, .. });
    assert_eq!(events.count(degraded), 1);

    store.set_down(false);
    sleep(ms(200)).await;
    let _ = limit.acquire().await;
    sleep(ms(1)).await;
    let _ = limit.acquire().await;
    let recovered = |event: &Event| matches!(event, Event::Recovered { after, .. } if *after > SECOND * 3);
    assert_eq!(events.count(recovered), 1);
}

#[tokio::test(start_paused = true)]
async fn the_rule_for_a_store_that_is_down_is_a_choice() {
    for (rule, least, most) in [(WhenDown::Open, 190, 210), (WhenDown::Closed, 0, 0)] {
        let store = rested().await;
        store.set_machines(4);
        store.set_down(true);
        let limit = machine(store).when_down(rule);

        let mut admitted = 0;
        for _ in 0..2_000 {
            admitted += u32::from(limit.acquire().await.is_ok());
            sleep(ms(1)).await;
        }

        assert!((least..=most).contains(&admitted), "{rule}: {admitted}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_costs_a_call_its_time_out_and_not_more() {
    let store = rested().await;
    store.set_delay(SECOND);
    let limit = machine(store);

    for _ in 0..100 {
        let begin = Instant::now();
        let _ = limit.acquire().await;
        assert!(begin.elapsed() <= ms(9), "{:?}", begin.elapsed());
        sleep(ms(7)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cost_is_settled_with_the_store() {
    let store = rested().await;
    let limit = machine(store);
    let mut heavy = limit.acquire_many(60).await.unwrap();

    heavy.charge(10);
    heavy.abandon();
    sleep(ms(300)).await;

    assert!(limit.acquire_many(70).await.is_ok(), "50 have come back at once");
    assert!(matches!(limit.acquire_many(76).await.unwrap_err().reason(), Reason::TooHeavy { weight: 76, burst: 75 }));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_has_lost_its_memory_lets_nothing_extra_through() {
    let store = rested().await;
    let limit = machine(store);
    assert_eq!(in_a_row(&limit).await, 75);

    store.forget();

    let mut admitted = 0;
    for _ in 0..100 {
        sleep(ms(10)).await;
        admitted += in_a_row(&limit).await;
    }
    assert!(admitted <= 101, "{admitted} in a second");
}

#[test]
fn the_terms_leave_room_for_a_lease() {
    let terms = |calls, per, burst| Terms::of(Pace::new(calls, per, burst));

    assert_eq!(terms(1_000, SECOND, None).lease.since(Units(0)), ms(249) + Duration::from_micros(750));
    assert_eq!(terms(5, SECOND * 60, None).lease.since(Units(0)), ms(250));
    assert_eq!(terms(5, SECOND * 60, None).interval.since(Units(0)), ms(12_250));
    assert!(Terms::refuses(Pace::new(100, SECOND, Some(4))).is_some());
    assert!(Terms::refuses(Pace::new(100, SECOND, Some(5))).is_none());
    assert!(Terms::refuses(Pace::new(100, SECOND, Some(1))).is_some());
}

#[test]
fn a_burst_that_is_too_small_is_refused_later_too_and_changes_nothing() {
    let limit = RateLimit::named("fleet").rate(100, SECOND).shared_through(store());
    let pace = limit.meter.pace();

    for change in [|limit: &RateLimit| limit.set_burst(3), |limit: &RateLimit| limit.set_rate(100_000_000, SECOND)] {
        let change = std::panic::AssertUnwindSafe(|| change(&limit));
        assert!(std::panic::catch_unwind(change).is_err());
        assert_eq!(limit.meter.pace(), pace);
    }
    limit.set_rate(200, SECOND);
    assert_eq!(limit.meter.pace().burst, 200);
}

#[test]
#[should_panic(expected = "40 ms' worth")]
fn a_burst_that_is_too_small_is_refused() {
    let _ = RateLimit::named("fleet").rate(100, SECOND).shared_through(store()).burst(3);
}

/// The time that passes while a call takes its place must not be what it has too little of. A machine that stands still for longer than a call waits
/// may refuse some.
#[tokio::test]
async fn on_a_clock_that_runs_a_call_waits_for_the_answer() {
    let limits = PerKey::new(machine(store()));

    let mut admitted = 0;
    for key in 0..100 {
        admitted += u32::from(limits.of_logged(&key).acquire().await.is_ok());
    }

    assert!(admitted >= 50, "{admitted} of 100 calls waited for the answer");
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_limit_that_machines_share() {
    let store = store();
    let [one, other] = [0, 1].map(|_| PerKey::new(machine(store)));
    for fleet in [&one, &other] {
        for key in ["acme", "umbrella"] {
            let _ = fleet.of_logged(key).acquire().await;
        }
    }
    sleep(SECOND * 2).await;

    assert_eq!(in_a_row(&one.of_logged("acme")).await, 75);
    assert_eq!(in_a_row(&other.of_logged("acme")).await, 0, "the quota of the key is used up");
    assert_eq!(in_a_row(&other.of_logged("umbrella")).await, 75);
    assert_eq!(store.granted("fleet:\"acme\""), 76);
}

/// Two that differ after the characters that a log shows are two.
#[tokio::test(start_paused = true)]
async fn the_store_knows_a_key_by_all_of_its_text() {
    let store = store();
    let limits = PerKey::new(machine(store));
    let long = "x".repeat(100);
    for end in ["a", "b"] {
        limits.of_logged(&format!("{long}{end}")).acquire().await.unwrap().abandon();
    }

    assert_eq!(store.granted(&format!("fleet:\"{long}a\"")), 1);
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_key_keep_the_store() {
    let store = store();
    let limits = PerKey::new(machine(store));
    let plan = |key: &str, limit: RateLimit| if key == "acme" { limit.rate(1_000, SECOND) } else { limit };
    for key in ["acme", "umbrella"] {
        limits.of_logged_with(key, plan).acquire().await.unwrap().abandon();
    }
    sleep(SECOND * 2).await;

    assert!(in_a_row(&limits.of_logged_with("acme", plan)).await > 700);
    assert_eq!(in_a_row(&limits.of_logged_with("umbrella", plan)).await, 75);
    assert!(store.granted("fleet:\"acme\"") > 700);
}

#[test]
fn two_limits_agree_only_through_one_store() {
    let (store, plain) = (store(), || RateLimit::named("fleet").rate(100, SECOND));

    assert!(machine(store).agrees(&machine(store)) && plain().agrees(&plain()));
    assert!(!machine(store).agrees(&machine(self::store())));
    assert!(!machine(store).agrees(&plain()) && !plain().agrees(&machine(store)));
}

#[test]
#[should_panic(expected = "use `of_logged` in place of `of`")]
fn a_key_without_a_text_is_not_shared() {
    let _ = PerKey::new(machine(store())).of("acme");
}

#[test]
fn is_listed_with_its_store() {
    let limit = machine(store()).when_down(WhenDown::Open);

    let mut description = crate::list::Description::default();
    limit.describe_to(&mut description);

    let setting = |key| description.settings.iter().find(|setting| setting.key == key).map(|setting| &*setting.value);
    assert_eq!((setting("shared"), setting("when_down")), (Some("memory"), Some("open")));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many calls by one of the machines.
    Call(usize, u32),
    /// Milliseconds.
    Pass(u64),
    /// A machine ends without a word, and another takes its place.
    Crash(usize),
    Down(bool),
    /// Milliseconds that an answer takes.
    Delay(u64),
    Forget,
    Pause(usize),
}

fn steps(forgets: u32) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..3_usize, 1..40_u32).prop_map(|(machine, calls)| Step::Call(machine, calls)),
        8 => prop_oneof![0..30_u64, 200..300_u64, Just(2_000)].prop_map(Step::Pass),
        2 => (0..3_usize).prop_map(Step::Crash),
        1 => any::<bool>().prop_map(Step::Down),
        2 => (0..12_u64).prop_map(Step::Delay),
        forgets => Just(Step::Forget),
        1 => (0..3_usize).prop_map(Step::Pause),
    ];
    proptest::collection::vec(step, 0..80)
}

/// Runs machines through the steps, and returns when their calls were let through, and how often the store has forgotten.
async fn run(steps: Vec<Step>, pace: Pace) -> (Vec<Instant>, u32) {
    let store = store();
    let period = pace.interval.since(Units(0)) * 1_000;
    let fresh = || {
        let limit = RateLimit::named("fleet").rate(1_000, period).burst(pace.burst);
        limit.shared_through(store).when_down(WhenDown::Closed)
    };
    let mut machines = [fresh(), fresh(), fresh()];
    let (mut admitted, mut forgotten) = (Vec::new(), 0);
    for step in steps {
        match step {
            Step::Call(machine, calls) => {
                for _ in 0..calls {
                    if machines[machine].acquire().await.is_ok() {
                        admitted.push(Instant::now());
                    }
                }
            }
            Step::Pass(millis) => sleep(ms(millis)).await,
            Step::Crash(machine) => machines[machine] = fresh(),
            Step::Down(is_down) => store.set_down(is_down),
            Step::Delay(millis) => store.set_delay(ms(millis)),
            Step::Forget => {
                store.forget();
                forgotten += 1;
            }
            Step::Pause(machine) => machines[machine].throttled(Some(ms(100))),
        }
    }
    (admitted, forgotten)
}

/// The most calls beyond the burst and the rate in any time.
fn excess(admitted: &[Instant], pace: Pace) -> i64 {
    let mut most = i64::MIN;
    for (index, first) in admitted.iter().enumerate() {
        for (calls, last) in (1..).zip(&admitted[index..]) {
            let allowed = last.duration_since(*first).as_nanos() * 8 / u128::from(pace.interval.0);
            most = most.max(calls - i64::from(pace.burst) - allowed as i64);
        }
    }
    most
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_crash_delay_or_outage_lets_more_through(
        steps in steps(0), millis in 1..200_u64, burst in 1..60_u32,
    ) {
        let pace = Pace::new(1, ms(millis), Some(burst));
        prop_assume!(Terms::refuses(pace).is_none());

        let (admitted, _) = clock::later(Duration::ZERO, run(steps, pace));

        prop_assert!(excess(&admitted, pace) <= 0, "{} too many", excess(&admitted, pace));
    }

    #[test]
    fn a_loss_of_memory_lets_at_most_one_more_through(
        steps in steps(2), millis in 1..200_u64, burst in 1..60_u32,
    ) {
        let pace = Pace::new(1, ms(millis), Some(burst));
        prop_assume!(Terms::refuses(pace).is_none());

        let (admitted, forgotten) = clock::later(Duration::ZERO, run(steps, pace));

        prop_assert!(excess(&admitted, pace) <= i64::from(forgotten), "{} too many", excess(&admitted, pace));
    }
}

impl RateLimit {
    fn link_pool(&self) -> &Pool {
        self.shared.as_ref().expect("shared").pool()
    }
}
