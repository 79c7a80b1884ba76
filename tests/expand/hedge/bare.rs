use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilient::hedge;

use crate::support::Error;

#[hedge(idempotent)]
pub async fn search(replicas: &AtomicU64, word: &str) -> Result<String, Error> {
    let time = replicas.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(time)).await;
    Ok(word.to_uppercase())
}

pub async fn transcript() -> String {
    let replicas = AtomicU64::new(10);
    format!("{:?} from {replicas:?}", search(&replicas, "words").await)
}
