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
    let rate_limit_ = {
        static POLICY: ::resilient::RateLimit = ::resilient::RateLimit::named("search")
            .rate(100, ::core::time::Duration::from_secs(1));
        &POLICY
    };
    let settled_ = 'limited: {
        let permit_ = match rate_limit_.acquire().await {
            ::core::result::Result::Ok(permit_) => permit_,
            ::core::result::Result::Err(rejection_) => {
                let refused_ = ::resilient::Settled::Rejected(rejection_);
                break 'limited refused_;
            }
        };
        let attempt_ = async move {
            if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<
                Result<SearchResponse, Error>,
            > {
                return outcome_;
            }
            Ok(SearchResponse { remaining })
        };
        let outcome_ = attempt_.await;
        if let ::core::result::Result::Ok(response_) = &outcome_ {
            permit_.heed(::resilient::quota_of_value!(response_));
        }
        ::resilient::Settled::Outcome(
            permit_
                .settle_when(
                    outcome_,
                    ::resilient::values(|response_: &SearchResponse| {
                        ::resilient::class_of_value!(response_)
                    }),
                ),
        )
    };
    ::resilient::finish::<Result<SearchResponse, Error>>(settled_)
}
pub async fn transcript() -> String {
    let (first, last) = (search(5_000).await.is_ok(), search(0).await.is_ok());
    let Err(refused) = search(7).await else { panic!("paused") };
    format!(
        "{first} {last} {}", matches!(refused.reason(), resilient::Reason::Paused { .. })
    )
}
