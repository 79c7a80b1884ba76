// @generated from the case beside it
use resilient::retry;
use crate::support::Script;
pub async fn ask(script: &Script) -> Result<(), u16> {
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("ask")
            .backoff(::resilient::Backoff::none());
        POLICY.begin()
    };
    loop {
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<(), u16>,
            > {
                return outcome;
            }
            let _ = script.next();
            Err(503)
        };
        let delay = match retry.settle_when(attempt.await, |status: &u16| *status == 503)
        {
            ::resilient::Verdict::Accept(outcome) => break outcome,
            ::resilient::Verdict::Retry(delay) => delay,
        };
        delay.await;
    }
}
pub async fn transcript() -> String {
    let script = Script::fine();
    let outcome = ask(&script).await;
    format!("{outcome:?} after {}", script.attempts())
}
