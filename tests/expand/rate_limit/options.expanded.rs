// @generated from the case beside it
use resilient::{rate_limit, retry};
use crate::support::{Error, Script, Stopwatch};
const CALLS: u32 = 10;
pub async fn ask(script: &Script) -> Result<(), Error> {
    let rate_limit = {
        static POLICY: ::resilient::RateLimit = ::resilient::RateLimit::named("ask")
            .rate(CALLS, ::core::time::Duration::from_secs(1))
            .burst(1)
            .max_wait(::core::time::Duration::from_millis(150))
            .max_pause(::core::time::Duration::from_secs(5))
            .mode(::resilient::Mode::Enforce);
        &POLICY
    };
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("ask")
            .max(2)
            .backoff(::resilient::Backoff::none());
        POLICY.begin()
    };
    let settled = loop {
        let settled = 'limited: {
            let permit = match rate_limit.acquire().await {
                ::core::result::Result::Ok(permit) => permit,
                ::core::result::Result::Err(rejection) => {
                    break 'limited ::resilient::Settled::Rejected(rejection);
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
    let clock = Stopwatch::start();
    let outcome = ask(&Script::failing(2)).await;
    format!("{outcome:?} in {} ms", clock.elapsed())
}
