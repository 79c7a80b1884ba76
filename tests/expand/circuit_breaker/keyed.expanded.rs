// @generated from the case beside it
use resilient::{circuit_breaker, retry};
use crate::support::{Error, Script};
pub async fn ask(host: &str, region: String, script: &Script) -> Result<(), Error> {
    let circuit_breaker = &{
        static POLICY: ::resilient::PerKey<::resilient::CircuitBreaker> = ::resilient::PerKey::new(
            ::resilient::CircuitBreaker::named("ask").consecutive(2),
        );
        &POLICY
    }
        .of(&(&host, &region));
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("ask")
            .max(1)
            .backoff(::resilient::Backoff::none());
        POLICY.begin()
    };
    let settled = loop {
        let settled = 'call: {
            let permit = match circuit_breaker.acquire() {
                ::core::result::Result::Ok(permit) => permit,
                ::core::result::Result::Err(rejection) => {
                    break 'call ::resilient::Settled::Rejected(rejection);
                }
            };
            let attempt = async {
                if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                    Result<(), Error>,
                > {
                    return outcome;
                }
                script.next()
            };
            ::resilient::Settled::Outcome(permit.settle(attempt.await))
        };
        let delay = match retry.settle(settled) {
            ::resilient::Verdict::Accept(outcome) => break outcome,
            ::resilient::Verdict::Retry(delay) => delay,
        };
        delay.await;
    };
    ::resilient::finish::<Result<(), Error>>(settled)
}
pub async fn transcript() -> String {
    let (down, fine) = (Script::failing(9), Script::fine());
    let _ = ask("a", "north".into(), &down).await;
    let refused = ask("a", "north".into(), &fine).await.is_err();
    let other = ask("a", "south".into(), &fine).await;
    format!("{} {refused} {other:?}", down.attempts())
}
