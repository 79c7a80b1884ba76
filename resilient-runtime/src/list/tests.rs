//! The list of policies by hand.

use std::time::Duration;

use super::*;
use crate::{Bulkhead, CircuitBreaker, Mode, PerKey, RateLimit, Retry, Timeout};

fn find(name: &str) -> PolicySnapshot {
    let mut found = policies().others.into_iter().filter(|policy| policy.name == name);
    let first = found.next().expect("it is listed");
    assert!(found.next().is_none(), "{name} is there twice");
    first
}

fn setting<'a>(policy: &'a PolicySnapshot, key: &str) -> (&'a str, &'a str) {
    let found = policy.settings.iter().find(|setting| setting.key == key).expect("the setting");
    (&found.value, &found.compiled)
}

#[test]
fn a_policy_is_there_once_it_is_used_and_with_its_settings_once_it_is_listed() {
    static USED: Bulkhead = Bulkhead::named("l used").limit(3);
    drop(USED.try_acquire().unwrap());

    let used = find("l used");
    assert_eq!((used.kind, used.mode, used.settings.len()), (PolicyKind::Bulkhead, None, 0));
    assert!(used.file.ends_with("list/tests.rs"), "{}", used.file);
    list(&USED);
    list(&USED);

    let listed = find("l used");
    assert_eq!(setting(&listed, "limit"), ("3", "3"));
    assert_eq!(listed.outcomes[0], Number { name: "success".to_owned(), value: 1.0 });
}

#[test]
fn what_was_changed_stands_beside_what_was_compiled_in() {
    static PLACES: Bulkhead = Bulkhead::named("l changed").limit(3).mode(Mode::Observe);
    static RATE: RateLimit = RateLimit::named("l rate").rate(10, Duration::from_secs(1));
    list(&PLACES);
    list(&RATE);
    PLACES.set_limit(7);
    RATE.set_rate(20, Duration::from_secs(1));

    let (places, rate) = (find("l changed"), find("l rate"));

    assert_eq!((setting(&places, "limit"), places.mode), (("7", "3"), Some(Mode::Observe)));
    assert_eq!(setting(&rate, "rate"), ("20/s", "10/s"));
    let shown = places.to_string();
    assert!(shown.starts_with("mode observe · limit 7 (compiled: 3) · "), "{shown}");
}

#[test]
fn a_retry_says_what_its_budget_pays_for() {
    static SHARED: crate::Budget = crate::Budget::new().ratio(0.125).reserve(3);
    static OWN: Retry = Retry::named("l own");
    static OF_TWO: Retry = Retry::named("l of two").budget(&SHARED);
    static WITHOUT: Retry = Retry::named("l without").without_budget();
    for retry in [&OWN, &OF_TWO, &WITHOUT] {
        list(retry);
    }

    let budgets = ["l own", "l of two", "l without"].map(find);

    let budgets = budgets.each_ref().map(|policy| setting(policy, "budget").0);
    assert_eq!(budgets, ["own, 20 % and 10/s", "shared, 12.5 % and 3/s", "none"]);
}

#[test]
fn a_policy_that_two_functions_share_has_the_series_of_the_first() {
    static SHARED: Timeout = Timeout::named("l series", Duration::from_secs(1));
    let mut known = Known::default();
    let mut of = |name| {
        let mut function = Function::default();
        function.is("m", name, "m.rs", 1).own("TOTAL_TIMEOUT_", &SHARED);
        let function: &Function = Box::leak(Box::new(function));
        let snapshot = function.snapshot(&mut known, &mut Unused::default());
        snapshot.stack[0].policy.as_ref().expect("the policy").series
    };

    let series = Labels { policy: "l series", function: "m::one", layer: "total_timeout" };
    assert_eq!([of("one"), of("two")], [series; 2]);
}

#[test]
fn keys_are_summed_up_and_the_unhealthy_ones_counted() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("l hosts")).capacity(9);
    list(&HOSTS);
    HOSTS.of("a").force_open();
    drop(HOSTS.of("b").acquire());

    let keys = find("l hosts").keys.expect("keys");

    assert_eq!((keys.len, keys.capacity, keys.unhealthy, keys.overflowed), (2, 9, 1, 0));
    assert_eq!((keys.in_trouble.len(), keys.in_trouble[0].state), (1, Some(CircuitBreakerState::ForcedOpen)));
    assert!(keys.in_trouble[0].key.starts_with('#'), "nobody allowed to show it");
}

