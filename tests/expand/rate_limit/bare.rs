use resilient::rate_limit;

use crate::support::Error;

#[rate_limit("100/s")]
pub async fn search(query: &str) -> Result<&str, Error> {
    Ok(query)
}

pub async fn transcript() -> String {
    let outcome = search("words").await;
    format!("{outcome:?}")
}
