use std::time::Duration;

use resilient::measure;
use resilient_tests::Error;

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(1);

#[measure(buckets = [LONG, SHORT])]
async fn falling() -> Result<(), Error> {
    Ok(())
}

#[measure(buckets = [1 + 1])]
async fn no_duration() -> Result<(), Error> {
    Ok(())
}

#[measure(when = |error| error.code == 7)]
async fn no_such_field() -> Result<(), Error> {
    Ok(())
}

fn main() {}
