// @generated from the case beside it
use resilient::circuit_breaker;
use crate::support::{Error, Script};
pub async fn ask(script: &Script) -> Result<(), Error> {
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "ask",
        )
        .failure_rate(0.75)
        .count_window(8)
        .min_calls(4)
        .without_consecutive()
        .open_for(::core::time::Duration::from_secs(2))
        .probes(1);
    ::resilient::listed!("ask" : own CIRCUIT_BREAKER_);
    let attempt_ = async move {
        ::resilient::returns!(Result < (), Error >);
        script.next()
    };
    ::resilient::finish::<
        Result<(), Error>,
    >(::resilient::run((&CIRCUIT_BREAKER_,), attempt_).await)
}
pub async fn transcript() -> String {
    let script = Script::failing(8);
    for _ in 0..8 {
        let _ = ask(&script).await;
    }
    let attempts = script.attempts();
    format!("open after {attempts}")
}
