use resilient::{circuit_breaker, retry, timeout};

use crate::support::{Error, Script};

#[timeout(total = "2s", attempt = "400ms")]
#[retry(max = 3, backoff = "full_jitter", base = "10ms", number = number)]
#[circuit_breaker(failure_rate = "50%", window = "10s")]
pub async fn search(script: &Script, query: &str) -> Result<String, Error> {
    script.next()?;
    Ok(format!("{query} at attempt {number}"))
}

pub async fn transcript() -> String {
    let script = Script::failing(2);
    let found = search(&script, "words").await;
    format!("{found:?}")
}
