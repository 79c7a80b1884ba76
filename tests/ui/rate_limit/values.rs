use resilient::{RateLimit, rate_limit};

struct Error;

#[rate_limit("100/s", burst = 0)]
async fn no_burst() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", burst = -1)]
async fn negative_burst() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", max_wait = 50)]
async fn no_unit() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", max_pause = "1 fortnight")]
async fn unknown_unit() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", mode = "observ")]
async fn unknown_mode() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", brust = 4, wait = "1s")]
async fn unknown_keys() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("adaptive")]
async fn a_policy_of_its_own() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", k = 2.0)]
async fn a_rate_with_k() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", max_drop = 0.9)]
async fn a_rate_with_a_share() -> Result<(), Error> {
    Ok(())
}

static LIMIT: RateLimit = RateLimit::named("limit");

#[rate_limit("100/s", with = LIMIT)]
async fn with_a_rate() -> Result<(), Error> {
    Ok(())
}

#[rate_limit(with = LIMIT, burst = 5)]
async fn with_a_burst() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s")]
#[rate_limit("5000/h")]
async fn two_limits() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", key = "tenant")]
async fn one_key_for_all(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

#[rate_limit("1/d", burst = 400)]
async fn a_burst_of_years() -> Result<(), Error> {
    Ok(())
}

fn main() {}
