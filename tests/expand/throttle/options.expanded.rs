// @generated from the case beside it
use resilient::throttle;
use crate::support::{Error, Script};
pub async fn ask(script: &Script) -> Result<(), Error> {
    let throttle_ = {
        static POLICY: ::resilient::Throttle = ::resilient::Throttle::named("ask")
            .k(1.5)
            .max_drop(0.95);
        &POLICY
    };
    let settled_ = 'throttled: {
        let permit_ = match throttle_.acquire() {
            ::core::result::Result::Ok(permit_) => permit_,
            ::core::result::Result::Err(rejection_) => {
                let refused_ = ::resilient::Settled::Rejected(rejection_);
                break 'throttled refused_;
            }
        };
        let attempt_ = async move {
            if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
                Result<(), Error>,
            > {
                return outcome_;
            }
            script.next()
        };
        ::resilient::Settled::Outcome(
            permit_
                .settle_when(
                    attempt_.await,
                    |error: &Error| matches!(error, Error::Down),
                ),
        )
    };
    ::resilient::finish::<Result<(), Error>>(settled_)
}
pub async fn transcript() -> String {
    let script = Script::failing(1_000);
    for _ in 0..100 {
        let _ = ask(&script).await;
    }
    format!("{}", script.attempts() < 30)
}
