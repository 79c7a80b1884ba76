// @generated from the case beside it
use std::time::Duration;
use resilient::circuit_breaker;
use crate::support::Error;
pub async fn ask(seconds: u64) -> Result<(), Error> {
    let circuit_breaker = {
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
    let settled = 'call: {
        let permit = match circuit_breaker.acquire() {
            ::core::result::Result::Ok(permit) => permit,
            ::core::result::Result::Err(rejection) => {
                break 'call ::resilient::Settled::Rejected(rejection);
            }
        };
        let attempt = async move {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<(), Error>,
            > {
                return outcome;
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(())
        };
        ::resilient::Settled::Outcome(permit.settle(attempt.await))
    };
    ::resilient::finish::<Result<(), Error>>(settled)
}
pub async fn transcript() -> String {
    let mut calls = 0;
    while ask(calls % 3).await.is_ok() {
        calls += 1;
    }
    format!("open after {calls}")
}
