use std::future::Future;
use std::pin::Pin;

use resilient::{retry, timeout};

#[tokio::main]
#[retry]
async fn main() -> Result<(), std::io::Error> {
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
#[timeout("1s")]
#[retry]
async fn test() -> Result<(), std::io::Error> {
    Ok(())
}

#[retry]
fn future(id: u64) -> impl Future<Output = Result<u64, std::io::Error>> {
    async move { Ok(id) }
}

#[retry]
fn boxed(id: u64) -> Pin<Box<dyn Future<Output = Result<u64, std::io::Error>> + Send>> {
    Box::pin(async move { Ok(id) })
}
