// @generated from the case beside it
use resilient::circuit_breaker;
use resilient::shared::InMemory;
use crate::support::Error;
static FLEET: InMemory = InMemory::new();
pub async fn search(word: &str) -> Result<usize, Error> {
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "search",
        )
        .recover(::core::time::Duration::from_secs(10))
        .shared_through(&FLEET);
    ::resilient::listed!("search" : shared CIRCUIT_BREAKER_);
    let circuit_breaker_ = CIRCUIT_BREAKER_.shared();
    let attempt_ = async move {
        ::resilient::returns!(Result < usize, Error >);
        Ok(word.len())
    };
    ::resilient::finish::<
        Result<usize, Error>,
    >(::resilient::run((circuit_breaker_,), attempt_).await)
}
pub async fn transcript() -> String {
    format!("{:?}", search("boots"). await)
}
