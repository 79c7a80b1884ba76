//! The table, and that every series is in it.

use std::collections::HashSet;
use std::fmt::Write;
use std::future::{Future, pending, ready};
use std::task::{Context, Waker};
use std::time::Duration;

use super::*;
use crate::{
    Batch, Bulkhead, Cancel, CircuitBreaker, Coalesce, Fallback, Hedge, PerKey, RateLimit, Retry, Settled, Throttle,
    Timeout, call::Rescue, list,
};

#[test]
fn names_are_as_prometheus_and_opentelemetry_want_them() {
    let mut names = HashSet::new();
    for family in FAMILIES {
        let Family { name, sort, unit, help, .. } = family;
        assert!(name.starts_with("resilient_"), "{name}");
        assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{name}");
        assert_eq!(name.ends_with("_total"), *sort == Sort::Counter, "{name}");
        assert!(!family.stem().ends_with("_total"), "{name}");
        assert_eq!(family.stem().ends_with("_seconds"), *unit == "s", "{name}");
        assert!(!help.is_empty() && !help.contains('\n') && !help.ends_with('.'), "{name}");
        assert!(
            names.insert(*name) && names.insert(Box::leak(family.dotted().into_boxed_str())),
            "{name} is there twice"
        );
    }
}

#[test]
fn the_page_has_every_family() {
    let mut table = String::from("| series | type | unit | labels | meaning |\n|---|---|---|---|---|\n");
    for Family { name, sort, unit, label, help, .. } in FAMILIES {
        let labels = match (*name, label) {
            ("resilient_policies", _) => "none".to_owned(),
            ("resilient_settings_total", Some(label)) => format!("`{label}`"),
            (_, None) => "`policy`, `function`, `layer`".to_owned(),
            (_, Some(label)) => format!("`policy`, `function`, `layer`, `{label}`"),
        };
        writeln!(table, "| `{name}` | {sort} | `{unit}` | {labels} | {help} |").unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let (before, rest) = page.split_once("<!-- families -->\n\n").expect("the place of the table");
    let (_, after) = rest.split_once("\n<!-- end -->").expect("its end");
    let expected = format!("{before}<!-- families -->\n\n{table}\n<!-- end -->{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &expected).expect("written");
    }
    assert!(page == expected || std::env::var_os("UPDATE_EXPECT").is_some(), "write it with UPDATE_EXPECT=1");
}

fn value(samples: &[Sample], family: &str, policy: &str, own: &str) -> Option<f64> {
    let of = samples.iter().filter(|sample| sample.family.name == family && sample.own == own);
    let mut found = of.filter(|sample| sample.labels.is_some_and(|labels| labels.policy == policy));
    let first = found.next().map(|sample| sample.value);
    assert!(found.next().is_none(), "{family} {policy} {own} is there twice");
    first
}

/// Polls a future once and drops it.
fn polled_once(future: impl Future) {
    drop(Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())));
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_policy_is_counted() {
    static RETRY: Retry = Retry::named("m retry").max(2);
    static TIMEOUT: Timeout = Timeout::named("m timeout", Duration::from_millis(5));
    static BREAKER: CircuitBreaker = CircuitBreaker::named("m breaker").consecutive(1);
    static BULKHEAD: Bulkhead = Bulkhead::named("m bulkhead").limit(1).queue(0);
    static RATE: RateLimit = RateLimit::named("m rate").rate(1, Duration::from_secs(1));
    static THROTTLE: Throttle = Throttle::named("m throttle");
    static HEDGE: Hedge = Hedge::named("m hedge").after(Duration::from_millis(1)).ratio(1.0);
    static COALESCE: Coalesce = Coalesce::named("m coalesce");
    static BATCH: Batch = Batch::named("m batch");
    static FALLBACK: Fallback = Fallback::named("m fallback");
    static CANCEL: Cancel = Cancel::named("m cancel");
    static KEYED: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("m keyed").consecutive(1));
    let statics: [&'static dyn Listed; 12] = [
        &RETRY, &TIMEOUT, &BREAKER, &BULKHEAD, &RATE, &THROTTLE, &HEDGE, &COALESCE, &BATCH, &FALLBACK, &CANCEL, &KEYED,
    ];
    statics.into_iter().for_each(list);
    let down = || Err::<u32, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let before = collect();
    assert_eq!(
        value(&before, "resilient_calls_total", "m breaker", "transient"),
        Some(0.0),
        "it is there from the first"
    );

    let mut call = RETRY.begin();
    while let crate::Verdict::Retry(delay) = call.settle(down()) {
        delay.await;
    }
    drop(call);
    drop(RETRY.begin());
    assert!(matches!(TIMEOUT.run(pending::<()>()).await, Settled::Rejected(_)));
    assert!(matches!(TIMEOUT.run(ready(())).await, Settled::Outcome(())));
    polled_once(TIMEOUT.run(pending::<()>()));
    assert!(matches!(BREAKER.run(async { down() }).await, Settled::Outcome(Err(_))));
    assert!(BREAKER.acquire().is_err());
    KEYED.of("a").acquire().unwrap().settle(down()).unwrap_err();
    assert!(KEYED.of("a").acquire().is_err());
    let place = BULKHEAD.try_acquire().unwrap();
    assert!(BULKHEAD.try_acquire().is_err());
    drop(place);
    RATE.try_acquire().unwrap().settle(Ok::<_, std::io::Error>(1)).unwrap();
    assert!(RATE.try_acquire().is_err());
    THROTTLE.acquire().unwrap().settle(down()).unwrap_err();
    HEDGE
        .run(|| async {
            tokio::time::sleep(Duration::from_millis(4)).await;
            Ok::<_, std::io::Error>(1)
        })
        .await
        .unwrap();
    tokio::join!(COALESCE.run(&1, tokio::task::yield_now()), COALESCE.run(&1, tokio::task::yield_now()));
    let load = |keys: Vec<u32>| async move {
        Ok::<_, std::convert::Infallible>(
            keys.into_iter().map(|key| (key, key)).collect::<std::collections::HashMap<_, _>>(),
        )
    };
    let (one, two) = tokio::join!(BATCH.run(1, load), BATCH.run(2, load));
    assert_eq!((one, two), (Ok(Some(1)), Ok(Some(2))));
    if let Rescue::FallBack(failure) = FALLBACK.settle(down()) {
        failure.value(3).unwrap();
    }
    assert!(matches!(CANCEL.run(ready(()), pending::<()>()).await, Settled::Rejected(_)));

    let samples = collect();
    let calls = |policy, outcome| value(&samples, "resilient_calls_total", policy, outcome);
    let refused = |policy, reason| value(&samples, "resilient_rejections_total", policy, reason);
    let of = |family, policy, own| value(&samples, family, policy, own);
    assert_eq!((calls("m retry", "transient"), calls("m retry", "abandoned")), (Some(1.0), Some(1.0)));
    assert_eq!(of("resilient_retries_total", "m retry", ""), Some(2.0));
    assert_eq!(of("resilient_retried_calls_total", "m retry", "2"), Some(1.0));
    assert_eq!(of("resilient_gave_up_total", "m retry", "no_retries_left"), Some(1.0));
    assert_eq!((calls("m timeout", "success"), calls("m timeout", "abandoned")), (Some(1.0), Some(1.0)));
    assert_eq!(refused("m timeout", "timed_out"), Some(1.0));
    assert_eq!((calls("m breaker", "transient"), refused("m breaker", "circuit_open")), (Some(1.0), Some(1.0)));
    assert_eq!(of("resilient_circuit_transitions_total", "m breaker", "open"), Some(1.0));
    assert_eq!(of("resilient_circuit_state", "m breaker", "open"), Some(1.0));
    assert_eq!(of("resilient_circuit_state", "m breaker", "half_open"), Some(0.0));
    assert_eq!((calls("m keyed", "transient"), refused("m keyed", "circuit_open")), (Some(1.0), Some(1.0)));
    assert_eq!(
        (of("resilient_keys", "m keyed", ""), of("resilient_circuit_state", "m keyed", "open")),
        (Some(1.0), None)
    );
    assert_eq!((calls("m bulkhead", "success"), refused("m bulkhead", "queue_full")), (Some(1.0), Some(1.0)));
    assert_eq!((calls("m rate", "success"), refused("m rate", "rate_limited")), (Some(1.0), Some(1.0)));
    assert_eq!(calls("m throttle", "transient"), Some(1.0));
    assert_eq!((calls("m hedge", "success"), of("resilient_hedges_total", "m hedge", "")), (Some(1.0), Some(1.0)));
    assert_eq!(
        (calls("m coalesce", "success"), of("resilient_coalesced_total", "m coalesce", "")),
        (Some(2.0), Some(1.0))
    );
    assert_eq!((calls("m batch", "success"), of("resilient_batches_total", "m batch", "")), (Some(2.0), Some(1.0)));
    assert_eq!(
        (calls("m fallback", "transient"), of("resilient_fallback_answers_total", "m fallback", "value")),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(refused("m cancel", "cancelled"), Some(1.0));
    assert!(samples[0].value >= 12.0);
}

