// @generated from the case beside it
use resilient::retry;
use crate::support::{Error, Script};
pub struct Api {
    pub script: Script,
}
impl Api {
    pub fn fetch(&mut self, id: u32) -> Result<u32, Error> {
        static RETRY_: ::resilient::Retry = ::resilient::Retry::named("fetch")
            .backoff(::resilient::Backoff::none());
        ::resilient::listed!("fetch" : own RETRY_);
        let mut retry_ = RETRY_.begin_blocking();
        loop {
            let number = retry_.attempt();
            let outcome_ = ::resilient::blocking::call(|| -> Result<u32, Error> {
                ::resilient::returns!(blocks : Result < u32, Error >);
                self.script.next()?;
                Ok(id + number)
            });
            let delay_ = match retry_.settle::<Result<u32, Error>>(outcome_) {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            delay_.wait();
        }
    }
}
pub async fn transcript() -> String {
    let mut api = Api { script: Script::failing(2) };
    let outcome = api.fetch(7);
    format!("{outcome:?} after {}", api.script.attempts())
}
