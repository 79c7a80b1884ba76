// @generated from the case beside it
use resilient::rate_limit;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    let rate_limit_ = {
        static POLICY: ::resilient::RateLimit = ::resilient::RateLimit::named("search")
            .rate(100, ::core::time::Duration::from_secs(1));
        &POLICY
    };
    let settled_ = 'limited: {
        let permit_ = match rate_limit_.acquire().await {
            ::core::result::Result::Ok(permit_) => permit_,
            ::core::result::Result::Err(rejection_) => {
                let refused_ = ::resilient::Settled::Rejected(rejection_);
                break 'limited refused_;
            }
        };
        let attempt_ = async move {
            if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
                Result<&str, Error>,
            > {
                return outcome_;
            }
            Ok(query)
        };
        ::resilient::Settled::Outcome(permit_.settle(attempt_.await))
    };
    ::resilient::finish::<Result<&str, Error>>(settled_)
}
pub async fn transcript() -> String {
    let outcome = search("words").await;
    format!("{outcome:?}")
}
