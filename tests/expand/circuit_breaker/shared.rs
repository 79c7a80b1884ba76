use resilient::circuit_breaker;
use resilient::shared::InMemory;

use crate::support::Error;

static FLEET: InMemory = InMemory::new();

#[circuit_breaker(shared = FLEET, name = "search", recover = "10s")]
pub async fn search(word: &str) -> Result<usize, Error> {
    Ok(word.len())
}

pub async fn transcript() -> String {
    format!("{:?}", search("boots").await)
}
