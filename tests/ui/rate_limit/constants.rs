use std::time::Duration;

use resilient::{Classify, Throttle, rate_limit};

#[derive(Classify)]
#[transparent]
struct Error(resilient::Error);

impl From<resilient::Error> for Error {
    fn from(rejection: resilient::Error) -> Self {
        Self(rejection)
    }
}

const CALLS: u32 = 0;
const PERIOD: Duration = Duration::ZERO;
const BURST: u32 = 0;

static THROTTLE: Throttle = Throttle::named("throttle");

#[rate_limit(CALLS, per = "1s")]
async fn no_calls() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(5, per = PERIOD)]
async fn no_time() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", burst = BURST)]
async fn no_burst() -> Result<(), Error> {
    Ok(())
}

const MANY: u32 = 400;

#[rate_limit("1/d", burst = MANY)]
async fn a_burst_of_years() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(with = THROTTLE)]
async fn not_a_rate() -> Result<(), Error> {
    Ok(())
}

fn main() {}
