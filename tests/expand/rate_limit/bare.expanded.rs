// @generated from the case beside it
use resilient::rate_limit;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    let rate_limit = {
        static POLICY: ::resilient::RateLimit = ::resilient::RateLimit::named("search")
            .rate(100, ::core::time::Duration::from_secs(1));
        &POLICY
    };
    let settled = 'limited: {
        let permit = match rate_limit.acquire().await {
            ::core::result::Result::Ok(permit) => permit,
            ::core::result::Result::Err(rejection) => {
                break 'limited ::resilient::Settled::Rejected(rejection);
            }
        };
        let attempt = async move {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<&str, Error>,
            > {
                return outcome;
            }
            Ok(query)
        };
        ::resilient::Settled::Outcome(permit.settle(attempt.await))
    };
    ::resilient::finish::<Result<&str, Error>>(settled)
}
pub async fn transcript() -> String {
    let outcome = search("words").await;
    format!("{outcome:?}")
}
