//! A flaky function that is tried again, for a second at most.

use resilient::{Classify, retry, timeout};

#[derive(Debug, Classify)]
enum FetchError {
    #[transient]
    Disconnected,
    #[transparent(from)]
    Refused(resilient::Error),
}

#[timeout(total = "1s")]
#[retry(max = 3, base = "50ms", number = number)]
async fn fetch(name: &str) -> Result<String, FetchError> {
    println!("attempt {number} for {name}");
    if number < 2 { Err(FetchError::Disconnected) } else { Ok(format!("hello, {name}")) }
}

#[tokio::main]
async fn main() {
    println!("{:?}", fetch("world").await);
}
