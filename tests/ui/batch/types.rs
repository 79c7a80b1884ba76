use std::collections::HashMap;
use std::rc::Rc;

use resilient::batch;

#[derive(Debug)]
struct Unclonable;

#[derive(Clone, PartialEq)]
struct Unhashed(u32);

#[batch]
async fn error(keys: Vec<u32>) -> Result<HashMap<u32, u32>, Unclonable> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

#[batch]
async fn value(keys: Vec<u32>) -> Result<HashMap<u32, Unclonable>, std::fmt::Error> {
    Ok(keys.into_iter().map(|key| (key, Unclonable)).collect())
}

#[batch]
async fn key(keys: Vec<Unhashed>) -> Vec<Result<u32, resilient::Error>> {
    keys.into_iter().map(|key| Ok(key.0)).collect()
}

#[batch]
async fn no_from(keys: Vec<u32>) -> Vec<Result<u32, std::fmt::Error>> {
    keys.into_iter().map(Ok).collect()
}

#[batch]
async fn not_send(keys: Vec<u32>) -> Result<HashMap<u32, Rc<u32>>, std::fmt::Error> {
    Ok(keys.into_iter().map(|key| (key, Rc::new(key))).collect())
}

#[batch(group = limit)]
async fn unhashed_group(keys: Vec<u32>, limit: f64) -> Result<HashMap<u32, f64>, std::fmt::Error> {
    Ok(keys.into_iter().map(|key| (key, limit)).collect())
}

#[batch(with = 5)]
async fn no_policy(keys: Vec<u32>) -> Result<HashMap<u32, u32>, std::fmt::Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

fn main() {}
