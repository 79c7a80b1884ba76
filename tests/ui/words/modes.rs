use std::collections::HashMap;

use resilient::{Error, batch, cancel, fallback, retry, timeout};

#[retry(mode = "shadow")]
async fn retried() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s", mode = "disabled")]
async fn timed() -> Result<(), Error> {
    Ok(())
}

#[fallback(value = 3, mode = "of")]
async fn answered() -> Result<u32, Error> {
    Ok(1)
}

#[cancel(token, mode = observe)]
async fn cancelled(token: tokio_util::sync::CancellationToken) -> Result<(), Error> {
    Ok(())
}

#[batch(mode = "dry_run")]
async fn batched(keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

fn main() {}
