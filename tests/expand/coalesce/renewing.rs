use std::sync::Arc;
use std::time::Duration;

use resilient::{coalesce, retry};

use crate::support::{Error, Script};

#[coalesce(key = word, shared_across(script), hold = "10s", stale_while_revalidate = "50s")]
#[retry(max = 2, backoff = "none")]
async fn look_up(script: Arc<Script>, word: &'static str) -> Result<String, Error> {
    script.next()?;
    Ok(format!("{word} {}", script.attempts()))
}

pub async fn transcript() -> String {
    let script = Arc::new(Script::failing(1));
    let mut answers = Vec::new();
    for wait in [0, 11, 0, 61] {
        tokio::time::sleep(Duration::from_secs(wait)).await;
        answers.push(look_up(script.clone(), "tide").await.unwrap());
        tokio::task::yield_now().await;
    }
    answers.join(", ")
}
