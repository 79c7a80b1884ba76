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

#[rate_limit("100/s")]
pub async fn search(remaining: u64) -> Result<SearchResponse, Error> {
    Ok(SearchResponse { remaining })
}

pub async fn transcript() -> String {
    let (first, last) = (search(5_000).await.is_ok(), search(0).await.is_ok());
    let Err(refused) = search(7).await else { panic!("paused") };
    format!("{first} {last} {}", matches!(refused.reason(), resilient::Reason::Paused { .. }))
}
