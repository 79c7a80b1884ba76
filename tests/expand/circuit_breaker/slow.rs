use std::time::Duration;

use resilient::circuit_breaker;

use crate::support::Error;

#[circuit_breaker(
    slow_call = "1s",
    slow_rate = "60%",
    min_calls = 5,
    recover = "10s",
    throttled = "fail",
    mode = "enforce"
)]
pub async fn ask(seconds: u64) -> Result<(), Error> {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    Ok(())
}

pub async fn transcript() -> String {
    let mut calls = 0;
    while ask(calls % 3).await.is_ok() {
        calls += 1;
    }
    format!("open after {calls}")
}
