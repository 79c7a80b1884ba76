// @generated from the case beside it
use resilient::retry;
use crate::support::{Error, Script};
pub struct Api {
    pub script: Script,
}
impl Api {
    pub async fn fetch(&mut self, id: u32) -> Result<u32, Error> {
        let mut retry = {
            static POLICY: ::resilient::Retry = ::resilient::Retry::named("fetch");
            POLICY.begin()
        };
        loop {
            let attempt = async {
                if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                    Result<u32, Error>,
                > {
                    return outcome;
                }
                self.script.next()?;
                Ok(id)
            };
            let delay = match retry.settle::<Result<u32, Error>>(attempt.await) {
                ::resilient::Verdict::Accept(outcome) => break outcome,
                ::resilient::Verdict::Retry(delay) => delay,
            };
            delay.await;
        }
    }
}
pub async fn transcript() -> String {
    let mut api = Api { script: Script::failing(2) };
    let outcome = api.fetch(7).await;
    format!("{outcome:?} after {}", api.script.attempts())
}
