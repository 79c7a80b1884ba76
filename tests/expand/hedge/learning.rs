use std::time::Duration;

use resilient::hedge;

use crate::support::Error;

#[hedge(idempotent, after = "p99", min_after = "5ms", max_after = "1s", name = "hedge: learning", key = host)]
pub async fn load(host: &str) -> Result<usize, Error> {
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(host.len())
}

pub async fn transcript() -> String {
    format!("{:?}", load("a.example").await)
}
