// @generated from the case beside it
use resilient::bulkhead;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("search");
    ::resilient::listed!("search" : own BULKHEAD_);
    let attempt_ = async move {
        ::resilient::returns!(Result < & str, Error >);
        Ok(query)
    };
    ::resilient::finish::<
        Result<&str, Error>,
    >(::resilient::run((&BULKHEAD_,), attempt_).await)
}
pub async fn transcript() -> String {
    format!("{:?}", search("words"). await)
}
