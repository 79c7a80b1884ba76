// @generated from the case beside it
use std::sync::Arc;
use resilient::{bulkhead, coalesce};
use crate::support::Error;
struct Hits(Vec<String>);
async fn search(
    query: &str,
) -> <Result<Hits, Error> as ::resilient::call::Share>::Shared {
    static COALESCE_: ::resilient::Coalesce = ::resilient::Coalesce::named("search");
    static BULKHEAD_: ::resilient::Bulkhead = ::resilient::Bulkhead::named("search")
        .limit(2);
    ::resilient::listed!("search" : own COALESCE_, own BULKHEAD_);
    let coalesce_ = COALESCE_.call(&query);
    let call_ = async move {
        let attempt_ = async move {
            ::resilient::returns!(Result < Hits, Error >);
            tokio::task::yield_now().await;
            Ok(Hits(vec![query.to_owned()]))
        };
        ::resilient::call::Share::share(::resilient::run((&BULKHEAD_,), attempt_).await)
    };
    ::resilient::call::finish_shared::<
        Result<Hits, Error>,
    >(coalesce_.run_settled(call_).await)
}
pub async fn transcript() -> String {
    let (Ok(one), Ok(two)) = tokio::join!(search("tide"), search("tide")) else {
        unreachable!()
    };
    format!("{:?} {}", one.0, Arc::ptr_eq(& one, & two))
}
