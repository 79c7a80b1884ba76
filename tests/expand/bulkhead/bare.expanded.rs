// @generated from the case beside it
use resilient::bulkhead;
use crate::support::Error;
pub async fn search(query: &str) -> Result<&str, Error> {
    let bulkhead = {
        static POLICY: ::resilient::Bulkhead = ::resilient::Bulkhead::named("search");
        &POLICY
    };
    let attempt = async move {
        if let ::core::option::Option::Some(outcome) = ::core::option::Option::None::<
            Result<&str, Error>,
        > {
            return outcome;
        }
        Ok(query)
    };
    ::resilient::finish::<Result<&str, Error>>(bulkhead.run(attempt).await)
}
pub async fn transcript() -> String {
    format!("{:?}", search("words"). await)
}