#[test]
fn the_worst_case_adds_up_from_the_inside() {
    static TOTAL: Timeout = Timeout::named("l worst", Duration::from_secs(9));
    static RETRY: Retry = Retry::named("l worst")
        .max(2)
        .max_hint(Duration::from_millis(10))
        .backoff(crate::Backoff::fixed(Duration::from_millis(100)));
    static PLACES: Bulkhead = Bulkhead::named("l worst").max_wait(Duration::from_millis(50));
    static ATTEMPT: Timeout = Timeout::named("l worst", Duration::from_millis(400));
    static FALLBACK: crate::Fallback = crate::Fallback::named("l worst");
    static ENDLESS: Retry = Retry::named("l worst").unlimited();
    static UNTIL: Bulkhead = Bulkhead::named("l worst");
    static HEDGE: crate::Hedge = crate::Hedge::named("l worst").after(Duration::from_millis(100)).max(3);
    static OBSERVES: Timeout = Timeout::named("l worst", Duration::from_millis(1)).mode(Mode::Observe);
    static WITHIN: Retry = Retry::named("l worst").unlimited().max_elapsed(Duration::from_secs(5));
    fn worst(write: impl FnOnce(&mut Function) -> &mut Function) -> Option<Duration> {
        let mut function = Function::default();
        write(&mut function);
        let function: &Function = Box::leak(Box::new(function));
        function.snapshot(&mut Known::default(), &mut Unused::default()).worst_case
    }
    let of = |write: fn(&mut Function) -> &mut Function| worst(|function| write(function).own("TIMEOUT_", &ATTEMPT));

    // three attempts of 450 ms, two waits, and as long as a server may ask for twice, with the tenth that is added
    let attempts = of(|function| function.own("RETRY_", &RETRY).own("BULKHEAD_", &PLACES));
    assert_eq!(attempts, Some(Duration::from_millis(3 * 450 + 2 * 100 + 2 * 11)));
    assert_eq!(worst(|function| function.own("RETRY_", &RETRY)), None);
    assert_eq!(of(|function| function.own("RETRY_", &ENDLESS)), None);
    let endless = worst(|function| function.own("TOTAL_TIMEOUT_", &TOTAL).own("RETRY_", &ENDLESS));
    assert_eq!(endless, Some(Duration::from_secs(9)));
    assert_eq!(of(|function| function.given("RETRY_", &[])), None);
    assert_eq!(of(|function| function.own("BULKHEAD_", &UNTIL)), Some(Duration::from_millis(1_400)));
    let waits = of(|function| function.own("TOTAL_TIMEOUT_", &TOTAL).own("BULKHEAD_", &UNTIL));
    assert_eq!(waits, Some(Duration::from_secs(9)));
    assert_eq!(of(|function| function.own("HEDGE_", &HEDGE)), Some(Duration::from_millis(700)));
    assert_eq!(worst(|function| function.own("TIMEOUT_", &OBSERVES)), None);
    assert_eq!(of(|function| function.own("RETRY_", &WITHIN)), Some(Duration::from_millis(5_400)));
    assert_eq!(of(|function| function.open("FALLBACK_", &FALLBACK)), None);
    assert_eq!(of(|function| function.own("FALLBACK_", &FALLBACK)), Some(Duration::from_millis(400)));
}

#[test]
fn what_is_not_limited_says_why() {
    static TOTAL: Timeout = Timeout::named("l endless", Duration::from_secs(9));
    static COALESCE: crate::Coalesce = crate::Coalesce::named("l endless");
    static FALLBACK: crate::Fallback = crate::Fallback::named("l endless");
    static FAN_OUT: crate::FanOutPolicy = crate::FanOutPolicy::named("l endless");
    static RETRY: Retry = Retry::named("l endless");
    static ENDLESS: Retry = Retry::named("l endless").unlimited();
    static PLACES: Bulkhead = Bulkhead::named("l endless");
    fn reason(write: impl FnOnce(&mut Function) -> &mut Function) -> Option<String> {
        let mut function = Function::default();
        write(&mut function);
        let function: &Function = Box::leak(Box::new(function));
        let snapshot = function.snapshot(&mut Known::default(), &mut Unused::default());
        assert_eq!(snapshot.unlimited.is_none(), snapshot.worst_case.is_some());
        let shown = snapshot.to_string();
        snapshot.unlimited.as_ref().inspect(|reason| {
            assert!(shown.contains(&format!(", no limit to the time of a call: {reason}\n")), "{shown}");
        });
        snapshot.unlimited
    }
    let of = |write: fn(&mut Function) -> &mut Function| reason(|function| write(function).own("TIMEOUT_", &TOTAL));
    let above = |reason: &str| Some(format!("{reason}, and no time-out stands above it"));

    assert_eq!(
        reason(|function| function.own("RETRY_", &RETRY).own("BULKHEAD_", &PLACES)),
        Some("no time-out".to_owned())
    );
    assert_eq!(
        of(|function| function.own("COALESCE_", &COALESCE)),
        above("`coalesce` has callers wait for the runs of others, one after the other")
    );
    assert_eq!(of(|function| function.open("FALLBACK_", &FALLBACK)), above("`fallback` runs another function"));
    assert_eq!(of(|function| function.own("FAN_OUT_", &FAN_OUT)), above("`fan_out` runs as many items as it is given"));
    assert_eq!(of(|function| function.own("RETRY_", &ENDLESS)), above("`retry` makes attempts without a limit"));
    assert_eq!(of(|function| function.given("RETRY_", &[])), above("`retry` gets its policy by `with`"));
    // the outermost is the one to mend
    let both = of(|function| function.own("COALESCE_", &COALESCE).own("RETRY_", &ENDLESS));
    assert!(both.unwrap().starts_with("`coalesce`"));
    assert_eq!(of(|function| function.own("TOTAL_TIMEOUT_", &TOTAL).own("COALESCE_", &COALESCE)), None);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_says_how_long_it_has_been_in_its_state() {
    static BREAKER: CircuitBreaker =
        CircuitBreaker::named("state for").consecutive(1).open_for(Duration::from_secs(10)).open_jitter(0.0);
    list(&BREAKER);

    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(find("state for").state_for, Some(Duration::from_secs(3)));
    BREAKER.acquire().unwrap().settle_as(crate::Class::Transient, ());
    tokio::time::advance(Duration::from_secs(4)).await;

    assert_eq!(find("state for").state_for, Some(Duration::from_secs(4)));
}
