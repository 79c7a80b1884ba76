use resilient::circuit_breaker;

use crate::support::Error;

#[circuit_breaker]
pub async fn search(query: &str) -> Result<&str, Error> {
    Ok(query)
}

pub async fn transcript() -> String {
    let outcome = search("words").await;
    format!("{outcome:?}")
}
