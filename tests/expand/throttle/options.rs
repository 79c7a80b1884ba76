use resilient::throttle;

use crate::support::{Error, Script};

#[throttle(k = 1.5, max_drop = 0.95, when = |error| matches!(error, Error::Down))]
pub async fn ask(script: &Script) -> Result<(), Error> {
    script.next()
}

pub async fn transcript() -> String {
    let script = Script::failing(1_000);
    for _ in 0..100 {
        let _ = ask(&script).await;
    }
    format!("{}", script.attempts() < 30)
}
