//! The snapshot of a program, as the runtime writes it.

use std::time::Duration;

use cargo_resilient::reading;
use cargo_resilient::stack::{Limit, Stack};
use resilient::{bulkhead, circuit_breaker, measure, retry, timeout};

#[timeout(total = "1s")]
#[retry(max = 2, base = "20ms")]
#[measure]
#[circuit_breaker]
#[bulkhead(limit = "vegas", min_limit = 2, max_limit = 80, initial_limit = 16, max_wait = "100ms")]
#[timeout(attempt = "300ms")]
async fn fetch(number: u32) -> Result<u32, std::io::Error> {
    tokio::time::sleep(Duration::from_millis(if number.is_multiple_of(10) { 80 } else { 12 })).await;
    Ok(number)
}

#[tokio::test(start_paused = true)]
async fn the_planner_reads_what_the_runtime_writes() {
    for number in 0..200 {
        fetch(number).await.unwrap();
    }
    let json = serde_json::to_string(&resilient::policies()).unwrap();

    let reading = reading::read("snapshot.json", &json, Some("snapshot::fetch")).unwrap();
    let (stack, left_out) = Stack::of(&reading.stack.unwrap()).unwrap();

    assert_eq!((stack.total, stack.attempt), (Some(Duration::from_secs(1)), Some(Duration::from_millis(300))));
    let retry = stack.retry.unwrap();
    assert_eq!((retry.max, retry.base, retry.budget), (2, Duration::from_millis(20), Some((0.2, 10))));
    let bulkhead = stack.bulkhead.unwrap();
    let vegas = Limit::Adaptive { algorithm: "vegas".to_owned(), min: 2, max: 80, initial: 16 };
    assert_eq!((bulkhead.limit, bulkhead.max_wait), (vegas, Some(Duration::from_millis(100))));
    assert_eq!(left_out, Vec::<String>::new());
    assert_eq!(reading.errors, Some(0.0));
    assert!((0.005..0.03).contains(&reading.times.at(0.5)), "{}", reading.times.at(0.5));
    assert!(reading.times.at(0.97) > 0.05, "{}", reading.times.at(0.97));
}
