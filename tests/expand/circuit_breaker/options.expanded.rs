// @generated from the case beside it
use resilient::circuit_breaker;
use crate::support::{Error, Script};
pub async fn ask(script: &Script) -> Result<(), Error> {
    let circuit_breaker = {
        static POLICY: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
                "ask",
            )
            .failure_rate(0.75)
            .min_calls(4)
            .count_window(8)
            .without_consecutive()
            .open_for(::core::time::Duration::from_secs(2))
            .probes(1);
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
            script.next()
        };
        ::resilient::Settled::Outcome(permit.settle(attempt.await))
    };
    ::resilient::finish::<Result<(), Error>>(settled)
}
pub async fn transcript() -> String {
    let script = Script::failing(8);
    for _ in 0..8 {
        let _ = ask(&script).await;
    }
    let attempts = script.attempts();
    format!("open after {attempts}")
}
