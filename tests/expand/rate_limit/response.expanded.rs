// @generated from the case beside it
use std::time::Duration;
use resilient::{Class, ClassifyValue, Quota, rate_limit};
use crate::support::Error;
#[derive(Debug)]
pub struct SearchResponse {
    pub remaining: u64,
}
impl ClassifyValue for SearchResponse {
    fn class_of_value(&self) -> Class {
        Class::Success
    }
    fn quota_of_value(&self) -> Quota {
        Quota::of(self.remaining, Duration::from_secs(10))
    }
}
pub async fn search(remaining: u64) -> Result<SearchResponse, Error> {
    static RATE_LIMIT_: ::resilient::RateLimit = ::resilient::RateLimit::named("search")
        .rate(100, ::core::time::Duration::from_secs(1));
    ::resilient::listed!("search" : own RATE_LIMIT_);
    let attempt_ = async move {
        ::resilient::returns!(Result < SearchResponse, Error >);
        Ok(SearchResponse { remaining })
    };
    ::resilient::finish::<
        Result<SearchResponse, Error>,
    >(
        ::resilient::run(
                (
                    RATE_LIMIT_
                        .when::<
                            Result<SearchResponse, Error>,
                            _,
                            _,
                        >(
                            ::resilient::call::values(|response_: &SearchResponse| {
                                ::resilient::classify_value!(response_)
                            }),
                        )
                        .heeding(|response_: &SearchResponse| {
                            ::resilient::quota_of_value!(response_)
                        }),
                ),
                attempt_,
            )
            .await,
    )
}
pub async fn transcript() -> String {
    let (first, last) = (search(5_000).await.is_ok(), search(0).await.is_ok());
    let Err(refused) = search(7).await else { panic!("paused") };
    format!(
        "{first} {last} {}", matches!(refused.reason(), resilient::Reason::Paused { .. })
    )
}
