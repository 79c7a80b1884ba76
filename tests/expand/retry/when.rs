use resilient::retry;

use crate::support::Script;

#[retry(backoff = "none", when = |status| *status == 503)]
pub async fn ask(script: &Script) -> Result<(), u16> {
    let _ = script.next();
    Err(503)
}

pub async fn transcript() -> String {
    let script = Script::fine();
    let outcome = ask(&script).await;
    format!("{outcome:?} after {}", script.attempts())
}
