use std::sync::Arc;

use resilient::{bulkhead, coalesce};
use crate::support::Error;

struct Hits(Vec<String>);

#[coalesce(key = query, share)]
#[bulkhead(limit = 2)]
async fn search(query: &str) -> Result<Hits, Error> {
    tokio::task::yield_now().await;
    Ok(Hits(vec![query.to_owned()]))
}

pub async fn transcript() -> String {
    let (Ok(one), Ok(two)) = tokio::join!(search("tide"), search("tide")) else { unreachable!() };
    format!("{:?} {}", one.0, Arc::ptr_eq(&one, &two))
}
