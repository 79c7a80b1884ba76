// @generated from the case beside it
use resilient::{circuit_breaker, retry, timeout};
use crate::support::{Error, Script};
pub async fn search(script: &Script, query: &str) -> Result<String, Error> {
    static TOTAL_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "search",
        ::core::time::Duration::from_secs(2),
    );
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("search")
        .max(3)
        .backoff(
            ::resilient::Backoff::full_jitter(::core::time::Duration::from_millis(10)),
        );
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "search",
        )
        .failure_rate(0.5)
        .window(::core::time::Duration::from_secs(10));
    static ATTEMPT_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "search",
        ::core::time::Duration::from_millis(400),
    );
    ::resilient::listed!(
        "search" : own TOTAL_TIMEOUT_, own RETRY_, own CIRCUIT_BREAKER_, own
        ATTEMPT_TIMEOUT_
    );
    let mut total_timeout_ = TOTAL_TIMEOUT_.begin();
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let number = retry_.attempt();
        let attempt_ = async {
            ::resilient::returns!(Result < String, Error >);
            script.next()?;
            Ok(format!("{query} at attempt {number}"))
        };
        let settled_ = ::resilient::run(
                (&mut total_timeout_, &mut retry_, &CIRCUIT_BREAKER_, &ATTEMPT_TIMEOUT_),
                attempt_,
            )
            .await;
        let delay_ = match retry_.verdict(settled_) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        total_timeout_.wait(delay_).await;
    };
    ::resilient::finish::<Result<String, Error>>(settled_)
}
pub async fn transcript() -> String {
    let script = Script::failing(2);
    let found = search(&script, "words").await;
    format!("{found:?}")
}
