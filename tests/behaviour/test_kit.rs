//! `resilient::test`: the counts and scripts that it gives to a test of annotated functions.

use std::collections::HashMap;
use std::time::Duration;

use resilient::test::{Script, assert_delays, record, seed};
use resilient::{
    CircuitBreakerState, Class, Event, FallbackSource, GaveUp, batch, cancel, circuit_breaker, coalesce, fallback,
    fan_out, retry, timeout,
};
use resilient_tests::{Error, ms};
use tokio_util::sync::CancellationToken;

#[tokio::test(start_paused = true)]
async fn the_record_has_the_delays_of_each_retry() {
    #[retry]
    async fn fetch(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let log = record();
    let script = Script::failing(3, || Error::Down);

    fetch(&script).await.unwrap();

    assert_delays(&log.delays("fetch"), [100..=200, 200..=300, 400..=500]);
    assert!(log.gave_up("fetch").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_record_has_the_class_and_the_number_of_each_retry() {
    #[retry(backoff = "fixed", base = "10ms")]
    async fn fetch(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let log = record();

    fetch(&Script::of([Error::Down, Error::Busy { after: None }])).await.unwrap();

    let retries = log.retries("fetch");
    assert_eq!(retries.iter().map(|retrying| retrying.retry).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(retries[0].class, Class::Transient);
    assert_eq!(retries[1].class, Class::Throttled { after: None });
    assert_eq!(log.delays("fetch"), [ms(10), ms(10)]);
}

#[tokio::test(start_paused = true)]
async fn a_hint_is_recorded_with_its_spread() {
    #[retry(max = 1)]
    async fn fetch(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let log = record();

    fetch(&Script::of([Error::Busy { after: Some(ms(5_000)) }])).await.unwrap();

    assert_delays(&log.delays("fetch"), [5_000..=5_500]);
}

#[tokio::test(start_paused = true)]
async fn the_record_says_why_a_call_gave_up() {
    #[retry(max = 1, backoff = "none")]
    async fn fetch(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let log = record();

    fetch(&Script::failing(2, || Error::Down)).await.unwrap_err();
    fetch(&Script::of([Error::Gone])).await.unwrap_err();

    assert_eq!(log.gave_up("fetch"), [GaveUp::NoRetriesLeft]);
}

#[tokio::test(start_paused = true)]
async fn the_record_has_the_transitions_of_a_breaker() {
    #[circuit_breaker(consecutive = 2, probes = 1)]
    async fn fetch(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let log = record();
    let script = Script::failing(2, || Error::Down);

    fetch(&script).await.unwrap_err();
    fetch(&script).await.unwrap_err();
    tokio::time::advance(ms(1_200)).await;
    fetch(&script).await.unwrap();

    let (closed, open, half_open) =
        (CircuitBreakerState::Closed, CircuitBreakerState::Open, CircuitBreakerState::HalfOpen);
    assert_eq!(log.transitions("fetch"), [(closed, open), (open, half_open), (half_open, closed)]);
}

#[tokio::test(start_paused = true)]
async fn the_record_has_the_limits_that_were_hit() {
    #[timeout(total = "100ms", attempt = "30ms")]
    #[retry(max = 1, backoff = "none")]
    async fn fetch(nap: Duration) -> Result<(), Error> {
        tokio::time::sleep(nap).await;
        Ok(())
    }
    let log = record();

    fetch(ms(10)).await.unwrap();
    assert!(log.timeouts("fetch").is_empty());

    fetch(ms(40)).await.unwrap_err();
    assert_eq!(log.timeouts("fetch"), [ms(30), ms(30)]);
}

#[tokio::test(start_paused = true)]
async fn the_record_has_what_fell_back_and_what_was_cancelled() {
    #[fallback(value = ())]
    async fn search(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    #[cancel(on = stop)]
    async fn fetch(stop: &CancellationToken) -> Result<(), Error> {
        tokio::task::yield_now().await;
        Ok(())
    }
    let log = record();
    let stop = CancellationToken::new();

    search(&Script::failing(1, || Error::Down)).await.unwrap();
    fetch(&stop).await.unwrap();
    stop.cancel();
    fetch(&stop).await.unwrap_err();

    assert_eq!(log.fell_back("search"), [(Class::Transient, FallbackSource::Value)]);
    let is_cancelled = |event: &Event| matches!(event, Event::Cancelled { .. });
    assert_eq!(log.count(is_cancelled), 1);
    assert!(log.events().into_iter().filter(is_cancelled).all(|event| event.policy() == "fetch"));
}

#[tokio::test(start_paused = true)]
async fn policies_are_told_apart_by_name() {
    #[retry(max = 1, backoff = "none", name = "the inner one")]
    async fn inner(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 1, backoff = "none")]
    async fn outer(script: &Script<Error>) -> Result<(), Error> {
        inner(script).await
    }
    let log = record();

    outer(&Script::failing(2, || Error::Down)).await.unwrap();

    assert_eq!(log.delays("the inner one").len(), 1);
    assert_eq!(log.gave_up("the inner one").len(), 1);
    assert_eq!(log.delays("outer").len(), 1);
    assert!(log.delays("inner").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_recorder_hears_what_comes_after_it_and_the_first_goes_on() {
    #[retry(max = 1, backoff = "none")]
    async fn fetch(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(1, || Error::Down);
    let first = record();
    fetch(&script).await.unwrap();

    let second = record();
    script.fail_next(1, || Error::Down);
    fetch(&script).await.unwrap();
    assert_eq!(second.delays("fetch").len(), 1);
    drop(second);
    script.fail_next(1, || Error::Down);
    fetch(&script).await.unwrap();

    assert_eq!(first.delays("fetch").len(), 3);
    assert_eq!(script.attempts(), 6);
}

#[tokio::test(start_paused = true)]
async fn spawned_tasks_of_a_current_thread_runtime_are_recorded() {
    #[retry(max = 1, backoff = "none")]
    async fn fetch(script: Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let log = record();

    tokio::spawn(fetch(Script::failing(1, || Error::Down))).await.unwrap().unwrap();

    assert_eq!(log.delays("fetch").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_script_serves_many_calls_at_once() {
    #[fan_out(limit = 8)]
    #[retry(backoff = "none")]
    async fn fetch(#[each] _item: u32, script: &Script<Error>) -> Result<(), Error> {
        tokio::task::yield_now().await;
        script.next()
    }
    let log = record();
    let script = Script::failing(3, || Error::Down);

    let outcomes = fetch_all(0..20, &script).await;

    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(script.attempts(), 23);
    assert_eq!(log.delays("fetch").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_means_the_same_delays() {
    #[retry]
    async fn fetch() -> Result<(), Error> {
        Err(Error::Down)
    }
    let mut runs = Vec::new();
    for number in [3, 3, 4] {
        seed(number);
        let log = record();
        fetch().await.unwrap_err();
        runs.push(log.delays("fetch"));
    }

    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[1], runs[2]);
}

#[tokio::test(start_paused = true)]
async fn the_record_has_who_shared_what() {
    #[coalesce(key = id)]
    async fn shared(id: u32) -> u32 {
        tokio::time::sleep(ms(10)).await;
        id
    }
    #[batch]
    async fn gathered(keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
        Ok(keys.into_iter().map(|key| (key, key)).collect())
    }
    let log = record();

    let dropped = tokio::time::timeout(ms(5), shared(1));
    let (dropped, ..) = tokio::join!(dropped, shared(1), shared(2), gathered_one(1), gathered_one(1));
    assert!(dropped.is_err());

    let is_batched = |event: &Event| matches!(event, Event::Batched { policy: "gathered", keys: 1, callers: 2, .. });
    assert_eq!(log.count(|event| matches!(event, Event::Joined { policy: "shared", .. })), 1);
    assert_eq!(log.count(|event| matches!(event, Event::HandedOver { policy: "shared", .. })), 1);
    assert_eq!(log.count(|event| matches!(event, Event::RanAlone { .. })), 0);
    assert_eq!(log.count(is_batched), 1);
    assert_eq!(log.count(|event| matches!(event, Event::Joined { policy: "gathered", .. })), 0);
}
