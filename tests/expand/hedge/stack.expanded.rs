// @generated from the case beside it
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use resilient::{bulkhead, circuit_breaker, hedge, retry, timeout};
use crate::support::Error;
pub async fn search(replicas: &AtomicU64, word: String) -> Result<String, Error> {
    let total_timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "search",
            ::core::time::Duration::from_secs(2),
        );
        &POLICY
    };
    let hedge = {
        static POLICY: ::resilient::Hedge = ::resilient::Hedge::named("search")
            .after(::core::time::Duration::from_millis(20))
            .budget(1.0);
        &POLICY
    };
    let circuit_breaker = {
        static POLICY: ::resilient::CircuitBreaker = ::resilient::CircuitBreaker::named(
            "search",
        );
        &POLICY
    };
    let bulkhead = {
        static POLICY: ::resilient::Bulkhead = ::resilient::Bulkhead::named("search")
            .limit(8);
        &POLICY
    };
    let bulkhead = bulkhead.entry().weight(2);
    let attempt_timeout = {
        static POLICY: ::resilient::Timeout = ::resilient::Timeout::named(
            "search",
            ::core::time::Duration::from_millis(400),
        );
        &POLICY
    };
    let call = async move {
        let mut retry = {
            static POLICY: ::resilient::Retry = ::resilient::Retry::named("search")
                .max(3);
            POLICY.begin()
        };
        loop {
            let attempt = hedge
                .unless_busy(bulkhead.bulkhead())
                .run(|| async {
                    'call: {
                        let permit = match circuit_breaker.acquire() {
                            ::core::result::Result::Ok(permit) => permit,
                            ::core::result::Result::Err(rejection) => {
                                break 'call ::resilient::Settled::Rejected(rejection);
                            }
                        };
                        let number = retry.attempt();
                        let word = ::core::clone::Clone::clone(&word);
                        let attempt = async {
                            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                                Result<String, Error>,
                            > {
                                return outcome;
                            }
                            let word = word;
                            if replicas.fetch_add(1, Ordering::Relaxed) == 0 {
                                tokio::time::sleep(Duration::from_millis(300)).await;
                            }
                            Ok(word + &format!(" at attempt {number}"))
                        };
                        permit
                            .settle(
                                bulkhead.run(attempt_timeout.run(attempt)).await.flatten(),
                            )
                    }
                });
            let delay = match retry.settle(attempt.await) {
                ::resilient::Verdict::Accept(outcome) => break outcome,
                ::resilient::Verdict::Retry(delay) => delay,
            };
            delay.await;
        }
    };
    let settled = total_timeout.run(call).await.flatten();
    ::resilient::finish::<Result<String, Error>>(settled)
}
pub async fn transcript() -> String {
    let replicas = AtomicU64::new(0);
    let found = search(&replicas, "words".to_owned()).await;
    format!("{found:?} {replicas:?}")
}
