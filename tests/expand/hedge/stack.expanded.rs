// @generated from the case beside it
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use resilient::{bulkhead, circuit_breaker, hedge, retry, timeout};
use crate::support::Error;
pub async fn search(replicas: &AtomicU64, word: String) -> Result<String, Error> {
    static TOTAL_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "search",
        ::core::time::Duration::from_secs(2),
    );
    static RETRY_: ::resilient::Retry = ::resilient::Retry::named("search").max(3);
    static HEDGE_: ::resilient::Hedge = ::resilient::Hedge::named("search")
        .after(::core::time::Duration::from_millis(20))
        .ratio(1.0);
    static CIRCUIT_BREAKER_: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
        "search",
    );
    static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("search")
        .limit(8);
    static ATTEMPT_TIMEOUT_: ::resilient::Timeout = ::resilient::Timeout::named(
        "search",
        ::core::time::Duration::from_millis(400),
    );
    ::resilient::listed!(
        "search" : own TOTAL_TIMEOUT_, own RETRY_, own HEDGE_, own CIRCUIT_BREAKER_, own
        BULKHEAD_, own ATTEMPT_TIMEOUT_
    );
    let bulkhead_ = BULKHEAD_.entry().weight(2);
    let mut total_timeout_ = TOTAL_TIMEOUT_.begin();
    let mut retry_ = RETRY_.begin();
    let settled_ = loop {
        let number = retry_.attempt();
        let attempt_ = HEDGE_
            .unless_busy(bulkhead_.bulkhead())
            .run(|| async {
                let word = ::core::clone::Clone::clone(&word);
                let attempt_ = async {
                    ::resilient::returns!(Result < String, Error >);
                    let word = word;
                    if replicas.fetch_add(1, Ordering::Relaxed) == 0 {
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                    Ok(word + &format!(" at attempt {number}"))
                };
                ::resilient::run(
                        (&CIRCUIT_BREAKER_, bulkhead_, &ATTEMPT_TIMEOUT_),
                        attempt_,
                    )
                    .await
            });
        let settled_ = ::resilient::run((&mut total_timeout_, &mut retry_), attempt_)
            .await
            .flatten();
        let delay_ = match retry_.verdict(settled_) {
            ::resilient::Verdict::Accept(outcome_) => break outcome_,
            ::resilient::Verdict::Retry(delay_) => delay_,
        };
        total_timeout_.wait(delay_).await;
    };
    ::resilient::finish::<Result<String, Error>>(settled_)
}
pub async fn transcript() -> String {
    let replicas = AtomicU64::new(0);
    let found = search(&replicas, "words".to_owned()).await;
    format!("{found:?} {replicas:?}")
}
