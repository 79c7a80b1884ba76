//! The books of every policy: each call has one end, whatever becomes of it.

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture, pending};
use std::panic::AssertUnwindSafe;
use std::task::{Context, Waker};

use futures_util::{FutureExt, StreamExt};
use resilient::metrics::collect;
use resilient::{
    batch, bulkhead, cancel, circuit_breaker, coalesce, fallback, fan_out, hedge, rate_limit, retry, throttle, timeout,
};
use resilient_tests::{Error, ms};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The ends of the calls of the policies of that name, those that are not zero, rejections among them.
fn ends(policy: &str) -> BTreeMap<&'static str, f64> {
    let all = collect();
    let of = all.iter().filter(|sample| {
        ["resilient_calls_total", "resilient_rejections_total"].contains(&sample.family.name)
            && sample.value > 0.0
            && sample.labels.is_some_and(|labels| labels.policy == policy)
    });
    let mut ends = BTreeMap::new();
    of.for_each(|sample| *ends.entry(sample.own).or_default() += sample.value);
    ends
}

/// The value of a series that has no label of its own.
fn value(family: &str, policy: &str) -> f64 {
    let all = collect();
    let mut of = all
        .iter()
        .filter(|sample| sample.family.name == family && sample.labels.is_some_and(|labels| labels.policy == policy));
    of.next().expect("it is there").value
}

