use std::collections::HashMap;
use std::fmt::Error;

use resilient::batch;

type Found = Result<HashMap<u32, u32>, Error>;

#[batch]
async fn owned(keys: Vec<u32>, limit: u32, tenant: String) -> Found {
    let _ = tenant;
    Ok(keys.into_iter().map(|key| (key, limit)).collect())
}

#[batch(group = tenant)]
async fn left_out(keys: Vec<u32>, tenant: u32, token: &str) -> Found {
    let _ = token;
    Ok(keys.into_iter().map(|key| (key, tenant)).collect())
}

#[batch(group = keys.len())]
async fn the_keys(keys: Vec<u32>) -> Found {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

#[batch]
async fn exclusive(keys: Vec<u32>, seen: &mut Vec<u32>) -> Found {
    seen.extend(keys);
    Ok(HashMap::new())
}

#[batch]
async fn taken_apart(keys: Vec<u32>, (low, high): &(u32, u32)) -> Found {
    Ok(keys.into_iter().map(|key| (key, low + high)).collect())
}

struct Api;

impl Api {
    #[batch]
    async fn owned(&self, keys: Vec<u32>, limit: u32) -> Found {
        Ok(keys.into_iter().map(|key| (key, limit)).collect())
    }

    #[batch]
    async fn exclusive(&mut self, keys: Vec<u32>) -> Found {
        Ok(keys.into_iter().map(|key| (key, key)).collect())
    }

    #[batch]
    async fn consumed(self, keys: Vec<u32>) -> Found {
        Ok(keys.into_iter().map(|key| (key, key)).collect())
    }
}

fn main() {
    let mut api = Api;
    let _ = (owned(vec![], 1, String::new()), left_out(vec![], 1, ""), taken_apart(vec![], &(1, 2)));
    let _ = the_keys(vec![]);
    let _ = exclusive(vec![], &mut vec![]);
    let _ = api.owned(vec![], 1);
    let _ = api.exclusive(vec![]);
    let _ = api.consumed(vec![]);
}