#[test]
fn no_series_is_there_twice_and_none_is_without_a_number() {
    let mut seen = HashSet::new();
    for Sample { family, labels, own, value, .. } in collect() {
        assert!(value.is_finite());
        assert!(seen.insert((family.name, labels, own)), "{} {labels:?} {own}", family.name);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_in_each_state_grows_when_it_is_read() {
    static BREAKER: CircuitBreaker =
        CircuitBreaker::named("m times").consecutive(1).open_for(Duration::from_secs(10)).open_jitter(0.0);
    list(&BREAKER);
    let seconds = |state| value(&collect(), "resilient_circuit_state_seconds_total", "m times", state).unwrap();
    assert!(seconds("closed") < 1e-9);

    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!((seconds("closed") - 3.0).abs() < 1e-6);
    BREAKER.acquire().unwrap().settle_as(crate::Class::Transient, ());
    tokio::time::sleep(Duration::from_secs(4)).await;

    assert!((seconds("open") - 4.0).abs() < 1e-6 && (seconds("closed") - 3.0).abs() < 1e-6);
}

/// Whatever becomes of calls, the books balance.
#[test]
fn the_books_balance_over_threads_with_drops_and_panics() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering::Relaxed;

    static BREAKER: CircuitBreaker = CircuitBreaker::named("m books").failure_rate(1.0);
    static LIMIT: Timeout = Timeout::named("m books", Duration::from_secs(100));
    static RETRY: Retry = Retry::named("m books").max(1).backoff(crate::Backoff::none()).without_budget();
    let (made, seen) = (AtomicU64::new(0), AtomicU64::new(0));

    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (made, seen) = (&made, &seen);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                for call in 0..200 {
                    made.fetch_add(1, Relaxed);
                    let attempt = || async move {
                        seen.fetch_add(1, Relaxed);
                        match (call + thread) % 5 {
                            0 => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
                            1 => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
                            2 => panic!("on purpose"),
                            3 => pending().await,
                            _ => Ok(()),
                        }
                    };
                    let whole = async {
                        let mut retry = RETRY.begin();
                        loop {
                            let settled = crate::run((&mut retry, &BREAKER, &LIMIT), attempt()).await;
                            match retry.verdict(settled) {
                                crate::Verdict::Accept(outcome) => break outcome,
                                crate::Verdict::Retry(delay) => delay.await,
                            }
                        }
                    };
                    drop(catch_unwind(AssertUnwindSafe(|| {
                        runtime.block_on(async { polled_once(whole) });
                    })));
                }
            });
        }
    });

    let samples = collect();
    let sum = |layer: &str| -> f64 {
        let of = samples.iter().filter(|sample| {
            ["resilient_calls_total", "resilient_rejections_total"].contains(&sample.family.name)
                && sample.labels.is_some_and(|labels| labels.policy == "m books")
                && sample.labels.is_some_and(|labels| labels.layer == layer)
        });
        of.map(|sample| sample.value).sum()
    };
    let (made, seen) = (made.into_inner() as f64, seen.into_inner() as f64);
    assert!((sum("retry") - made).abs() < 0.5, "{} of {made}", sum("retry"));
    assert!((sum("timeout") - seen).abs() < 0.5, "{} of {seen}", sum("timeout"));
    // it may refuse calls that the server then does not see
    let refused = samples
        .iter()
        .find(|sample| {
            sample.family.name == "resilient_rejections_total"
                && sample.labels.is_some_and(|labels| labels.policy == "m books")
                && sample.labels.is_some_and(|labels| labels.layer == "circuit_breaker")
        })
        .map_or(0.0, |sample| sample.value);
    assert!((sum("circuit_breaker") - refused - seen).abs() < 0.5, "{} of {seen}", sum("circuit_breaker"));
    let retries = value(&samples, "resilient_retries_total", "m books", "").unwrap();
    assert!((made + retries - seen - refused).abs() < 0.5, "{made} calls and {retries} retries are {seen} attempts");
}

