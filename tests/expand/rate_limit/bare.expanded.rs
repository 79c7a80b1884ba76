// @generated from the case beside it
use resilient::rate_limit;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    static RATE_LIMIT_: ::resilient::RateLimit = ::resilient::RateLimit::named("search")
        .rate(100, ::core::time::Duration::from_secs(1));
    ::resilient::listed!("search" : own RATE_LIMIT_);
    let attempt_ = async move {
        ::resilient::returns!(Result < & str, Error >);
        Ok(query)
    };
    ::resilient::finish::<
        Result<&str, Error>,
    >(::resilient::run((&RATE_LIMIT_,), attempt_).await)
}
pub async fn transcript() -> String {
    let outcome = search("words").await;
    format!("{outcome:?}")
}
