// @generated from the case beside it
use std::time::Duration;
use resilient::{Class, Quota, When, rate_limit};
use crate::support::Error;
#[derive(Debug)]
pub struct TickerResponse {
    pub refused: bool,
    pub remaining: u64,
    pub reset: u32,
}
/// Says how its provider limits a caller, as the dialects of `resilient::http` do.
#[derive(Debug)]
pub struct Exchange {
    /// The unit of its resets.
    unit: Duration,
}
const IN_MILLIS: &Exchange = &Exchange {
    unit: Duration::from_millis(1),
};
static IN_SECONDS: Exchange = Exchange {
    unit: Duration::from_secs(1),
};
#[derive(Debug)]
pub struct ByExchange;
impl Exchange {
    pub fn quota_of(&self, response: &TickerResponse) -> Quota {
        Quota::of(response.remaining, self.unit * response.reset)
    }
}
impl When<Result<TickerResponse, Error>, ByExchange> for &Exchange {
    fn class_of(&self, outcome: &Result<TickerResponse, Error>) -> Class {
        match outcome {
            Ok(response) if response.refused => {
                Class::Throttled {
                    after: Some(self.unit * response.reset),
                }
            }
            Ok(_) => Class::Success,
            Err(_) => Class::Permanent,
        }
    }
}
pub async fn ticker(remaining: u64) -> Result<TickerResponse, Error> {
    static RATE_LIMIT_: ::resilient::RateLimit = ::resilient::RateLimit::named("ticker")
        .rate(100, ::core::time::Duration::from_secs(1));
    ::resilient::listed!("ticker" : own RATE_LIMIT_);
    let attempt_ = async move {
        ::resilient::returns!(Result < TickerResponse, Error >);
        Ok(TickerResponse {
            refused: false,
            remaining,
            reset: 9_000,
        })
    };
    ::resilient::finish::<
        Result<TickerResponse, Error>,
    >(
        ::resilient::run(
                (
                    RATE_LIMIT_
                        .when::<Result<TickerResponse, Error>, _, _>(IN_MILLIS)
                        .heeding(|response_: &TickerResponse| {
                            IN_MILLIS.quota_of(response_)
                        }),
                ),
                attempt_,
            )
            .await,
    )
}
pub async fn refused() -> Result<TickerResponse, Error> {
    static RATE_LIMIT_: ::resilient::RateLimit = ::resilient::RateLimit::named("refused")
        .rate(100, ::core::time::Duration::from_secs(1));
    ::resilient::listed!("refused" : own RATE_LIMIT_);
    let attempt_ = async move {
        ::resilient::returns!(Result < TickerResponse, Error >);
        Ok(TickerResponse {
            refused: true,
            remaining: 5,
            reset: 9,
        })
    };
    ::resilient::finish::<
        Result<TickerResponse, Error>,
    >(
        ::resilient::run(
                (
                    RATE_LIMIT_
                        .when::<Result<TickerResponse, Error>, _, _>(&IN_SECONDS)
                        .heeding(|response_: &TickerResponse| {
                            IN_SECONDS.quota_of(response_)
                        }),
                ),
                attempt_,
            )
            .await,
    )
}
pub async fn transcript() -> String {
    let paused = |error: Error| {
        matches!(error.reason(), resilient::Reason::Paused { .. })
    };
    let (first, last) = (ticker(5_000).await.is_ok(), ticker(0).await.is_ok());
    let by_quota = ticker(9).await.is_err_and(paused);
    let refusal = refused().await.is_ok();
    format!(
        "{first} {last} {by_quota} {refusal} {}", refused(). await .is_err_and(paused)
    )
}
