// @generated from the case beside it
use resilient::rate_limit;
use crate::support::{Error, Script};
pub async fn ask(script: &Script) -> Result<(), Error> {
    let rate_limit = {
        static POLICY: ::resilient::Throttle = ::resilient::Throttle::named("ask")
            .k(1.5)
            .max_drop(0.95);
        &POLICY
    };
    let settled = 'limited: {
        let permit = match rate_limit.acquire() {
            ::core::result::Result::Ok(permit) => permit,
            ::core::result::Result::Err(rejection) => {
                break 'limited ::resilient::Settled::Rejected(rejection);
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
        ::resilient::Settled::Outcome(
            permit
                .settle_when(attempt.await, |error: &Error| matches!(error, Error::Down)),
        )
    };
    ::resilient::finish::<Result<(), Error>>(settled)
}
pub async fn transcript() -> String {
    let script = Script::failing(1_000);
    for _ in 0..100 {
        let _ = ask(&script).await;
    }
    format!("{}", script.attempts() < 30)
}
