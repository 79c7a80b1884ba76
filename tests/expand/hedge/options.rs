use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilient::hedge;

use crate::support::Error;

#[hedge(idempotent, after = "20ms", max = 2, ratio = "100%", clone(words), when = |error| *error == Error::Down)]
pub async fn join(replicas: &AtomicU64, mut words: Vec<&str>) -> Result<String, Error> {
    words.push("more");
    let number = replicas.fetch_add(1, Ordering::Relaxed);
    if number == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(format!("{} {number}", words.join(" ")))
}

pub async fn transcript() -> String {
    let joined = join(&AtomicU64::new(0), vec!["some"]).await;
    format!("{joined:?}")
}
