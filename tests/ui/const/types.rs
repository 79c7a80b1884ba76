use std::time::Duration;

use resilient::{Classify, circuit_breaker, retry, timeout};

#[derive(Classify)]
enum Error {
    #[transient]
    Down,
    #[transparent]
    Refused(resilient::Error),
}

impl From<resilient::Error> for Error {
    fn from(rejection: resilient::Error) -> Self {
        Self::Refused(rejection)
    }
}

const SECONDS: u64 = 5;
const LIMIT: Duration = Duration::from_secs(5);

fn attempts() -> u32 {
    3
}

#[timeout(SECONDS)]
async fn seconds() -> Result<(), Error> {
    Err(Error::Down)
}

#[retry(max = SECONDS)]
async fn wide() -> Result<(), Error> {
    Ok(())
}

#[retry(max = attempts())]
async fn not_const() -> Result<(), Error> {
    Ok(())
}

#[retry(base = LIMIT, factor = 2, max = LIMIT)]
async fn misspelt() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = LIMIT)]
async fn no_backoff() -> Result<(), Error> {
    Ok(())
}

#[retry(with = LIMIT)]
async fn no_policy() -> Result<(), Error> {
    Ok(())
}

#[timeout(with = LIMIT)]
async fn no_timeout() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(with = LIMIT)]
async fn no_breaker() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = SECONDS, window = SECONDS)]
async fn whole_rate() -> Result<(), Error> {
    Ok(())
}

fn main() {}
