//! `Debug` of the futures that a person may keep: each names its policy and says how far it is.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Future, IntoFuture, pending, ready};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use resilient::{Batch, Bulkhead, CircuitBreaker, Coalesce, FanOut, Hedge, Measure, RateLimit, Timeout};

type Outcome = Result<u32, std::io::Error>;

/// Its `Debug` before and after a first poll that it does not end with.
fn shown<F: Future + std::fmt::Debug>(future: F) -> [String; 2] {
    let mut future = Box::pin(future);
    let before = format!("{future:?}");
    assert!(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    [before, format!("{future:?}")]
}

fn all_name(name: &str, shown: [String; 2]) -> [String; 2] {
    for text in &shown {
        assert!(text.contains(name), "{text}");
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn each_names_its_policy_and_says_how_far_it_is() {
    let hedge = Hedge::named("hedged").after(Duration::from_secs(1));
    let [before, after] = all_name("hedged", shown(hedge.run(pending::<Outcome>)));
    assert!(before.contains("Fresh") && after.contains("Waiting"), "{before} {after}");

    let full = Bulkhead::named("full").limit(1).max_wait(Duration::from_secs(1));
    let _held = full.acquire().await.unwrap();
    let [before, after] = all_name("full", shown(full.acquire()));
    assert!(before.contains("waiting: false") && after.contains("waiting: true"), "{before} {after}");

    let used = RateLimit::named("used").rate(1, Duration::from_secs(1)).burst(1).max_wait(Duration::from_secs(5));
    let _taken = used.acquire().await.unwrap();
    let [before, after] = all_name("used", shown(used.acquire()));
    assert!(before.contains("waiting: false") && after.contains("waiting: true"), "{before} {after}");

    let batch = Batch::named("together").max_wait(Duration::from_secs(1));
    let load =
        |keys: Vec<u32>| ready(Ok::<_, Infallible>(keys.into_iter().map(|key| (key, key)).collect::<HashMap<_, _>>()));
    let [before, after] = all_name("together", shown(batch.run(1_u32, load)));
    assert!(before.contains("start") && after.contains("member"), "{before} {after}");

    let coalesce = Coalesce::named("once");
    let [before, after] = all_name("once", shown(coalesce.run("key", pending::<u32>())));
    assert!(before.contains("Outside") && after.contains("Leading"), "{before} {after}");

    let measure = Measure::named("measured");
    all_name("measured", shown(measure.run(pending::<Outcome>())));

    let timeout = Timeout::named("limited", Duration::from_secs(1));
    all_name("limited", shown(timeout.run(pending::<Outcome>())));

    let breaker = CircuitBreaker::named("watched");
    assert!(format!("{:?}", breaker.transitions()).contains("watched"));
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_says_how_many_run() {
    let [before, after] = shown(FanOut::new([1, 2, 3], |_| pending::<Outcome>()).limit(2).into_future());

    assert!(before.contains("launched: 0") && before.contains("limit: "), "{before}");
    assert!(after.contains("launched: 2") && after.contains("running: 2"), "{after}");
}
