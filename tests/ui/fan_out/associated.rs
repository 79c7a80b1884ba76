use std::collections::HashMap;
use std::convert::Infallible;

use resilient::{batch, fan_out};

async fn load(id: u64) -> u64 {
    id
}

async fn load_many(keys: Vec<u64>) -> Result<HashMap<u64, u64>, Infallible> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

struct Store;

impl Store {
    #[fan_out]
    async fn load(id: u64) -> u64 {
        id + 1
    }

    #[batch]
    async fn load_many(keys: Vec<u64>) -> Result<HashMap<u64, u64>, Infallible> {
        Ok(keys.into_iter().map(|key| (key, key + 1)).collect())
    }

    #[fan_out(associated)]
    async fn of_self(&self, id: u64) -> u64 {
        id + 1
    }

    #[batch(associated = true)]
    async fn with_a_value(keys: Vec<u64>) -> Result<HashMap<u64, u64>, Infallible> {
        Ok(keys.into_iter().map(|key| (key, key + 1)).collect())
    }
}

fn main() {
    let _ = Store::load_all([1]);
    let _ = Store::load_many_one(1);
}
