// @generated from the case beside it
use resilient::circuit_breaker;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
        "search",
    );
    ::resilient::listed!("search" : own CIRCUIT_BREAKER_);
    let attempt_ = async move {
        ::resilient::returns!(Result < & str, Error >);
        Ok(query)
    };
    ::resilient::finish::<
        Result<&str, Error>,
    >(::resilient::run((&CIRCUIT_BREAKER_,), attempt_).await)
}
pub async fn transcript() -> String {
    let outcome = search("words").await;
    format!("{outcome:?}")
}
