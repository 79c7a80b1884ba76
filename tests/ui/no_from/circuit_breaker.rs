use resilient::{Classify, circuit_breaker, retry};

#[derive(Classify)]
enum Error {
    #[transient]
    Down,
}

#[circuit_breaker]
async fn guarded() -> Result<u32, Error> {
    Err(Error::Down)
}

#[retry]
#[circuit_breaker]
async fn retried() -> Result<u32, self::Error> {
    Ok(1)
}

fn main() {
    let _ = guarded();
    let _ = retried();
}
