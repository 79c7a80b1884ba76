// @generated from the case beside it
use resilient::circuit_breaker;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    let circuit_breaker = {
        static POLICY: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "search",
        );
        &POLICY
    };
    let settled = 'call: {
        let permit = match circuit_breaker.acquire() {
            ::core::result::Result::Ok(permit) => permit,
            ::core::result::Result::Err(rejection) => {
                break 'call ::resilient::Settled::Rejected(rejection);
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
