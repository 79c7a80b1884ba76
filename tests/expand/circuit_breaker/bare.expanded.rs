// @generated from the case beside it
use resilient::circuit_breaker;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    let circuit_breaker_ = {
        static POLICY: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "search",
        );
        &POLICY
    };
    let settled_ = 'call: {
        let permit_ = match circuit_breaker_.acquire() {
            ::core::result::Result::Ok(permit_) => permit_,
            ::core::result::Result::Err(rejection_) => {
                let refused_ = ::resilient::Settled::Rejected(rejection_);
                break 'call refused_;
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
