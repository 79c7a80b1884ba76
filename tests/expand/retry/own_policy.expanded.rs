// @generated from the case beside it
use resilient::{Backoff, Retry, retry};
use crate::support::{Error, Script};
static ONCE: Retry = Retry::named("once").max(1).backoff(Backoff::none());
pub async fn shared(script: &Script) -> Result<(), Error> {
    ::resilient::listed!("shared" : given RETRY_[& ONCE]);
    let retry_: &::resilient::Retry = &ONCE;
    let mut retry_ = retry_.begin();
    loop {
        let attempt_ = async {
            ::resilient::returns!(Result < (), Error >);
            script.next()
        };
        let delay_ = match retry_.settle::<Result<(), Error>>(attempt_.await) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        delay_.await;
    }
}
pub struct Api {
    pub retry: Retry,
    pub script: Script,
}
impl Api {
    pub async fn ping(&self) -> Result<(), Error> {
        ::resilient::listed!("ping" : given RETRY_);
        let retry_: &::resilient::Retry = &self.retry;
        let mut retry_ = retry_.begin();
        loop {
            let attempt_ = async {
                ::resilient::returns!(Result < (), Error >);
                self.script.next()
            };
            let delay_ = match retry_.settle::<Result<(), Error>>(attempt_.await) {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            delay_.await;
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
    let script = Script::failing(2);
    let shared = shared(&script).await;
    format!(
        "{outcome:?} after {}, {shared:?} after {}", api.script.attempts(), script
        .attempts()
    )
}
