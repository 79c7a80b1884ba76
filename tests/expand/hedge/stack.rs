use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilient::{bulkhead, circuit_breaker, hedge, retry, timeout};

use crate::support::Error;

#[timeout(total = "2s", attempt = "400ms")]
#[retry(max = 3, number = number, clone(word))]
#[hedge(idempotent, after = "20ms", ratio = "100%")]
#[circuit_breaker]
#[bulkhead(limit = 8, weight = 2)]
pub async fn search(replicas: &AtomicU64, word: String) -> Result<String, Error> {
    if replicas.fetch_add(1, Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    Ok(word + &format!(" at attempt {number}"))
}

pub async fn transcript() -> String {
    let replicas = AtomicU64::new(0);
    let found = search(&replicas, "words".to_owned()).await;
    format!("{found:?} {replicas:?}")
}
