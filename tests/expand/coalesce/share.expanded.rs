// @generated from the case beside it
use std::sync::Arc;
use resilient::{bulkhead, coalesce};
use crate::support::Error;
struct Hits(Vec<String>);
async fn search(query: &str) -> <Result<Hits, Error> as ::resilient::Share>::Shared {
    let coalesce = {
        static POLICY: ::resilient::Coalesce = ::resilient::Coalesce::named("search");
        &POLICY
    };
    let coalesce = coalesce.call(&query);
    let bulkhead = {
        static POLICY: ::resilient::Bulkhead = ::resilient::Bulkhead::named("search")
            .limit(2);
        &POLICY
    };
    let call = async move {
        let attempt = async move {
            if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
                Result<Hits, Error>,
            > {
                return outcome;
            }
            tokio::task::yield_now().await;
            Ok(Hits(vec![query.to_owned()]))
        };
        ::resilient::Share::share(bulkhead.run(attempt).await)
    };
    ::resilient::finish_shared::<Result<Hits, Error>>(coalesce.run_settled(call).await)
}
pub async fn transcript() -> String {
    let (Ok(one), Ok(two)) = tokio::join!(search("tide"), search("tide")) else {
        unreachable!()
    };
    format!("{:?} {}", one.0, Arc::ptr_eq(& one, & two))
}
