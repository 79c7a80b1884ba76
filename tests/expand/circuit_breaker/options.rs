use resilient::circuit_breaker;

use crate::support::{Error, Script};

#[circuit_breaker(failure_rate = "75%", window = 8, min_calls = 4, consecutive = off, open_for = "2s", probes = 1)]
pub async fn ask(script: &Script) -> Result<(), Error> {
    script.next()
}

pub async fn transcript() -> String {
    let script = Script::failing(8);
    for _ in 0..8 {
        let _ = ask(&script).await;
    }
    let attempts = script.attempts();
    format!("open after {attempts}")
}
