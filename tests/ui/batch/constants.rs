use std::collections::HashMap;
use std::fmt::Error;

use resilient::batch;

const ONE: u32 = 1;
const LONG: &str = "1s";

#[batch(max_size = ONE)]
async fn too_small(keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

#[batch(max_wait = LONG)]
async fn text(keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

fn main() {
    let _ = (too_small_one(1), text_one(1));
}
