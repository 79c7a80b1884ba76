// @generated from the case beside it
use resilient::circuit_breaker;
use crate::support::{Error, Script};
pub async fn read(script: &Script) -> Result<(), Error> {
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "expand: archive",
        )
        .consecutive(2);
    ::resilient::listed!("read" : shared CIRCUIT_BREAKER_);
    let circuit_breaker_ = CIRCUIT_BREAKER_.shared();
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((circuit_breaker_,), attempt_).await)
}
pub async fn read_part(id: u32, script: &Script) -> Result<(), Error> {
    static CIRCUIT_BREAKER_PER_KEY_: ::resilient::PerKey<::resilient::CircuitBreaker> = ::resilient::PerKey::new(
        ::resilient::CircuitBreaker::named("expand: parts"),
    );
    ::resilient::listed!("read_part" : shared CIRCUIT_BREAKER_PER_KEY_);
    let circuit_breaker_per_key_ = CIRCUIT_BREAKER_PER_KEY_.shared();
    let circuit_breaker_: &::resilient::CircuitBreaker = &circuit_breaker_per_key_
        .of(&id);
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((circuit_breaker_,), attempt_).await)
}
pub async fn transcript() -> String {
    format!(
        "{:?} {:?}", read(& Script::fine()). await, read_part(7, & Script::fine()). await
    )
}
