use resilient::coalesce;
use crate::support::Error;

#[coalesce(key = (query, page), shared_across(token), name = "find", hold = "100ms")]
async fn search(query: String, page: u32, token: &str) -> Result<String, Error> {
    tokio::task::yield_now().await;
    Ok(format!("{query} {page} by {token}"))
}

pub async fn transcript() -> String {
    let search = |page, token| search("tide".to_owned(), page, token);
    format!("{:?}", tokio::join!(search(1, "a"), search(1, "b"), search(2, "c")))
}
