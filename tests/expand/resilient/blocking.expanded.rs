// @generated from the case beside it
use resilient::{bulkhead, circuit_breaker, fallback, rate_limit, retry};
use crate::support::{Error, Script};
#[allow(clippy::needless_pass_by_value)]
pub fn search(script: &Script, query: String) -> Result<String, Error> {
    static FALLBACK_: ::resilient::Fallback = ::resilient::Fallback::named("search");
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "search",
        )
        .consecutive(2);
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("search")
        .max(1)
        .backoff(::resilient::Backoff::none());
    static RATE_LIMIT_: ::resilient::RateLimit = ::resilient::RateLimit::named("search")
        .rate(100, ::core::time::Duration::from_secs(1));
    static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("search")
        .limit(4);
    ::resilient::listed!(
        "search" : open FALLBACK_, own CIRCUIT_BREAKER_, own RETRY_, own RATE_LIMIT_, own
        BULKHEAD_
    );
    'fallback: {
        let watch_ = FALLBACK_.begin();
        let failure_ = match watch_
            .settle(
                ::resilient::blocking::run(
                        (&CIRCUIT_BREAKER_,),
                        || {
                            let mut retry_ = RETRY_.begin_blocking();
                            loop {
                                let query = ::core::clone::Clone::clone(&query);
                                let settled_ = ::resilient::blocking::run(
                                    (&mut retry_, &RATE_LIMIT_, &BULKHEAD_),
                                    || ::resilient::blocking::without_retries(|| -> Result<
                                        String,
                                        Error,
                                    > {
                                        ::resilient::returns!(blocks : Result < String, Error >);
                                        let query = query;
                                        script.next()?;
                                        Ok(query)
                                    }),
                                );
                                let delay_ = match retry_.verdict(settled_) {
                                    ::resilient::Verdict::Accept(outcome_) => break outcome_,
                                    ::resilient::Verdict::Retry(delay_) => delay_,
                                };
                                delay_.wait();
                            }
                        },
                    )
                    .flatten(),
            )
        {
            ::resilient::call::Rescue::Accept(outcome_) => break 'fallback outcome_,
            ::resilient::call::Rescue::FallBack(failure_) => failure_,
        };
        if let ::core::result::Result::Ok(value_) = ::resilient::blocking::answered::<
            Result<String, Error>,
        >(remembered(script, &query, failure_.error())) {
            break 'fallback failure_.with(value_);
        }
        failure_.unanswered()
    }
}
fn remembered(_: &Script, query: &str, error: &Error) -> Result<String, Error> {
    if query.is_empty() {
        Err(Error::Gone)
    } else {
        Ok(format!("{query} after {error:?}"))
    }
}
pub async fn transcript() -> String {
    let found = search(&Script::failing(1), "words".to_owned());
    let remembered = search(&Script::failing(2), "words".to_owned());
    format!("{found:?} {remembered:?}")
}
