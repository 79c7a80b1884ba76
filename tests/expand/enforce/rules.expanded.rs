// @generated from the case beside it
use resilient::{enforce, exempt, retry, timeout};
use crate::support::{Error, Script};
const RETRIES: u32 = 2;
pub struct Client;
impl Client {
    pub async fn search(&self, script: &Script) -> Result<u32, Error> {
        const _: () = ::core::assert!(
            RETRIES <= 5,
            "`search` has `max = RETRIES`, and the rule `retry(max <= 5)` does not allow it: write at most 5, or make an exception with `#[exempt(retry, reason = \"…\")]`"
        );
        static TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
            "search",
            ::core::time::Duration::from_secs(1),
        );
        static RETRY_: ::resilient::Retry = ::resilient::Retry::named("search")
            .max(RETRIES)
            .backoff(::resilient::Backoff::none());
        ::resilient::listed!("search" : own TIMEOUT_, own RETRY_; "retry(max <= 5)");
        let mut timeout_ = TIMEOUT_.begin();
        let mut retry_ = RETRY_.begin();
        let settled_ = loop {
            let attempt_ = async {
                ::resilient::returns!(Result < u32, Error >);
                script.next()?;
                Ok(script.attempts())
            };
            let settled_ = ::resilient::run((&mut timeout_, &mut retry_), attempt_)
                .await;
            let delay_ = match retry_.verdict(settled_) {
                ::resilient::Verdict::Accept(outcome_) => break outcome_,
                ::resilient::Verdict::Retry(delay_) => delay_,
            };
            timeout_.wait(delay_).await;
        };
        ::resilient::finish::<Result<u32, Error>>(settled_)
    }
    pub async fn cached(&self) -> u32 {
        7
    }
}
pub async fn transcript() -> String {
    let script = Script::failing(2);
    format!("{:?} {}", Client.search(& script). await, Client.cached(). await)
}
