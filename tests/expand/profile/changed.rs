use resilient::{profile, resilient};

use crate::support::{Error, Script};

profile! {
    search = timeout(total = "2s"), retry(max = 3, backoff = "none"), circuit_breaker(consecutive = 9)
}

#[resilient(profile = search, retry(max = 1), without(circuit_breaker))]
pub async fn find(script: &Script) -> Result<u32, Error> {
    script.next()?;
    Ok(script.attempts())
}

pub async fn transcript() -> String {
    format!("{:?} {:?}", find(&Script::failing(1)).await, find(&Script::failing(2)).await)
}
