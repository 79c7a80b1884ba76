use resilient::bulkhead;

use crate::support::Error;

#[bulkhead]
pub async fn search(query: &str) -> Result<&str, Error> {
    Ok(query)
}

pub async fn transcript() -> String {
    format!("{:?}", search("words").await)
}
