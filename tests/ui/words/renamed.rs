use std::collections::HashMap;

use resilient::{Error, batch, bulkhead, fallback, fan_out, hedge, retry};

#[retry(attempt = n)]
async fn attempt_of_retry() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, budget = "10%")]
async fn budget_of_hedge() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = "vegas", min = 2, max = 50, initial = 10)]
async fn bounds_of_bulkhead() -> Result<(), Error> {
    Ok(())
}

#[fan_out(name = everywhere, on = "spawn", limit = "aimd", min = 2, max = 9, initial = 4)]
async fn words_of_fan_out(item: u32) -> Result<u32, Error> {
    Ok(item)
}

#[batch(name = one, key = tenant)]
async fn words_of_batch(keys: Vec<u32>, tenant: u32) -> Result<HashMap<u32, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key, tenant)).collect())
}

#[batch(name = 5)]
async fn number_for_a_label(keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

#[bulkhead(limit = "vegas", initial_limit = 0)]
async fn no_first_limit() -> Result<(), Error> {
    Ok(())
}

#[fallback(with = [first, second], value = 3)]
async fn with_of_fallback() -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
