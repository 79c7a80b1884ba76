// @generated from the case beside it
use resilient::{Backoff, Retry, retry};
use crate::support::{Error, Script};
pub struct Api {
    pub retry: Retry,
    pub script: Script,
}
impl Api {
    pub async fn ping(&self) -> Result<(), Error> {
        let mut retry = self.retry.begin();
        loop {
            let attempt = async {
                if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                    Result<(), Error>,
                > {
                    return outcome;
                }
                self.script.next()
            };
            let delay = match retry.settle::<Result<(), Error>>(attempt.await) {
                ::resilient::Verdict::Accept(outcome) => break outcome,
                ::resilient::Verdict::Retry(delay) => delay,
            };
            delay.await;
        }
    }
}
pub async fn transcript() -> String {
    let retry = Retry::named("api").max(1).backoff(Backoff::none());
    let api = Api {
        retry,
        script: Script::failing(1),
    };
    let outcome = api.ping().await;
    format!("{outcome:?} after {}", api.script.attempts())
}
