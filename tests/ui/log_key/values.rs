use resilient::{bulkhead, circuit_breaker, hedge, rate_limit, throttle};
use resilient_tests::Error;

#[derive(Hash)]
struct Hidden;

#[circuit_breaker(log_key)]
async fn without_a_key() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(key = tenant, log_key = true)]
async fn a_value(tenant: &str) -> Result<(), Error> {
    Ok(())
}

#[rate_limit("10/s", key = tenant, log_key = "tenant")]
async fn a_text(tenant: &str) -> Result<(), Error> {
    Ok(())
}

#[throttle(log_key)]
async fn no_key_either() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, with = HEDGE, log_key)]
async fn beside_with() -> Result<(), Error> {
    Ok(())
}

fn main() {}
