// @generated from the case beside it
use resilient::circuit_breaker;
use crate::support::{Error, Script};
pub async fn read(script: &Script) -> Result<(), Error> {
    let circuit_breaker = {
        static POLICY: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
                "expand: archive",
            )
            .consecutive(2);
        POLICY.shared()
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
pub async fn read_part(id: u32, script: &Script) -> Result<(), Error> {
    let circuit_breaker = &{
        static POLICY: ::resilient::PerKey<::resilient::CircuitBreaker> = ::resilient::PerKey::new(
            ::resilient::CircuitBreaker::named("expand: parts"),
        );
        POLICY.shared()
    }
        .of(&id);
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
    format!(
        "{:?} {:?}", read(& Script::fine()). await, read_part(7, & Script::fine()). await
    )
}
