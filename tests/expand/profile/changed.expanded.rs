// @generated from the case beside it
use resilient::{profile, resilient};
use crate::support::{Error, Script};
pub async fn find(script: &Script) -> Result<u32, Error> {
    static TOTAL_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "find",
        ::core::time::Duration::from_secs(2),
    );
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("find")
        .max(1)
        .backoff(::resilient::Backoff::none());
    ::resilient::listed!("find" : own TOTAL_TIMEOUT_, own RETRY_);
    let mut total_timeout_ = TOTAL_TIMEOUT_.begin();
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let attempt_ = async {
            ::resilient::returns!(Result < u32, Error >);
            script.next()?;
            Ok(script.attempts())
        };
        let settled_ = ::resilient::run((&mut total_timeout_, &mut retry_), attempt_)
            .await;
        let delay_ = match retry_.verdict(settled_) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        total_timeout_.wait(delay_).await;
    };
    ::resilient::finish::<Result<u32, Error>>(settled_)
}
pub async fn transcript() -> String {
    format!(
        "{:?} {:?}", find(& Script::failing(1)). await, find(& Script::failing(2)). await
    )
}
