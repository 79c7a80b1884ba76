// @generated from the case beside it
use resilient::{circuit_breaker, retry, timeout};
use crate::support::{Error, Script};
pub async fn search(script: &Script, query: &str) -> Result<String, Error> {
    let total_timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "search",
            ::core::time::Duration::from_secs(2),
        );
        &POLICY
    };
    let circuit_breaker = {
        static POLICY: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
                "search",
            )
            .failure_rate(0.5)
            .window(::core::time::Duration::from_secs(10));
        &POLICY
    };
    let attempt_timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "search",
            ::core::time::Duration::from_millis(400),
        );
        &POLICY
    };
    let mut total_timeout = total_timeout.begin();
    let mut retry = {
        static POLICY: ::resilient::Retry = ::resilient::Retry::named("search")
            .max(3)
            .backoff(
                ::resilient::Backoff::full_jitter(
                    ::core::time::Duration::from_millis(10),
                ),
            );
        POLICY.begin()
    };
    let settled = loop {
        let number = retry.attempt();
        let attempt = async {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<String, Error>,
            > {
                return outcome;
            }
            script.next()?;
            Ok(format!("{query} at attempt {number}"))
        };
        if let ::core::option::Option::Some(outcome) = retry
            .run_within(
                &mut total_timeout,
                circuit_breaker.run_within(attempt_timeout, attempt),
            )
            .await
        {
            break outcome.flatten();
        }
    };
    ::resilient::finish::<Result<String, Error>>(settled)
}
pub async fn transcript() -> String {
    let script = Script::failing(2);
    let found = search(&script, "words").await;
    format!("{found:?}")
}
