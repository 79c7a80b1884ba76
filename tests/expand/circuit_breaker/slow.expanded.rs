// @generated from the case beside it
use std::time::Duration;
use resilient::circuit_breaker;
use crate::support::Error;
pub async fn ask(seconds: u64) -> Result<(), Error> {
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "ask",
        )
        .min_calls(5)
        .slow_call(::core::time::Duration::from_secs(1))
        .slow_rate(0.6)
        .recover(::core::time::Duration::from_secs(10))
        .throttled_fails()
        .mode(::resilient::Mode::Enforce);
    ::resilient::listed!("ask" : own CIRCUIT_BREAKER_);
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(())
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((&CIRCUIT_BREAKER_,), attempt_).await)
}
pub async fn transcript() -> String {
    let mut calls = 0;
    while ask(calls % 3).await.is_ok() {
        calls += 1;
    }
    format!("open after {calls}")
}
