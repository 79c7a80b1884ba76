use resilient::{Classify, profile, resilient};

#[derive(Debug, Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

profile! { limits = rate_limit("10/s", burst = 10, name = "s"), rate_limit("20/min", burst = 5, name = "m") }

profile! { times = timeout("3s"), retry(backoff = "none"), timeout("1s") }

#[resilient(profile = limits, rate_limit("50/s", burst = 50))]
async fn either() -> Result<(), Error> {
    Ok(())
}

#[resilient(profile = limits, rate_limit(max_wait = "1s"))]
async fn neither() -> Result<(), Error> {
    Ok(())
}

#[resilient(profile = times, timeout("500ms"))]
async fn time() -> Result<(), Error> {
    Ok(())
}

fn main() {}
