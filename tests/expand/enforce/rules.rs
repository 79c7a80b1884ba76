use resilient::{enforce, exempt, retry, timeout};

use crate::support::{Error, Script};

const RETRIES: u32 = 2;

pub struct Client;

#[enforce(timeout, retry(max <= 5))]
impl Client {
    #[timeout("1s")]
    #[retry(max = RETRIES, backoff = "none")]
    pub async fn search(&self, script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }

    #[exempt(reason = "reads what is there")]
    pub async fn cached(&self) -> u32 {
        7
    }
}

pub async fn transcript() -> String {
    let script = Script::failing(2);
    format!("{:?} {}", Client.search(&script).await, Client.cached().await)
}
