// @generated from the case beside it
use resilient::{retry, timeout};
use crate::support::Error;
pub async fn slow_at_first() -> Result<u32, Error> {
    static TOTAL_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "slow_at_first",
        ::core::time::Duration::from_secs(1),
    );
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("slow_at_first");
    static ATTEMPT_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "slow_at_first",
        ::core::time::Duration::from_millis(100),
    );
    ::resilient::listed!(
        "slow_at_first" : own TOTAL_TIMEOUT_, own RETRY_, own ATTEMPT_TIMEOUT_
    );
    let mut total_timeout_ = TOTAL_TIMEOUT_.begin();
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let number = retry_.attempt();
        let attempt_ = async {
            ::resilient::returns!(Result < u32, Error >);
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(number)
        };
        let settled_ = ::resilient::run(
                (&mut total_timeout_, &mut retry_, &ATTEMPT_TIMEOUT_),
                attempt_,
            )
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
    let outcome = slow_at_first().await;
    format!("{outcome:?}")
}
