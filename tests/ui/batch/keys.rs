use std::collections::HashMap;
use std::fmt::Error;

use resilient::batch;

type Found<K> = Result<HashMap<K, u32>, Error>;

#[batch]
async fn one(key: u32) -> Found<u32> {
    Ok(HashMap::from([(key, key)]))
}

#[batch]
async fn none() -> Found<u32> {
    Ok(HashMap::new())
}

#[batch]
async fn a_slice(#[each] keys: &[u32]) -> Found<u32> {
    Ok(keys.iter().map(|key| (*key, *key)).collect())
}

#[batch]
async fn two(keys: Vec<u32>, weights: Vec<u32>) -> Found<u32> {
    Ok(keys.into_iter().zip(weights).collect())
}

#[batch]
async fn both_marked(#[each] keys: Vec<u32>, #[each] weights: Vec<u32>) -> Found<u32> {
    Ok(keys.into_iter().zip(weights).collect())
}

#[batch]
async fn borrowed(keys: Vec<&str>) -> Result<HashMap<String, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key.to_owned(), 1)).collect())
}

#[batch]
async fn borrowing<'a>(keys: Vec<std::borrow::Cow<'a, str>>) -> Result<HashMap<String, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key.into_owned(), 1)).collect())
}

#[batch]
async fn unnamed(keys: Vec<impl Into<u32>>) -> Found<u32> {
    Ok(keys.into_iter().map(|key| (key.into(), 1)).collect())
}

fn main() {
    let _ = (one(1), none(), a_slice(&[]), two(vec![], vec![]), both_marked(vec![], vec![]));
    let _ = (borrowed(vec![]), borrowing(vec![]), unnamed(vec![1_u32]));
}