/// A panic in the body is a call that was abandoned, whichever policy it went through.
#[tokio::test(start_paused = true)]
async fn a_panic_is_no_success() {
    use futures_util::FutureExt;
    use std::panic::AssertUnwindSafe;

    static BULKHEAD: Bulkhead = Bulkhead::named("m panics");
    static RATE: RateLimit = RateLimit::named("m panics");
    static THROTTLE: Throttle = Throttle::named("m panics");
    static HEDGE: Hedge = Hedge::named("m panics");
    async fn body() -> std::io::Result<()> {
        panic!("on purpose")
    }

    assert!(AssertUnwindSafe(BULKHEAD.run(body())).catch_unwind().await.is_err());
    assert!(AssertUnwindSafe(RATE.run(body())).catch_unwind().await.is_err());
    assert!(AssertUnwindSafe(THROTTLE.run(body())).catch_unwind().await.is_err());
    assert!(AssertUnwindSafe(HEDGE.run(body)).catch_unwind().await.is_err());

    let samples = collect();
    for layer in ["bulkhead", "rate_limit", "throttle", "hedge"] {
        let of = samples.iter().filter(|sample| {
            sample.family.name == "resilient_calls_total"
                && sample.labels.is_some_and(|labels| labels.policy == "m panics" && labels.layer == layer)
        });
        let above_zero: Vec<(&str, f64)> =
            of.filter(|sample| sample.value > 0.0).map(|sample| (sample.own, sample.value)).collect();
        assert_eq!(above_zero, [("abandoned", 1.0)], "{layer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_counts_however_it_ends() {
    static PLACES: Bulkhead = Bulkhead::named("m waits").limit(1).max_wait(Duration::from_millis(100));
    static RATE: RateLimit =
        RateLimit::named("m waits").rate(1, Duration::from_secs(1)).burst(1).max_wait(Duration::from_secs(5));
    let place = PLACES.try_acquire().unwrap();
    drop(RATE.try_acquire());
    let waits = |millis| tokio::time::timeout(Duration::from_millis(millis), PLACES.acquire());
    assert!(waits(30).await.is_err(), "it is dropped");
    assert!(matches!(waits(1_000).await, Ok(Err(_))), "it gives up");
    drop(place);
    assert!(tokio::time::timeout(Duration::from_millis(300), RATE.acquire()).await.is_err());

    let samples = collect();
    let seconds = |layer: &str| {
        let mut of = samples.iter().filter(|sample| {
            sample.family.name == "resilient_wait_seconds_total"
                && sample.labels.is_some_and(|labels| labels.policy == "m waits" && labels.layer == layer)
        });
        of.next().map(|sample| sample.value)
    };
    assert!(seconds("bulkhead").is_some_and(|seconds| (seconds - 0.13).abs() < 1e-6), "{:?}", seconds("bulkhead"));
    assert!(seconds("rate_limit").is_some_and(|seconds| (seconds - 0.3).abs() < 1e-6), "{:?}", seconds("rate_limit"));
}

#[test]
fn keys_add_no_series() {
    static USERS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("m users")).capacity(20_000);
    let series = || {
        let all = collect();
        let of = all.into_iter().filter(|sample| sample.labels.is_some_and(|labels| labels.policy == "m users"));
        of.map(|sample| (sample.family.name, sample.own, sample.value)).collect::<Vec<_>>()
    };
    crate::list(&USERS);
    let before = series();
    for user in 0..10_000 {
        drop(USERS.of(&user).acquire());
    }

    let after = series();

    assert!(!before.is_empty());
    assert_eq!(names(&after), names(&before));
    assert!(after.contains(&("resilient_keys", "", 10_000.0)), "{after:?}");
    assert!(after.contains(&("resilient_calls_total", "abandoned", 10_000.0)), "{after:?}");
}

fn names(series: &[(&'static str, &'static str, f64)]) -> Vec<(&'static str, &'static str)> {
    series.iter().map(|(family, own, _)| (*family, *own)).collect()
}

#[test]
fn a_permit_that_is_not_settled_is_abandoned_for_a_breaker_alone() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("m unsettled breaker");
    static PLACES: Bulkhead = Bulkhead::named("m unsettled places");
    static RATE: RateLimit = RateLimit::named("m unsettled rate");
    static SHARE: Throttle = Throttle::named("m unsettled share");

    drop(BREAKER.acquire());
    drop(PLACES.try_acquire());
    drop(RATE.try_acquire());
    drop(SHARE.acquire());

    let samples = collect();
    let ends = |policy| ["success", "abandoned"].map(|end| value(&samples, "resilient_calls_total", policy, end));
    assert_eq!(ends("m unsettled breaker"), [Some(0.0), Some(1.0)]);
    for policy in ["m unsettled places", "m unsettled rate", "m unsettled share"] {
        assert_eq!(ends(policy), [Some(1.0), Some(0.0)], "{policy}");
    }
}
