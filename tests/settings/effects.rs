//! The effects of changed settings on calls, and what is kept.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use resilient::config::{self, Changes};
use resilient::{
    Bulkhead, CircuitBreaker, CircuitBreakerState, Coalesce, Error, FanOut, FanOutPolicy, Mode, Outcome, PerKey,
    RateLimit, Reason, Retry, Settled, Throttle, Timeout,
};
use tokio::time::{Instant, advance};

use crate::{alone, apply, shop};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_retry_goes_by_the_new_settings() {
    static FETCH: Retry = Retry::named("effects: retry").without_budget();
    async fn run(error: resilient_tests::Error) -> (u32, Duration) {
        let (began, mut attempts) = (Instant::now(), 0);
        let mut retry = FETCH.begin();
        loop {
            attempts += 1;
            match retry.settle(Err::<(), _>(error.clone())) {
                resilient::Verdict::Accept(_) => return (attempts, began.elapsed()),
                resilient::Verdict::Retry(delay) => delay.await,
            }
        }
    }
    use resilient_tests::Error::{Busy, Down};

    let _alone = alone();
    resilient::list(&FETCH);
    assert_eq!(run(Down).await.0, 4);

    apply("[\"effects: retry\".retry]\nmax = 1\nbackoff = \"fixed\"\nbase = \"5s\"").unwrap();
    assert_eq!(run(Down).await, (2, 5 * SECOND));

    apply("[\"effects: retry\".retry]\nmax = 1\nbackoff = \"fixed\"\nbase = \"1s\"\nthrottled_base = \"9s\"").unwrap();
    assert_eq!(run(Down).await, (2, SECOND));
    assert_eq!(run(Busy { after: None }).await, (2, 9 * SECOND));
    apply("[\"effects: retry\".retry]\nbackoff = \"none\"\nthrottled_base = \"9s\"").unwrap_err();

    apply("[\"effects: retry\".retry]\nmode = \"off\"").unwrap();
    assert_eq!(run(Down).await.0, 1);

    apply("").unwrap();
    assert_eq!(run(Down).await.0, 4);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn what_is_held_is_held_no_longer_than_the_new_settings_say() {
    static STOCK: Coalesce = Coalesce::named("effects: hold").hold(Duration::from_secs(3_600));
    async fn run(outcome: u32) -> u32 {
        STOCK.run("a", async move { outcome }).await
    }
    let _alone = alone();
    resilient::list(&STOCK);
    assert_eq!((run(1).await, run(2).await), (1, 1));

    apply("[\"effects: hold\".coalesce]\nhold = \"1s\"").unwrap();
    tokio::time::advance(SECOND).await;
    assert_eq!((run(3).await, run(4).await), (3, 3));

    apply("[\"effects: hold\".coalesce]\nhold = \"off\"").unwrap();
    assert_eq!((run(5).await, run(6).await), (5, 6));
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn what_is_held_is_let_go_of_where_the_time_becomes_shorter_and_only_there() {
    static STOCK: Coalesce = Coalesce::named("effects: held").hold(Duration::from_secs(10));
    async fn run(outcome: u32) -> u32 {
        STOCK.run("a", async move { outcome }).await
    }
    let _alone = alone();
    resilient::list(&STOCK);
    assert_eq!(run(1).await, 1);
    advance(Duration::from_millis(9_500)).await;

    apply("[\"effects: held\".coalesce]\nhold = \"1s\"").unwrap();
    assert_eq!(run(2).await, 2, "though the other had only half a second left");

    apply("[\"effects: held\".coalesce]\nhold = \"20s\"").unwrap();
    assert_eq!(run(3).await, 2);
    apply("[\"effects: held\".coalesce]\nhold = \"20s\"\nmax_wait = \"5s\"").unwrap();
    assert_eq!(run(4).await, 2);
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn the_time_in_which_outcomes_are_renewed_changes_and_goes() {
    const HOUR: Duration = Duration::from_secs(3_600);
    static STOCK: Coalesce = Coalesce::named("effects: renewed").hold(SECOND).stale_while_revalidate(HOUR);
    static PLAIN: Coalesce = Coalesce::named("effects: plain").hold(SECOND);
    async fn run(outcome: u32) -> u32 {
        STOCK.call("a").run_renewing(async move { Ok::<_, ()>(outcome) }).await.unwrap()
    }
    let _alone = alone();
    resilient::list(&STOCK);
    resilient::list(&PLAIN);
    let first = run(1).await;
    advance(10 * SECOND).await;
    assert_eq!((first, run(2).await), (1, 1));

    apply("[\"effects: renewed\".coalesce]\nstale_while_revalidate = \"5s\"").unwrap();
    assert_eq!(run(3).await, 3, "what was held is let go of");
    advance(5 * SECOND).await;
    assert_eq!(run(4).await, 3);
    tokio::task::yield_now().await;
    advance(10 * SECOND).await;
    assert_eq!(run(5).await, 5);

    apply("[\"effects: renewed\".coalesce]\nstale_while_revalidate = \"off\"").unwrap();
    assert_eq!(run(6).await, 6);
    advance(SECOND).await;
    assert_eq!(run(7).await, 7);
    assert!(crate::mistakes("[\"effects: renewed\".coalesce]\nhold = \"off\"").ends_with(
        "`stale_while_revalidate` begins when `hold` is over: add `hold`, or write `stale_while_revalidate = \"off\"`"
    ));
    assert!(
        crate::mistakes("[\"effects: plain\".coalesce]\nstale_while_revalidate = \"5s\"")
            .ends_with("nothing is renewed here: write `stale_while_revalidate` in the code before a file changes it")
    );
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_limit_of_elapsed_time_counts_from_when_a_call_hears_of_it() {
    static FETCH: Retry = Retry::named("effects: elapsed").without_budget();
    let _alone = alone();
    resilient::list(&FETCH);
    advance(10 * SECOND).await;
    let mut retry = FETCH.begin();
    advance(10 * SECOND).await;
    apply("[\"effects: elapsed\".retry]\nmax_elapsed = \"5s\"").unwrap();

    let verdict = retry.settle(Err::<(), _>(resilient_tests::Error::Down));

    assert!(matches!(verdict, resilient::Verdict::Retry(_)), "it began before there was such a limit");
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_time_out_goes_by_the_new_limit_and_running_calls_by_theirs() {
    static LOOK: Timeout = Timeout::named("effects: time-out", SECOND);
    let _alone = alone();
    resilient::list(&LOOK);
    let began = Instant::now();
    let mut running = pin!(LOOK.run(pending::<()>()));
    poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx).is_pending())).await;

    apply("[\"effects: time-out\".timeout]\nlimit = \"3s\"").unwrap();

    assert!(matches!(LOOK.run(pending::<()>()).await, Settled::Rejected(_)));
    assert_eq!((began.elapsed(), LOOK.limit()), (3 * SECOND, 3 * SECOND));
    assert!(
        matches!(running.await, Settled::Rejected(rejection) if matches!(rejection.reason(), Reason::TimedOut { .. }))
    );
    assert_eq!(began.elapsed(), 3 * SECOND, "it was over by then");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_keeps_its_window_and_state() {
    static PAY: CircuitBreaker = CircuitBreaker::named("effects: breaker").consecutive(5);
    let fail = || PAY.acquire().unwrap().settle(Err::<(), _>(resilient_tests::Error::Down));
    let _alone = alone();
    resilient::list(&PAY);
    for _ in 0..3 {
        fail().unwrap_err();
    }

    apply("[\"effects: breaker\".circuit_breaker]\nconsecutive = 4\nopen_for = \"10s\"").unwrap();
    assert_eq!((PAY.counts().calls, PAY.counts().consecutive), (3, 3), "what was counted stays");
    fail().unwrap_err();
    assert_eq!(PAY.state(), CircuitBreakerState::Open);
    let left = PAY.acquire().unwrap_err().retry_after().unwrap();
    assert!(left > 8 * SECOND, "{left:?}");

    apply("").unwrap();
    assert_eq!(PAY.state(), CircuitBreakerState::Open, "and so does the state");
    PAY.reset();
}

#[tokio::test(start_paused = true)]
async fn a_breaker_with_another_window_begins_it_empty() {
    static TIMED: CircuitBreaker = CircuitBreaker::named("effects: timed").without_consecutive();
    static RING: CircuitBreaker = CircuitBreaker::named("effects: ring").count_window(100).without_consecutive();
    let _alone = alone();
    for (breaker, name, windows) in
        [(&TIMED, "timed", ["\"60s\"", "50", "\"10s\""]), (&RING, "ring", ["10", "\"10s\"", "100"])]
    {
        let call = |outcome: Result<(), resilient_tests::Error>| breaker.acquire().unwrap().settle(outcome);
        let calls = || (breaker.counts().calls, breaker.counts().failures);
        resilient::list(breaker);
        for window in windows {
            for _ in 0..100 {
                call(Ok(())).unwrap();
            }
            call(Err(resilient_tests::Error::Down)).unwrap_err();
            assert_ne!(calls(), (0, 0), "{name}: before {window}");

            apply(&format!("[\"effects: {name}\".circuit_breaker]\nwindow = {window}")).unwrap();

            assert_eq!(calls(), (0, 0), "{name}: {window}");
            call(Ok(())).unwrap();
            assert_eq!(calls(), (1, 0), "{name}: {window}");
        }
    }
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_breaker_times_its_calls_from_when_it_is_told_how_long_a_slow_one_takes() {
    static PAY: CircuitBreaker = CircuitBreaker::named("effects: slow");
    let _alone = alone();
    resilient::list(&PAY);
    for _ in 0..100 {
        PAY.acquire().unwrap().settle(Ok::<_, resilient_tests::Error>(())).unwrap();
    }

    apply("[\"effects: slow\".circuit_breaker]\nslow_call = \"10ms\"").unwrap();
    for _ in 0..5 {
        let permit = PAY.acquire().unwrap();
        advance(Duration::from_millis(10)).await;
        permit.settle(Ok::<_, resilient_tests::Error>(())).unwrap();
    }

    assert_eq!((PAY.counts().calls, PAY.counts().slow), (105, 5));
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_breaker_is_forced_and_let_go() {
    static PAY: CircuitBreaker = CircuitBreaker::named("effects: forced").consecutive(1);
    let _alone = alone();
    resilient::list(&PAY);
    let fail = || PAY.acquire().map(|permit| permit.settle(Err::<(), _>(resilient_tests::Error::Down)).unwrap_err());

    apply("[\"effects: forced\".circuit_breaker]\nforce = \"open\"").unwrap();
    assert_eq!(PAY.state(), CircuitBreakerState::ForcedOpen);
    assert!(fail().is_err());
    advance(3600 * SECOND).await;
    assert!(fail().is_err(), "until somebody lets go of it");

    apply("[\"effects: forced\".circuit_breaker]\nforce = \"closed\"").unwrap();
    for _ in 0..10 {
        assert!(fail().is_ok(), "every call is let through");
    }
    assert!(PAY.counts().observed > 0, "and counted");

    apply("").unwrap();
    assert_eq!(PAY.current_mode(), Mode::Enforce);
    PAY.force_close();
    fail().unwrap();
    assert_eq!(PAY.state(), CircuitBreakerState::Open, "it decides again");
    assert_eq!(
        crate::mistakes("[\"effects: forced\".circuit_breaker]\nforce = \"open\"\nmode = \"off\""),
        "test.toml:3:8: `force` has no effect in mode \"off\": leave out one of the two, or write `mode = \"enforce\"`"
    );
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_bulkhead_that_grows_lets_in_those_who_wait() {
    static ROOM: Bulkhead = Bulkhead::named("effects: bulkhead").limit(1);
    let _alone = alone();
    resilient::list(&ROOM);
    let inside = ROOM.acquire().await.unwrap();
    let mut waits = pin!(ROOM.acquire());
    let is_waiting = poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx).is_pending())).await;
    assert!(is_waiting && ROOM.counts().waiting == 1);

    apply("[\"effects: bulkhead\".bulkhead]\nlimit = 2").unwrap();

    let second = waits.await.unwrap();
    assert_eq!((ROOM.counts().limit, ROOM.counts().in_use), (2, 2));
    // a limit that was set by hand is not touched by a file that says nothing new of it
    ROOM.set_limit(7);
    apply("[\"effects: bulkhead\".bulkhead]\nlimit = 2\nmax_wait = \"1s\"").unwrap();
    assert_eq!(ROOM.counts().limit, 7);
    drop((inside, second));
    apply("").unwrap();
    assert_eq!((ROOM.counts().limit, ROOM.counts().in_use), (1, 0));
}

#[test]
fn a_limit_that_adapts_begins_between_its_bounds() {
    static JOBS: Bulkhead = Bulkhead::named("effects: bounds").aimd(2, 20, 10);
    let _alone = alone();
    resilient::list(&JOBS);
    let set = |keys: &str| apply(&format!("[\"effects: bounds\".bulkhead]\n{keys}"));

    for good in
        ["min_limit = 20", "max_limit = 2", "min_limit = 7\nmax_limit = 7", "initial_limit = 2", "initial_limit = 20"]
    {
        assert!(set(good).is_ok(), "{good}");
    }
    for (bad, reason) in [
        ("min_limit = 21", "`min_limit` (21) is more than `max_limit` (20)"),
        ("initial_limit = 1", "`initial_limit` (1) must lie between `min_limit` (2) and `max_limit` (20)"),
        ("initial_limit = 21", "`initial_limit` (21) must lie between `min_limit` (2) and `max_limit` (20)"),
        ("min_limit = 0", "`min_limit` must be at least 1, or every call is refused"),
        ("max_limit = 1000001", "`max_limit` must be at most 1000000"),
    ] {
        let refused = set(bad).expect_err(bad).to_string();
        assert!(refused.ends_with(reason), "{bad}: {refused}");
    }
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_rate_changes_and_what_was_used_stays_used() {
    static CALLS: RateLimit = RateLimit::named("effects: rate").rate(10, SECOND).burst(5);
    let _alone = alone();
    resilient::list(&CALLS);
    let take = || (0..100).filter(|_| CALLS.try_acquire().is_ok()).count();
    assert_eq!(take(), 5);

    apply("[\"effects: rate\".rate_limit]\nrate = \"20/s\"\nburst = 8").unwrap();
    assert_eq!(take(), 3, "three more at once");
    advance(SECOND).await;
    assert_eq!(take(), 8);

    // no burst is said: that which it was built with counts
    apply("[\"effects: rate\".rate_limit]\nrate = \"2/s\"").unwrap();
    advance(60 * SECOND).await;
    assert_eq!(take(), 5);
    apply("").unwrap();
    advance(SECOND).await;
    assert_eq!(take(), 5);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn all_keys_change_those_that_come_later_too() {
    static HOSTS: PerKey<CircuitBreaker> =
        PerKey::new(CircuitBreaker::named("effects: hosts").consecutive(3)).capacity(2);
    let _alone = alone();
    resilient::list(&HOSTS);
    let fails = |host: &str, times: usize| {
        let breaker = HOSTS.of(host);
        let fail = || breaker.acquire().map(|permit| permit.settle(Err::<(), _>(resilient_tests::Error::Down)));
        (0..times).filter(|_| fail().is_ok()).count()
    };
    assert_eq!(fails("a", 1), 1);

    apply("[\"effects: hosts\".circuit_breaker]\nconsecutive = 2\nopen_for = \"20s\"").unwrap();

    assert_eq!((fails("a", 9), fails("b", 9)), (1, 2));
    advance(15 * SECOND).await;
    assert_eq!((fails("a", 9), fails("b", 9)), (0, 0));
    apply("[\"effects: hosts\".circuit_breaker]\nmode = \"observe\"").unwrap();
    assert_eq!((fails("a", 9), fails("b", 9)), (9, 9));
    apply("[\"effects: hosts\".circuit_breaker]\nforce = \"open\"").unwrap();
    assert_eq!(fails("a", 1), 0);
    advance(700 * SECOND).await;
    assert_eq!(fails("c", 1), 0, "one that is new, or has no room");
    apply("").unwrap();
    assert_eq!(HOSTS.of("a").state(), CircuitBreakerState::Closed);
}

/// A breaker or a throttle for all keys without room would judge one of them by the calls of another.
#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn no_mode_from_settings_switches_on_the_stand_in_of_keys_without_room() {
    static HOSTS: PerKey<CircuitBreaker> =
        PerKey::new(CircuitBreaker::named("effects: no room").consecutive(1)).capacity(1);
    static OFF: PerKey<CircuitBreaker> =
        PerKey::new(CircuitBreaker::named("effects: off, no room").consecutive(1).mode(Mode::Off)).capacity(1);
    static SERVERS: PerKey<Throttle> =
        PerKey::new(Throttle::named("effects: throttle, no room").mode(Mode::Off)).capacity(1);
    let _alone = alone();
    resilient::list(&HOSTS);
    resilient::list(&OFF);
    resilient::list(&SERVERS);
    let held = (HOSTS.of("held"), OFF.of("held"), SERVERS.of("held"));
    let stand_ins = (HOSTS.of("other"), OFF.of("other"), SERVERS.of("other"));
    assert!(stand_ins.0.is_overflow() && stand_ins.1.is_overflow() && stand_ins.2.is_overflow());

    for mode in ["observe", "off", "enforce"] {
        for (name, kind) in [
            ("effects: no room", "circuit_breaker"),
            ("effects: off, no room", "circuit_breaker"),
            ("effects: throttle, no room", "throttle"),
        ] {
            config::apply(name, &format!("[\"{name}\".{kind}]\nmode = \"{mode}\"\n[end]\n")).unwrap();
        }

        let modes = [stand_ins.0.current_mode(), stand_ins.1.current_mode(), stand_ins.2.current_mode()];
        assert_eq!(modes, [Mode::Off; 3], "{mode}");
        let own = [held.0.current_mode(), held.1.current_mode(), held.2.current_mode()];
        assert!(own.iter().all(|own| own.as_str() == mode), "{mode}: {own:?}");
    }
    advance(SECOND).await;
    config::forget_all();
}

#[tokio::test(start_paused = true)]
async fn the_stand_ins_of_a_limit_go_by_the_mode_of_all_keys() {
    static TENANTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("effects: limit, no room").rate(1, Duration::from_secs(60))).capacity(1);
    let _alone = alone();
    resilient::list(&TENANTS);
    let _held = TENANTS.of("held");
    let stand_in = TENANTS.of("other");
    assert!(stand_in.is_overflow());

    apply("[\"effects: limit, no room\".rate_limit]\nmode = \"observe\"").unwrap();

    assert_eq!(stand_in.current_mode(), Mode::Observe);
    apply("").unwrap();
    assert_eq!(stand_in.current_mode(), Mode::Enforce);
}

#[test]
fn the_policies_of_all_keys_are_found_by_the_name_that_they_were_looked_up_by() {
    static TENANTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("effects: looked up").rate(1, Duration::from_secs(60)));
    let _alone = alone();
    let tenants = TENANTS.shared();

    apply("[\"effects: looked up\".rate_limit]\nburst = 3").unwrap();

    assert!(tenants.of("a").try_acquire_many(3).is_ok());
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_later_goes_by_the_new_rate() {
    static TENANTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("effects: later").rate(1, Duration::from_secs(60)));
    let admitted = |tenant| (0..20).filter(|_| TENANTS.of(tenant).try_acquire().is_ok()).count();
    let _alone = alone();
    resilient::list(&TENANTS);
    assert_eq!(admitted("before"), 1);

    apply("[\"effects: later\".rate_limit]\nrate = \"9/min\"\nburst = 9").unwrap();

    assert_eq!((admitted("before"), admitted("after")), (8, 9));
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_with_settings_of_their_own_begin_with_the_new_ones() {
    static TENANTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("effects: plans").rate(1, Duration::from_secs(60)).burst(2));
    static GOLD: AtomicU32 = AtomicU32::new(10);
    fn plan_of(tenant: &str, shared: RateLimit) -> RateLimit {
        if tenant == "gold" { shared.burst(GOLD.load(Relaxed)) } else { shared }
    }
    let limit = |tenant| TENANTS.of_with(tenant, plan_of);
    let admitted = |tenant| (0..20).filter(|_| limit(tenant).try_acquire().is_ok()).count();
    let _alone = alone();
    resilient::list(&TENANTS);
    assert_eq!((admitted("gold"), admitted("free")), (10, 2));

    apply("[\"effects: plans\".rate_limit]\nburst = 5\nmax_wait = \"1s\"").unwrap();

    assert_eq!((admitted("gold"), admitted("free")), (0, 3), "what was used stays used");
    assert_eq!(limit("late").current_mode(), Mode::Enforce);
    apply("[\"effects: plans\".rate_limit]\nmode = \"off\"").unwrap();
    assert_eq!((admitted("gold"), admitted("free"), limit("gold").current_mode()), (20, 20, Mode::Off));
    apply("").unwrap();
    assert_eq!((admitted("gold"), limit("gold").current_mode()), (0, Mode::Enforce));
    GOLD.store(15, Relaxed);
    assert_eq!(admitted("gold"), 0, "the old plan holds until it is asked again");
    assert_eq!((config::ask_again("effects: plans", "rate_limit").unwrap(), admitted("gold")), (1, 5));
    assert!(config::ask_again("effects: plan", "rate_limit").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_forced_state_is_that_of_keys_with_settings_of_their_own_too() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("effects: own hosts"));
    fn rules_of(_: &str, shared: CircuitBreaker) -> CircuitBreaker {
        shared.consecutive(1)
    }
    let _alone = alone();
    resilient::list(&HOSTS);
    let breaker = HOSTS.of_with("a", rules_of);

    apply("[\"effects: own hosts\".circuit_breaker]\nforce = \"open\"").unwrap();
    assert_eq!(breaker.state(), CircuitBreakerState::ForcedOpen, "at once");
    assert_eq!(HOSTS.of_with("a", rules_of).state(), CircuitBreakerState::ForcedOpen);

    apply("").unwrap();
    assert_eq!(HOSTS.of_with("a", rules_of).state(), CircuitBreakerState::Closed);
    breaker.acquire().unwrap().settle(Err::<(), _>(resilient_tests::Error::Down)).unwrap_err();
    assert_eq!(breaker.state(), CircuitBreakerState::Open, "after one failure, as asked for");
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_key_keeps_its_own_settings_until_they_are_asked_for_again() {
    static TENANTS: PerKey<RateLimit> =
        PerKey::new(RateLimit::named("effects: own burst").rate(1, Duration::from_secs(60)));
    let _alone = alone();
    resilient::list(&TENANTS);
    let gold = TENANTS.of_with("gold", |_, shared| shared.burst(10));

    apply("[\"effects: own burst\".rate_limit]\nburst = 2").unwrap();

    assert!(gold.try_acquire_many(10).is_ok());
    advance(700 * SECOND).await;
    apply("").unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn keys_under_a_mode_from_settings_are_still_forgotten() {
    static TENANTS: PerKey<Bulkhead> = PerKey::new(Bulkhead::named("effects: tenants").limit(3)).idle(SECOND);
    let _alone = alone();
    resilient::list(&TENANTS);
    drop(TENANTS.of("before"));
    apply("[\"effects: tenants\".bulkhead]\nmode = \"observe\"\nlimit = 1").unwrap();
    drop(TENANTS.of("after"));
    assert_eq!(TENANTS.of("after").current_mode(), Mode::Observe);
    assert_eq!(TENANTS.of("after").counts().limit, 1);

    for round in 0..5 {
        advance(5 * SECOND).await;
        drop(TENANTS.of(&round));
    }

    assert!(TENANTS.len() <= 2, "none is held by hand: {}", TENANTS.len());
    apply("").unwrap();
    assert_eq!(TENANTS.of(&4).current_mode(), Mode::Enforce);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_fan_out_goes_by_the_new_limit() {
    static SEARCH: FanOutPolicy = FanOutPolicy::named("effects: fan-out").limit(10);
    async fn time() -> Duration {
        let began = Instant::now();
        let task = |_| async {
            tokio::time::sleep(SECOND).await;
            Ok::<(), Error>(())
        };
        FanOut::new(0..10, task).limit(10).counted(&SEARCH, Outcome::class).await;
        began.elapsed()
    }
    let _alone = alone();
    resilient::list(&SEARCH);
    assert_eq!(time().await, SECOND);

    apply("[\"effects: fan-out\".fan_out]\nlimit = 2").unwrap();

    assert_eq!(time().await, 5 * SECOND);
    assert_eq!(
        crate::mistakes("[\"effects: fan-out\".fan_out]\nmode = \"off\""),
        "test.toml:2:1: unknown key `mode`: the keys are `limit`, `min_limit`, `max_limit`, `initial_limit`"
    );
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn an_annotated_function_goes_by_the_new_settings() {
    let _alone = alone();
    let began = Instant::now();
    assert!(shop::order(1).await.is_err());
    assert_eq!(began.elapsed(), Duration::from_millis(300));

    apply("[\"settings::shop::order\"]\nretry.max = 1\nretry.base = \"50ms\"\ncircuit_breaker.mode = \"off\"").unwrap();
    let began = Instant::now();
    assert!(shop::order(1).await.is_err());

    assert_eq!(began.elapsed(), Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn outcomes_that_are_held_are_let_go_of() {
    let _alone = alone();
    apply("[stock.coalesce]\nhold = \"1h\"").unwrap();
    shop::stock(1).await.unwrap();
    let keys = || crate::policy("stock", "coalesce").levels[0].value;
    assert!((keys() - 1.0).abs() < 1e-9);

    apply("").unwrap();

    assert!(keys() < 1e-9, "nothing is held for ever");
}

#[test]
fn code_counts_in_place_of_a_file_until_it_is_taken_back() {
    static PAY: CircuitBreaker = CircuitBreaker::named("effects: code");
    let _alone = alone();
    resilient::list(&PAY);
    let (policy, kind) = ("effects: code", "circuit_breaker");
    apply("[\"effects: code\".circuit_breaker]\nopen_for = \"2s\"").unwrap();

    Changes::new()
        .set(policy, kind, "open_for", Duration::from_secs(7))
        .set_mode(policy, Mode::Observe)
        .apply()
        .unwrap();
    assert!(format!("{PAY:?}").contains("open_for: 7s"), "{PAY:?}");
    assert_eq!(PAY.current_mode(), Mode::Observe);

    // a reload does not undo what an operator did
    apply("[\"effects: code\".circuit_breaker]\nopen_for = \"3s\"\nprobes = 4").unwrap();
    assert!(format!("{PAY:?}").contains("open_for: 7s"), "{PAY:?}");
    assert!(format!("{PAY:?}").contains("probes: Some(4)"), "{PAY:?}");

    let overruled = apply("[\"effects: code\".circuit_breaker]\nopen_for = \"4s\"\nprobes = 4").unwrap();
    assert_eq!(
        (overruled.changed(), overruled.overruled()[0].to_string()),
        (0, "2:1: `open_for` of this policy stays as code says".to_owned())
    );
    let shown = resilient::policies().others.into_iter().find(|shown| shown.name == policy).unwrap();
    let mode = shown.settings.iter().find(|setting| setting.key == "mode").unwrap();
    assert_eq!((mode.value.as_str(), mode.origin.as_deref()), ("observe", Some("code")));
    assert!(shown.to_string().contains("open_for 7s (compiled: 1s, by code)"), "{shown}");
    apply("[\"effects: code\".circuit_breaker]\nopen_for = \"3s\"\nprobes = 4").unwrap();

    let applied = Changes::new().unset(policy, kind, "open_for").unset_mode(policy).apply().unwrap();
    assert_eq!(applied.news(), ["circuit breaker `effects: code`: open_for = \"3s\", probes = 4"]);
    assert!(format!("{PAY:?}").contains("open_for: 3s"), "{PAY:?}");
    assert_eq!(PAY.current_mode(), Mode::Enforce);
    let refused = Changes::new().set(policy, kind, "open_for", 5).set(policy, "retry", "max", 1).apply().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "code: no `retry` has the name `effects: code` yet\n\
         code: a duration needs a unit: write `open_for = \"5s\"` or `open_for = \"5ms\"`"
    );
    let unknown = Changes::new().set("effects: cod", kind, "force", "open").apply().unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "code: there is no policy and no function `effects: cod` yet: did you mean `effects: code`?"
    );
    PAY.force_open();
    assert_eq!(config::reset(policy, kind).unwrap(), 1);
    assert_eq!(PAY.state(), CircuitBreakerState::Closed);
    assert!(config::reset("nobody", kind).is_err());
}

#[test]
fn threads_that_change_and_call_see_whole_settings() {
    static THROTTLE: resilient::Throttle = resilient::Throttle::named("effects: threads");
    let _alone = alone();
    resilient::list(&THROTTLE);
    let texts = ["k = 1.5\nmax_drop = 0.5", "k = 3.0\nmax_drop = 0.25"]
        .map(|keys| format!("[\"effects: threads\".throttle]\n{keys}\n[end]\n"));
    std::thread::scope(|scope| {
        let changer = scope.spawn(|| {
            for round in 0..400 {
                config::apply("threads.toml", &texts[round % 2]).unwrap();
            }
        });
        while !changer.is_finished() {
            let debug = format!("{THROTTLE:?}");
            let whole = ["k: 2.0, max_drop: 0.9", "k: 1.5, max_drop: 0.5", "k: 3.0, max_drop: 0.25"];
            assert!(whole.iter().any(|config| debug.contains(config)), "{debug}");
            drop(THROTTLE.acquire());
        }
    });
    config::forget("threads.toml").unwrap();
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "one test after the other")]
async fn a_change_out_of_a_change_is_refused_and_nothing_hangs() {
    static ROOM: Bulkhead = Bulkhead::named("effects: waker").limit(1);
    struct Changer(std::sync::Mutex<String>);
    impl std::task::Wake for Changer {
        fn wake(self: std::sync::Arc<Self>) {
            let refused = config::apply("waker.toml", "[end]\n").unwrap_err();
            *self.0.lock().unwrap() = refused.to_string();
        }
    }
    let _alone = alone();
    resilient::list(&ROOM);
    let inside = ROOM.acquire().await.unwrap();
    let changer = std::sync::Arc::new(Changer(std::sync::Mutex::default()));
    let waker = std::task::Waker::from(changer.clone());
    let mut waits = pin!(ROOM.acquire());
    assert!(waits.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());

    apply("[\"effects: waker\".bulkhead]\nlimit = 2").unwrap();

    let said = changer.0.lock().unwrap().clone();
    assert_eq!(
        said,
        "waker.toml: this thread is changing settings already: change them later, and not from a waker or a listener of events"
    );
    drop((waits.await.unwrap(), inside));
    apply("").unwrap();
    assert_eq!(ROOM.counts().limit, 1);
}
