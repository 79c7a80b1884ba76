use std::time::Duration;

use resilient::{Classify, circuit_breaker};

#[derive(Classify)]
#[transparent]
struct Error(resilient::Error);

impl From<resilient::Error> for Error {
    fn from(rejection: resilient::Error) -> Self {
        Self(rejection)
    }
}

const RATE: f64 = 1.5;
const PROBES: u32 = 0;

#[circuit_breaker(failure_rate = RATE)]
async fn rate() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(window = 10, open_for = Duration::from_secs(1), probes = PROBES)]
async fn the_second_constant() -> Result<(), Error> {
    Ok(())
}

fn main() {}
