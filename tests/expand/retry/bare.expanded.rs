// @generated from the case beside it
use resilient::retry;
use crate::support::{Error, Script};
pub struct Api {
    pub script: Script,
}
impl Api {
    pub async fn fetch(&mut self, id: u32) -> Result<u32, Error> {
        static RETRY_: ::resilient::Retry = ::resilient::Retry::named("fetch");
        ::resilient::listed!("fetch" : own RETRY_);
        let mut retry_ = RETRY_.begin();
        loop {
            let attempt_ = async {
                ::resilient::returns!(Result < u32, Error >);
                self.script.next()?;
                Ok(id)
            };
            let delay_ = match retry_.settle::<Result<u32, Error>>(attempt_.await) {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            delay_.await;
        }
    }
}
pub async fn transcript() -> String {
    let mut api = Api { script: Script::failing(2) };
    let outcome = api.fetch(7).await;
    format!("{outcome:?} after {}", api.script.attempts())
}
