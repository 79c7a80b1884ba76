use std::collections::HashMap;

use resilient::batch;

#[batch]
pub async fn double(keys: Vec<u32>) -> Result<HashMap<u32, u32>, std::fmt::Error> {
    Ok(keys.into_iter().map(|key| (key, key * 2)).collect())
}

pub async fn transcript() -> String {
    let doubled = tokio::join!(double_one(1), double_one(2), double_one(1));
    format!("{doubled:?}")
}
