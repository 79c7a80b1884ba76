use std::time::Duration;

use resilient::{Classify, retry, timeout};

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

const NONE: u32 = 0;
const SHRINK: f64 = 0.5;

#[retry(max = NONE)]
async fn zero_retries() -> Result<(), Error> {
    Err(Error::Down)
}

#[timeout(Duration::ZERO)]
async fn zero_time() -> Result<(), Error> {
    Ok(())
}

#[retry(factor = SHRINK)]
async fn shrinking() -> Result<(), Error> {
    Ok(())
}

fn main() {}
