//! The promises of the policies of many keys.

use std::cell::Cell;
use std::ptr;
use std::sync::Barrier;
use std::thread;

use super::*;
use crate::test::record;
use crate::{Bulkhead, CircuitBreaker, CircuitBreakerState, Class, Hedge, Mode, RateLimit, Throttle};

const IDLE: Duration = Duration::from_secs(60);

fn hosts() -> PerKey<CircuitBreaker> {
    PerKey::new(CircuitBreaker::named("hosts")).idle(IDLE)
}

/// Returns whether both are the same policy.
fn same(one: &CircuitBreaker, other: &CircuitBreaker) -> bool {
    ptr::eq(one, other)
}

async fn advance(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn one_key_is_one_policy() {
    let hosts = hosts();

    let (first, second) = (hosts.of("a"), hosts.of("a"));

    assert!(same(&first, &second));
    assert_eq!(hosts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn other_keys_are_left_alone() {
    let hosts = hosts();
    hosts.of("a").force_open();

    assert_eq!(hosts.of("b").state(), CircuitBreakerState::Closed);
    assert_eq!(hosts.of("a").state(), CircuitBreakerState::ForcedOpen);
    assert_eq!(hosts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn it_does_not_matter_who_owns_the_key() {
    let hosts = hosts();
    let policy = hosts.of("a");

    assert!(same(&policy, &hosts.of(&"a")));
    assert!(same(&policy, &hosts.of(&String::from("a"))));
    assert!(same(&policy, &hosts.of(&&String::from("a"))));
    assert!(same(&hosts.of(&("a", 1)), &hosts.of(&(String::from("a"), &1))));
    assert!(!same(&hosts.of(&("a", 1)), &hosts.of(&("a", 2))));
}

#[tokio::test(start_paused = true)]
async fn each_policy_has_the_settings_and_none_of_the_state_of_the_first() {
    let hosts = PerKey::new(CircuitBreaker::named("hosts").mode(Mode::Observe).consecutive(2));

    let policy = hosts.of("a");

    assert_eq!(policy.name(), "hosts");
    assert!(policy.agrees(&hosts.template));
    assert_eq!((policy.current_mode(), policy.state()), (Mode::Observe, CircuitBreakerState::Closed));
    let off = PerKey::new(CircuitBreaker::named("hosts").mode(Mode::Off));
    assert_eq!(off.of("a").state(), CircuitBreakerState::Disabled);
}

#[tokio::test(start_paused = true)]
async fn keys_beyond_the_capacity_share_one_policy_and_are_counted() {
    let hosts = hosts().capacity(2);
    let (a, b) = (hosts.of("a"), hosts.of("b"));

    let (c, d) = (hosts.of("c"), hosts.of("d"));

    assert!(same(&c, &d) && !same(&c, &a) && !same(&c, &b));
    assert!(c.is_overflow() && !a.is_overflow());
    assert!(same(&a, &hosts.of("a")), "those that are there stay");
    assert_eq!((hosts.len(), hosts.overflowed(), hosts.evicted()), (2, 2, 0));
}

fn fail(breaker: &CircuitBreaker) -> bool {
    breaker.acquire().map(|permit| permit.settle_as(Class::Transient, ())).is_ok()
}

#[tokio::test(start_paused = true)]
async fn made_up_keys_that_fail_refuse_no_honest_one() {
    let hosts = PerKey::new(CircuitBreaker::named("hosts"));
    for made_up in 0..10_010 {
        (0..6).for_each(|_| _ = fail(&hosts.of(&made_up)));
    }

    let mut refused = 0;
    for second in 0..600 {
        fail(&hosts.of(&(10_010 + second)));
        refused += usize::from(hosts.of(&("honest", second)).acquire().is_err());
        advance(Duration::from_secs(1)).await;
    }

    assert_eq!(refused, 0);
    assert_eq!(hosts.of(&0).state(), CircuitBreakerState::Open, "and those that are there are judged");
}

#[tokio::test(start_paused = true)]
async fn a_new_key_takes_the_place_of_one_that_is_as_new() {
    let hosts = hosts().capacity(4);
    let held = hosts.of("held");
    drop((hosts.of("again"), hosts.of("again")));
    fail(&hosts.of("failed"));
    drop(hosts.of("once"));

    assert!(!hosts.of("new").is_overflow());
    assert_eq!((hosts.len(), hosts.evicted(), hosts.overflowed()), (4, 1, 0));
    drop(hosts.of("new"));
    let more = ["another", "one more"].map(|key| hosts.of(key).is_overflow());
    assert_eq!(more, [true, true], "the others are in use or have something to say");
    for (key, there) in [("held", true), ("again", true), ("failed", true), ("new", true), ("once", false)] {
        assert_eq!(hosts.of(key).is_overflow(), !there, "{key}");
    }
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_made_up_keys_pushes_out_nobody_who_comes_again() {
    let hosts = PerKey::new(CircuitBreaker::named("hosts")).capacity(100);
    let honest: Vec<_> = (0..50).map(|key| (key, &raw const *hosts.of(&("honest", key)))).collect();
    (0..50).for_each(|key| drop(hosts.of(&("honest", key))));

    for second in 0..300_u32 {
        for flood in 0..200_u32 {
            fail(&hosts.of(&(second, flood)));
        }
        if second % 30 == 0 {
            for (key, address) in &honest {
                assert!(ptr::eq(*address, &raw const *hosts.of(&("honest", key))), "{key} at {second} s");
            }
        }
        advance(Duration::from_secs(1)).await;
    }
    assert!(hosts.overflowed() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_makes_room_when_nobody_is_inside() {
    let rooms = PerKey::new(Bulkhead::named("rooms").limit(1)).capacity(2);
    let (a, b) = (rooms.of("a"), rooms.of("b"));
    let inside = (a.try_acquire().unwrap(), b.try_acquire().unwrap());
    assert!(rooms.of("c").is_overflow());

    drop(inside);
    drop((a, b));
    drop((rooms.of("a"), rooms.of("b")));
    advance(LOOK_AGAIN).await;

    assert!(!rooms.of("c").is_overflow());
}

#[tokio::test(start_paused = true)]
async fn strangers_share_a_stand_in_with_few() {
    let rooms = PerKey::new(Bulkhead::named("rooms").limit(1)).capacity(1);
    let full = rooms.of("full");
    let _inside = full.try_acquire().unwrap();

    let stand_ins: std::collections::HashSet<_> = (0..1_000).map(|key| &raw const *rooms.of(&key)).collect();

    assert_eq!(stand_ins.len(), 64);
    assert!(ptr::eq(&raw const *rooms.of(&7), &raw const *rooms.of(&7)), "a key has always the same");
}

#[tokio::test(start_paused = true)]
async fn made_up_keys_get_no_more_quotas_than_there_is_room_for() {
    let limits = PerKey::new(RateLimit::named("limits").rate(1, Duration::from_secs(1)).burst(1)).capacity(100);

    let mut passed = 0;
    for made_up in 0..100_000 {
        passed += usize::from(limits.of(&made_up).try_acquire().is_ok());
        advance(Duration::from_millis(1)).await;
    }

    // A hundred with a quota of their own, and 64 that share one of one a second, for a hundred seconds.
    assert!(passed <= 100 + 64 * 101, "{passed}");
}

#[tokio::test(start_paused = true)]
async fn a_throttle_judges_no_stranger_either() {
    let servers = PerKey::new(Throttle::named("servers")).capacity(1);
    drop(servers.of("a"));

    let stand_in = servers.of("b");

    assert!(stand_in.is_overflow());
    assert_eq!(stand_in.current_mode(), Mode::Off);
}

#[tokio::test(start_paused = true)]
async fn too_many_keys_are_one_event_until_there_was_room_for_a_minute() {
    let log = record();
    let hosts = hosts().capacity(1).idle(Duration::from_secs(3_600));
    drop((hosts.of("a"), hosts.of("a")));

    for made_up in 0..1_000 {
        drop(hosts.of(&made_up));
        advance(Duration::from_millis(500)).await;
    }
    assert_eq!((hosts.overflowed(), hosts.overflows(), log.events().len()), (1_000, 1, 1));

    advance(Duration::from_secs(90)).await;
    drop(hosts.of("later"));
    assert_eq!((hosts.overflowed(), hosts.overflows(), log.events().len()), (1_001, 2, 2));
}

/// Returns whether the key has a policy, which is not seen by the address: another may come to stand there.
fn knows(hosts: &PerKey<CircuitBreaker>, key: &str) -> bool {
    hosts.shards.iter().flat_map(Shard::all).any(|seat| seat.fingerprint() == fingerprint(key))
}

/// The last call without room is known to a second: that of a call which comes a whole one after it is noted anew.
#[tokio::test(start_paused = true)]
async fn a_minute_with_room_is_a_minute_from_the_last_noted_call_without() {
    for (first_gap, second_gap, overflows) in [(1_000, 60_000, 2), (1_000, 59_999, 1), (999, 59_001, 2)] {
        let hosts = hosts().capacity(1).idle(Duration::from_secs(3_600));
        drop((hosts.of("a"), hosts.of("a")));

        drop(hosts.of("b"));
        advance(Duration::from_millis(first_gap)).await;
        drop(hosts.of("c"));
        advance(Duration::from_millis(second_gap)).await;
        drop(hosts.of("d"));

        assert_eq!(hosts.overflows(), overflows, "{first_gap} and {second_gap}");
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_room_again_when_a_policy_was_idle() {
    let hosts = hosts().capacity(1);
    drop((hosts.of("a"), hosts.of("a")));
    assert!(hosts.of("b").is_overflow());

    advance(IDLE).await;
    assert!(hosts.of("b").is_overflow(), "it was used since its last turn");
    advance(IDLE).await;
    assert!(!hosts.of("b").is_overflow());
    drop(hosts.of("b"));
    assert!(hosts.of("a").is_overflow());
    assert_eq!((hosts.len(), hosts.overflowed(), hosts.evicted()), (1, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn an_idle_policy_is_forgotten_after_between_one_and_two_idle_times() {
    for used_until in [0, 1, 30, 59] {
        let hosts = hosts();
        drop(hosts.of("a"));
        advance(Duration::from_secs(used_until)).await;
        drop(hosts.of("a"));

        let mut unused = 0;
        while hosts.evicted() == 0 {
            advance(Duration::from_secs(1)).await;
            unused += 1;
            drop(hosts.of(&unused));
        }

        assert!((60..=120).contains(&unused), "after {unused} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_asked_for_now_and_then_stays() {
    let hosts = hosts();
    drop(hosts.of("a"));

    for other in 0..500 {
        advance(Duration::from_secs(59)).await;
        drop(hosts.of(&other));
        assert!(knows(&hosts, "a"));
        drop(hosts.of("a"));
    }
    assert!(hosts.len() < 8, "and few besides");
}

/// One by one, each way to ask for a key is the only one that keeps it.
#[tokio::test(start_paused = true)]
async fn every_way_to_ask_for_a_key_keeps_its_policy() {
    type Ask = fn(&PerKey<CircuitBreaker>);
    let shared: Ask = |hosts| drop(hosts.of("a"));
    let own: Ask = |hosts| drop(hosts.of_with("a", |_, shared| shared.consecutive(7)));
    let shown: Ask = |hosts| drop(hosts.of_logged_with("a", |_, shared| shared.consecutive(7)));

    for (first, then) in [(shared, shared), (shared, own), (own, shared), (own, own), (own, shown), (shown, own)] {
        let hosts = hosts();
        first(&hosts);
        for other in 0..10 {
            advance(IDLE).await;
            drop(hosts.of(&other));
            assert!(knows(&hosts, "a"));
            then(&hosts);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_came_again_long_ago_is_still_no_stranger() {
    let hosts = hosts().capacity(2);
    drop((hosts.of("a"), hosts.of("a")));
    advance(IDLE).await;
    drop(hosts.of("the first turn, which only takes the touch"));
    drop(hosts.of("a"));

    for made_up in 0..10 {
        drop(hosts.of(&made_up));
        advance(Duration::from_secs(1)).await;
    }

    assert!(knows(&hosts, "a"));
}

#[tokio::test(start_paused = true)]
async fn the_only_place_is_taken_again_and_again_and_each_time_forgotten() {
    let hosts = hosts().capacity(1);

    for key in 0..10 {
        assert!(!hosts.of(&key).is_overflow(), "{key}");
    }

    assert_eq!((hosts.len(), hosts.evicted()), (1, 9));
    advance(2 * IDLE).await;
    drop(hosts.of("the first turn"));
    advance(2 * IDLE).await;
    drop(hosts.of("the second turn"));
    assert_eq!((hosts.len(), hosts.shards.iter().map(Shard::len).sum::<usize>()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_policy_in_use_stays_and_is_idle_only_from_the_end_of_its_use() {
    let hosts = hosts();
    let held = hosts.of("a");
    for other in 0..100 {
        advance(IDLE / 2).await;
        drop(hosts.of(&other));
    }
    assert!(same(&held, &hosts.of("a")));
    advance(IDLE * 10).await;
    drop(hosts.of("other"));
    let address: *const CircuitBreaker = &raw const *held;

    drop(held);
    advance(Duration::from_millis(59_999)).await;
    drop(hosts.of("another"));

    assert!(ptr::eq(address, &raw const *hosts.of("a")));
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_that_is_idle_is_forgotten_and_one_that_was_opened_by_hand_is_not() {
    let hosts = PerKey::new(CircuitBreaker::named("hosts").consecutive(1)).idle(IDLE);
    let down: Result<(), std::io::Error> = Err(std::io::ErrorKind::ConnectionRefused.into());
    hosts.of("failing").acquire().unwrap().settle(down).unwrap_err();
    hosts.of("shut").force_open();
    hosts.of("watched").set_mode(Mode::Observe);
    assert_eq!(hosts.of("failing").state(), CircuitBreakerState::Open);

    for other in 0..10 {
        advance(IDLE).await;
        drop(hosts.of(&other));
    }

    assert_eq!(hosts.of("failing").state(), CircuitBreakerState::Closed);
    assert_eq!(hosts.of("shut").state(), CircuitBreakerState::ForcedOpen);
    assert_eq!(hosts.of("watched").current_mode(), Mode::Observe);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_forgotten_in_an_endless_idle_time() {
    let hosts = hosts().idle(Duration::MAX).capacity(1);
    drop((hosts.of("a"), hosts.of("a")));

    advance(Duration::from_secs(3_600 * 24 * 365)).await;

    assert!(hosts.of("b").is_overflow());
    assert_eq!(hosts.evicted(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_new_keys_do_not_make_it_look_at_all_policies_each_time() {
    thread_local! {
        static LOOKS: Cell<u32> = const { Cell::new(0) };
    }
    /// Counts how often it is asked whether it may be forgotten, which is once a turn.
    #[derive(Debug)]
    struct Watched(Naming<Self>);
    impl Named for Watched {
        const KIND: PolicyKind = PolicyKind::Bulkhead;
        fn name(&self) -> &'static str {
            "watched"
        }
        fn naming(&self) -> &Naming<Self> {
            &self.0
        }
        fn agrees(&self, _: &Self) -> bool {
            true
        }
    }
    impl Keyed for Watched {
        without_settings!();

        fn fresh(&self) -> Self {
            Self(self.0.again())
        }
        fn is_held_by_hand(&self) -> bool {
            LOOKS.set(LOOKS.get() + 1);
            true
        }
    }
    let full = PerKey::new(Watched(Naming::here())).capacity(1_000).idle(IDLE);
    (0..1_000).for_each(|key| drop(full.of(&key)));
    advance(IDLE).await;
    drop(full.of("the first turn, which only takes the touch"));
    advance(IDLE).await;

    (0..10_000).for_each(|key| drop(full.of(&("made up", key))));

    assert_eq!(LOOKS.get(), 1_000, "each was looked at once");
    assert_eq!(full.overflowed(), 10_001);

    LOOKS.set(0);
    let roomy = PerKey::new(Watched(Naming::here())).idle(IDLE);
    (0..1_000).for_each(|key| drop(roomy.of(&key)));
    advance(IDLE).await;
    (0..20).for_each(|key| drop(roomy.of(&("other", key))));
    advance(IDLE).await;

    drop(roomy.of("one more"));

    assert_eq!(LOOKS.get(), 64, "a call looks at no more while there is room");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_keys_hash_leaves_everything_usable() {
    struct Bad;
    impl Hash for Bad {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            state.write_u8(1);
            panic!("no hash today");
        }
    }
    let hosts = hosts();
    let a = hosts.of("a");

    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(hosts.of(&Bad))));

    assert!(panic.is_err());
    assert!(same(&a, &hosts.of("a")) && !same(&a, &hosts.of("b")));
    assert_eq!(hosts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_may_ask_for_another_while_it_is_hashed() {
    struct Curious<'a>(&'a PerKey<CircuitBreaker>);
    impl Hash for Curious<'_> {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            drop(self.0.of("inside"));
            state.write_u8(1);
        }
    }
    let hosts = hosts();

    drop(hosts.of(&Curious(&hosts)));

    assert_eq!(hosts.len(), 2);
}

#[test]
fn threads_that_meet_at_a_new_key_get_one_policy() {
    for round in 0..50 {
        let hosts = hosts();
        let barrier = Barrier::new(8);

        let held: Vec<_> = thread::scope(|scope| {
            let ask = || {
                barrier.wait();
                hosts.of(&round)
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert!(held.iter().all(|policy| same(policy, &held[0]) && !policy.is_overflow()));
        assert_eq!(hosts.len(), 1);
    }
}

#[test]
fn threads_with_many_keys_stay_within_the_capacity() {
    let hosts = PerKey::new(CircuitBreaker::named("hosts")).capacity(10).idle(Duration::from_nanos(1));

    thread::scope(|scope| {
        for start in 0..4_u32 {
            let hosts = &hosts;
            scope.spawn(move || {
                for n in 0..2_000_u32 {
                    let held = hosts.of(&(n.wrapping_mul(start + 1) % 25));
                    assert!(hosts.len() <= 10);
                    assert!(held.acquire().is_ok());
                }
            });
        }
    });

    let left: usize = hosts.shards.iter().map(Shard::len).sum();
    assert_eq!(left, hosts.len(), "each policy has exactly one turn");
    assert!(hosts.evicted() > 0);
}

#[test]
fn says_how_it_is() {
    let hosts = hosts().capacity(1);
    assert!(hosts.is_empty());
    drop((hosts.of("secret key"), hosts.of("another")));

    let shown = format!("{hosts:?}");

    assert!(shown.contains("capacity: 1, idle: 60s, len: 1, overflowed: 1, overflows: 1, evicted: 0"), "{shown}");
    assert!(!hosts.is_empty() && !shown.contains("secret"));
}

#[test]
fn the_list_shows_the_mode_that_all_keys_have_and_no_hedge_is_in_trouble() {
    static HEDGES: PerKey<Hedge> = PerKey::new(Hedge::named("keyed: observing").mode(Mode::Observe));
    drop(HEDGES.of("a"));

    assert_eq!(listed::Listed::mode(&HEDGES), Mode::Observe);
    let keys = listed::Listed::keys(&HEDGES).unwrap();
    assert_eq!((keys.len, keys.unhealthy, keys.in_trouble.len()), (1, 0, 0));
}

#[test]
#[should_panic(expected = "`capacity` must be at least 1")]
fn no_room_at_all_is_refused() {
    let _ = hosts().capacity(0);
}

#[test]
#[should_panic(expected = "`idle` must be longer than zero")]
fn no_idle_time_is_refused() {
    let _ = hosts().idle(Duration::ZERO);
}

#[test]
fn what_is_held_can_be_sent_and_cloned() {
    fn assert_send_sync<T: Send + Sync>(value: T) -> T {
        value
    }
    let hosts = hosts();

    let held = assert_send_sync(hosts.of("a"));

    assert!(same(&held.clone(), &held));
}

#[test]
fn a_clock_that_goes_back_keeps_nobody_out() {
    let hosts = hosts().capacity(2);
    crate::clock::later(Duration::from_secs(3_600), async {
        for host in ["a", "b"] {
            // what has failed is worth its place
            fail(&hosts.of(host));
        }
        assert!(hosts.of("c").is_overflow());
    });

    crate::clock::later(Duration::ZERO, async {
        assert!(hosts.of("c").is_overflow(), "the others were used");
        advance(IDLE).await;
        assert!(!hosts.of("c").is_overflow());
        advance(2 * IDLE).await;
        drop(hosts.of("d"));
        assert_eq!((hosts.len(), hosts.evicted()), (2, 2));
    });
}

/// Four failures in a row open the breaker of a patient host, and two any other.
fn rules_of(host: &str, shared: CircuitBreaker) -> CircuitBreaker {
    if host.starts_with("patient") { shared.consecutive(4) } else { shared.consecutive(2) }
}

fn failures_until_open(breaker: &CircuitBreaker) -> usize {
    (0..100).take_while(|_| fail(breaker)).count()
}

#[tokio::test(start_paused = true)]
async fn a_key_has_the_settings_that_were_asked_for() {
    let hosts = hosts();

    let tries = ["patient", "hasty"].map(|host| failures_until_open(&hosts.of_with(host, rules_of)));

    assert_eq!(tries, [4, 2]);
    assert!(same(&hosts.of("patient"), &hosts.of_with("patient", rules_of)), "one key, one policy");
}

#[tokio::test(start_paused = true)]
async fn settings_are_asked_for_once_and_again_when_the_key_was_forgotten() {
    let (hosts, asked) = (hosts(), Cell::new(0));
    let settings = |_: &str, shared| {
        asked.set(asked.get() + 1);
        shared
    };
    for _ in 0..10 {
        drop(hosts.of_with("a", settings));
    }
    assert_eq!(asked.get(), 1);

    for other in 0..3 {
        advance(IDLE).await;
        drop(hosts.of(&other));
    }
    drop(hosts.of_with("a", settings));

    assert_eq!(asked.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_without_room_is_not_asked_about() {
    let (hosts, asked) = (hosts().capacity(1), Cell::new(0));
    let settings = |_: &str, shared: CircuitBreaker| {
        asked.set(asked.get() + 1);
        shared.consecutive(1)
    };
    let held = hosts.of_with("a", settings);
    drop(hosts.of_with("b", settings));
    let before = asked.get();

    let stand_in = hosts.of_with("c", settings);

    assert!(stand_in.is_overflow() && !held.is_overflow());
    assert_eq!(asked.get(), before);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_settings_leaves_nothing_behind() {
    let hosts = hosts();
    let ask = || hosts.of_with("a", |_, shared| shared.failure_rate(f64::NAN));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(ask())));

    assert!(panicked.is_err());
    assert_eq!((hosts.len(), hosts.evicted()), (0, 0));
    assert_eq!(failures_until_open(&hosts.of_with("a", rules_of)), 2, "it is asked about again");
}

#[tokio::test(start_paused = true)]
async fn the_name_and_the_book_stay_those_of_all_keys() {
    let limits = PerKey::new(RateLimit::named("keyed: plans").rate(1, Duration::from_secs(1)));
    let other = |_: &str, _| RateLimit::named("keyed: another").rate(1, Duration::from_secs(1)).burst(7);

    let limit = limits.of_with("a", other);

    assert_eq!(limit.name(), "keyed: plans");
    assert!(limit.try_acquire_many(7).is_ok());
    assert!(ptr::eq(listed::Listed::record(&*limit), listed::Listed::record(&limits.template)));
    assert!(crate::policies().others.iter().all(|policy| policy.name != "keyed: another"));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "machines share the limits of all keys or of none")]
async fn a_shared_limit_for_one_key_is_refused() {
    static STORE: crate::shared::InMemory = crate::shared::InMemory::new();
    let limits = PerKey::new(RateLimit::named("keyed: shared").rate(100, Duration::from_secs(1)));
    drop(limits.of_with("a", |_, shared| shared.shared_through(&STORE)));
}

#[test]
fn the_settings_of_a_new_key_are_asked_for_under_no_lock() {
    let hosts = hosts();
    let inner = |_: &str, shared| {
        drop(hosts.of("inner"));
        shared
    };
    drop(hosts.of_with("outer", inner));
    assert_eq!(hosts.len(), 2);
}

#[test]
fn threads_that_ask_at_once_get_one_policy() {
    for round in 0..50 {
        let hosts = hosts();
        let barrier = Barrier::new(8);

        let held: Vec<_> = thread::scope(|scope| {
            let ask = || {
                barrier.wait();
                hosts.of_with(&round, |_, shared| shared.consecutive(7))
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert!(held.iter().all(|policy| same(policy, &held[0])));
    }
}

#[cfg(feature = "config")]
#[tokio::test(start_paused = true)]
async fn settings_that_are_asked_for_again_keep_the_state() {
    let (limits, burst) = (PerKey::new(RateLimit::named("again").rate(1, Duration::from_secs(60))), Cell::new(2));
    let plan = |_: &str, shared: RateLimit| shared.burst(burst.get());
    let admitted = || (0..20).filter(|_| limits.of_with("a", plan).try_acquire().is_ok()).count();
    assert_eq!(admitted(), 2);

    burst.set(5);
    assert_eq!(admitted(), 0, "nobody asks again by himself");
    limits.ask_again();

    assert_eq!(admitted(), 3, "two of the five are used up");
    limits.ask_again();
    assert_eq!(admitted(), 0);
}

#[cfg(feature = "config")]
#[tokio::test(start_paused = true)]
async fn only_keys_that_were_asked_about_are_asked_about_again() {
    let limits = PerKey::new(RateLimit::named("again").rate(1, Duration::from_secs(60)).burst(2));
    drop(limits.of("shared"));

    limits.ask_again();

    let limit = limits.of_with("shared", |_, _| unreachable!("it has the settings of all keys"));
    assert!(limit.try_acquire_many(2).is_ok());
}

#[cfg(feature = "config")]
#[tokio::test(start_paused = true)]
async fn a_key_that_had_a_turn_while_it_was_in_use_is_asked_about_again_too() {
    let (limits, burst) = (PerKey::new(RateLimit::named("again").rate(1, Duration::from_secs(60))), Cell::new(2));
    let limits = limits.idle(IDLE);
    let plan = |_: &str, shared: RateLimit| shared.burst(burst.get());
    let held = limits.of_with("a", plan);
    advance(IDLE).await;
    drop(limits.of("another, which brings about the turn"));

    burst.set(5);
    limits.ask_again();
    drop(limits.of_with("a", plan));

    assert!(held.try_acquire_many(5).is_ok());
}

#[cfg(feature = "config")]
#[tokio::test(start_paused = true)]
async fn a_bulkhead_with_another_kind_of_limit_begins_anew() {
    let (places, adapts) = (PerKey::new(Bulkhead::named("places").limit(2)), Cell::new(false));
    let size = |_: &str, shared: Bulkhead| if adapts.get() { shared.aimd(1, 9, 5) } else { shared };
    let before = places.of_logged_with("a", size);
    let permit = before.try_acquire().unwrap();

    adapts.set(true);
    places.ask_again();
    let after = places.of_logged_with("a", size);

    assert!(!ptr::eq(&raw const *before, &raw const *after));
    assert_eq!((before.counts().limit, after.counts().limit, after.counts().in_use), (2, 5, 0));
    assert_eq!(after.key(), Some("\"a\""));
    drop(permit);
}

#[cfg(feature = "config")]
#[tokio::test(start_paused = true)]
async fn a_bulkhead_that_began_anew_is_kept_while_it_is_in_use_and_then_forgotten() {
    let (places, adapts) = (PerKey::new(Bulkhead::named("places").limit(2)).idle(IDLE), Cell::new(false));
    let size = |_: &str, shared: Bulkhead| if adapts.get() { shared.aimd(1, 9, 5) } else { shared };
    drop(places.of_with("a", size));
    adapts.set(true);
    places.ask_again();
    let held = places.of_with("a", size);

    for round in 0..3 {
        advance(IDLE).await;
        drop(places.of(&round));
    }
    assert!(ptr::eq(&raw const *held, &raw const *places.of_with("a", size)));

    drop(held);
    for round in 3..5 {
        advance(IDLE).await;
        drop(places.of(&round));
    }
    assert!(!places.shards.iter().flat_map(Shard::all).any(|seat| seat.fingerprint() == fingerprint("a")));
    assert_eq!(places.turns().len(), places.shards.iter().map(Shard::len).sum::<usize>());
}

#[cfg(feature = "config")]
#[test]
fn what_becomes_out_of_date_while_it_is_asked_for_is_asked_for_again() {
    let (hosts, asked) = (hosts(), Cell::new(0));
    let settings = |_: &str, shared| {
        asked.set(asked.get() + 1);
        if asked.get() <= 2 {
            hosts.ask_again();
        }
        shared
    };
    for _ in 0..9 {
        drop(hosts.of_with("a", settings));
    }
    assert_eq!(asked.get(), 3);
}

/// There may be ten thousand. Beside its seat, a key takes the two counts of the reference, an entry of the map and one among the turns.
#[test]
fn the_seat_of_a_key_is_small() {
    let settings = if cfg!(feature = "config") { 8 } else { 0 };
    let seats = [
        ("circuit breaker", size_of::<Seat<CircuitBreaker>>(), 328),
        ("rate limit", size_of::<Seat<RateLimit>>(), 192),
        ("bulkhead", size_of::<Seat<Bulkhead>>(), 136),
        ("throttle", size_of::<Seat<Throttle>>(), 296),
        ("hedge", size_of::<Seat<Hedge>>(), 152),
    ];

    for (policy, bytes, most) in seats {
        assert!(bytes <= most + settings, "{policy}: {bytes} bytes");
    }
}
