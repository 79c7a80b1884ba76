// @generated from the case beside it
use std::time::Duration;
use resilient::circuit_breaker;
use crate::support::Error;
pub async fn ask(seconds: u64) -> Result<(), Error> {
    let circuit_breaker_ = {
        static POLICY: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
                "ask",
            )
            .min_calls(5)
            .slow_call(::core::time::Duration::from_secs(1))
            .slow_rate(0.6)
            .recover(::core::time::Duration::from_secs(10))
            .throttled_fails()
            .mode(::resilient::Mode::Enforce);
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
                Result<(), Error>,
            > {
                return outcome_;
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(())
        };
        ::resilient::Settled::Outcome(permit_.settle(attempt_.await))
    };
    ::resilient::finish::<Result<(), Error>>(settled_)
}
pub async fn transcript() -> String {
    let mut calls = 0;
    while ask(calls % 3).await.is_ok() {
        calls += 1;
    }
    format!("open after {calls}")
}
