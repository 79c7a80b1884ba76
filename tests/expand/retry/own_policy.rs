use resilient::{Backoff, Retry, retry};

use crate::support::{Error, Script};

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
    format!("{outcome:?} after {}", api.script.attempts())
}