/// Polls a future once and drops it.
fn polled_once(future: impl Future) {
    drop(Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Well,
    Down,
    Gone,
    Panic,
    Never,
}

async fn work(end: End) -> Result<u32, Error> {
    match end {
        End::Well => Ok(1),
        End::Down => Err(Error::Down),
        End::Gone => Err(Error::Gone),
        End::Panic => std::panic::panic_any("on purpose"),
        End::Never => pending().await,
    }
}

/// Five calls, one of each end, and one that is never polled.
macro_rules! five_calls {
    ($function:ident) => {
        for end in [End::Well, End::Down, End::Gone, End::Panic] {
            drop(AssertUnwindSafe($function(end)).catch_unwind().await);
        }
        polled_once($function(End::Never));
        drop($function(End::Well));
    };
}

macro_rules! balances {
    ($end:ident: $($test:ident: $(#[$attribute:meta])+ => $ends:expr;)+) => {
        $(#[tokio::test(start_paused = true)]
        async fn $test() {
            $(#[$attribute])+
            async fn $test($end: End) -> Result<u32, Error> {
                work($end).await
            }

            five_calls!($test);

            let ends = ends(stringify!($test));
            let expected: &[(&str, f64)] = &$ends;
            assert_eq!(ends, expected.iter().copied().collect(), "{ends:?}");
        })+
    };
}

const JUDGED: [(&str, f64); 4] = [("success", 1.0), ("transient", 1.0), ("permanent", 1.0), ("abandoned", 2.0)];
const UNJUDGED: [(&str, f64); 2] = [("success", 3.0), ("abandoned", 2.0)];

balances! {
    end:
    of_a_retry: #[retry(max = 1, backoff = "none")] => JUDGED;
    of_a_circuit_breaker: #[circuit_breaker] => JUDGED;
    of_a_rate_limit: #[rate_limit("100/s")] => JUDGED;
    of_a_throttle: #[throttle] => JUDGED;
    of_a_hedge: #[hedge(idempotent)] => JUDGED;
    of_an_adaptive_bulkhead: #[bulkhead(limit = "aimd")] => JUDGED;
    of_a_bulkhead: #[bulkhead] => UNJUDGED;
    of_a_time_out: #[timeout("1s")] => UNJUDGED;
    of_a_fallback: #[fallback(value = 7)] => JUDGED;
    of_a_fallback_that_keeps: #[fallback(stale = "1m", key = end)] => JUDGED;
    of_coalesced_calls: #[coalesce(key = end)] => UNJUDGED;
}

#[tokio::test(start_paused = true)]
async fn of_a_call_that_is_dropped_between_two_attempts() {
    #[timeout(total = "9s")]
    #[retry(max = 1, backoff = "fixed", base = "1s")]
    async fn between(end: End) -> Result<u32, Error> {
        work(end).await
    }

    polled_once(between(End::Down));
    between(End::Down).await.unwrap_err();

    assert_eq!(ends("between"), BTreeMap::from([("abandoned", 2.0), ("success", 1.0), ("transient", 1.0)]));
}

#[tokio::test(start_paused = true)]
async fn of_a_cancellation() {
    #[cancel(on = token)]
    async fn stops(end: End, token: &CancellationToken) -> Result<u32, Error> {
        work(end).await
    }
    let (quiet, cancelled) = (CancellationToken::new(), CancellationToken::new());
    cancelled.cancel();

    for end in [End::Well, End::Down, End::Gone, End::Panic] {
        drop(AssertUnwindSafe(stops(end, &quiet)).catch_unwind().await);
    }
    polled_once(stops(End::Never, &quiet));
    stops(End::Well, &cancelled).await.unwrap_err();

    assert_eq!(ends("stops"), BTreeMap::from([("success", 3.0), ("abandoned", 2.0), ("cancelled", 1.0)]));
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_and_what_one_that_observes_would_have_gathered() {
    #[batch(name = "books: batch")]
    async fn prices(keys: Vec<u32>) -> Result<Vec<Result<u32, Error>>, Error> {
        sleep(ms(1)).await;
        Ok(keys.into_iter().map(Ok).collect())
    }
    #[batch(name = "books: observed batch", mode = "observe")]
    async fn alone(keys: Vec<u32>) -> Result<Vec<Result<u32, Error>>, Error> {
        Ok(keys.into_iter().map(Ok).collect())
    }

    let (one, two) = tokio::join!(prices_one(1), prices_one(2));
    polled_once(prices_one(3));
    alone_one(1).await.unwrap();
    alone_one(2).await.unwrap();

    assert_eq!((one, two), (Ok(1), Ok(2)));
    assert_eq!(ends("books: batch"), BTreeMap::from([("success", 2.0), ("abandoned", 1.0)]));
    assert_eq!(ends("books: observed batch"), BTreeMap::from([("success", 2.0)]));
    assert!((value("resilient_observed_total", "books: observed batch") - 2.0).abs() < 0.1);
    assert!(value("resilient_observed_total", "books: batch") < 0.1);
}

#[tokio::test(start_paused = true)]
async fn of_calls_that_take_an_outcome_that_is_held() {
    #[coalesce(name = "books: held", key = number, hold = "1s", stale_while_revalidate = "1m")]
    async fn held(number: u32) -> Result<u32, Error> {
        Ok(number)
    }

    held(1).await.unwrap();
    held(1).await.unwrap();
    sleep(ms(1_000)).await;
    held(1).await.unwrap();

    assert_eq!(ends("books: held"), BTreeMap::from([("success", 3.0)]));
    assert!((value("resilient_stale_answers_total", "books: held") - 1.0).abs() < 0.1);
}

#[tokio::test(start_paused = true)]
async fn of_a_fan_out_however_its_items_end() {
    #[fan_out(limit = 5)]
    async fn items(end: End) -> Result<u32, Error> {
        work(end).await
    }
    let four = [End::Well, End::Down, End::Gone, End::Well];

    drop(items_all(four).await);
    assert_eq!(ends("items"), BTreeMap::from([("success", 2.0), ("transient", 1.0), ("permanent", 1.0)]));

    // two run when the panic comes, and one was never begun
    let with_a_panic = [End::Never, End::Never, End::Panic, End::Well];
    assert!(AssertUnwindSafe(items_all(with_a_panic).into_future()).catch_unwind().await.is_err());
    assert!((ends("items")["abandoned"] - 3.0).abs() < 0.1);

    let mut stream = items_all([End::Never; 9]).unordered();
    assert!(stream.next().now_or_never().is_none());
    assert!((value("resilient_items_in_flight", "items") - 5.0).abs() < 0.1);
    drop(stream);
    assert!((ends("items")["abandoned"] - 8.0).abs() < 0.1);
    assert!(value("resilient_items_in_flight", "items") < 0.1);

    let outcomes = items_all([End::Never; 9]).cancel_on(sleep(ms(5))).await;
    assert_eq!(outcomes.len(), 9);
    let ends = ends("items");
    assert!((ends["cancelled"] - 9.0).abs() < 0.1 && (ends["abandoned"] - 8.0).abs() < 0.1, "{ends:?}");
    assert!(value("resilient_items_in_flight", "items") < 0.1);
}

#[tokio::test(start_paused = true)]
async fn of_a_fan_out_that_needs_no_more() {
    #[fan_out]
    async fn copies(end: End) -> Result<u32, Error> {
        work(end).await
    }

    assert_eq!(copies_all([End::Never, End::Well, End::Well]).first_ok().await, Ok(1));

    assert_eq!(ends("copies"), BTreeMap::from([("success", 1.0), ("abandoned", 1.0)]));
}

/// Items whose outcomes have no class are successes, and errors without one are permanent.
#[tokio::test(start_paused = true)]
async fn of_a_fan_out_over_anything() {
    #[fan_out(limit = "adaptive", stream)]
    async fn classed(number: u32) -> Result<u32, Error> {
        if number == 0 { Err(Error::Down) } else { Ok(number) }
    }
    #[fan_out]
    async fn bare(number: u32) -> u32 {
        number
    }
    #[fan_out]
    async fn unclassed(number: u32) -> Result<u32, String> {
        if number == 0 { Err("none".to_owned()) } else { Ok(number) }
    }

    drop(classed_all([0, 1]).await);
    drop(classed_stream(futures_util::stream::iter([2, 3, 4])).await);
    drop(bare_all([0, 1]).await);
    drop(unclassed_all([0, 1]).await);

    assert_eq!(ends("bare"), BTreeMap::from([("success", 2.0)]));
    assert_eq!(ends("unclassed"), BTreeMap::from([("success", 1.0), ("permanent", 1.0)]));
    // the two functions are two series
    let all = resilient::policies().functions;
    let of = |name: &str| all.iter().find(|function| function.function == name).expect("it is listed");
    let (by_iterator, by_stream) = (of("classed_all"), of("classed_stream"));
    assert_eq!((by_iterator.stack.len(), by_iterator.stack[0].layer.as_str()), (1, "fan_out"));
    let fan = by_iterator.stack[0].policy.as_ref().expect("its own");
    assert_eq!((fan.name, fan.settings[0].value.as_str()), ("classed", "adaptive, 20 now"));
    let outcomes = |function: &resilient::snapshot::FunctionSnapshot| {
        let policy = function.stack[0].policy.as_ref().expect("its own");
        policy.outcomes.iter().map(|number| number.value).sum::<f64>()
    };
    assert!((outcomes(by_iterator) - 2.0).abs() < 0.1 && (outcomes(by_stream) - 3.0).abs() < 0.1);
}
