use std::collections::HashMap;

use async_trait::async_trait;
use resilient::batch;

#[async_trait]
trait Load {
    async fn load(&self, keys: Vec<u32>) -> Result<HashMap<u32, u32>, std::fmt::Error>;
}

struct Api;

#[async_trait]
impl Load for Api {
    #[batch]
    async fn load(&self, keys: Vec<u32>) -> Result<HashMap<u32, u32>, std::fmt::Error> {
        Ok(keys.into_iter().map(|key| (key, key)).collect())
    }
}

fn main() {}
