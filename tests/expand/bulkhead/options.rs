use resilient::{bulkhead, retry};

use crate::support::{Error, Script};

#[retry(max = 1, backoff = "none")]
#[bulkhead(limit = 8, queue = 4, max_wait = "50ms", weight = items.len() as u32, priority = "low", mode = "observe")]
pub async fn load(items: Vec<u32>, script: &Script) -> Result<usize, Error> {
    script.next()?;
    Ok(items.len())
}

pub async fn transcript() -> String {
    let script = Script::failing(1);
    let outcome = load(vec![1, 2, 3], &script).await;
    format!("{outcome:?} {}", script.attempts())
}
