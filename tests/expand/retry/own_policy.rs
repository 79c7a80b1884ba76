use resilient::{Backoff, Retry, retry};

use crate::support::{Error, Script};

static ONCE: Retry = Retry::named("once").max(1).backoff(Backoff::none());

#[retry(with = ONCE)]
pub async fn shared(script: &Script) -> Result<(), Error> {
    script.next()
}

pub struct Api {
    pub retry: Retry,
    pub script: Script,
}

impl Api {
    #[retry(with = self.retry)]
    pub async fn ping(&self) -> Result<(), Error> {
        self.script.next()
    }
}

pub async fn transcript() -> String {
    let retry = Retry::named("api").max(1).backoff(Backoff::none());
    let api = Api { retry, script: Script::failing(1) };
    let outcome = api.ping().await;
    let script = Script::failing(2);
    let shared = shared(&script).await;
    format!("{outcome:?} after {}, {shared:?} after {}", api.script.attempts(), script.attempts())
}
