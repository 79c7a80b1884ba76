use resilient::{bulkhead, circuit_breaker, hedge, rate_limit, throttle};
use resilient_tests::Error;

#[circuit_breaker(settings = rules_of)]
async fn without_a_key() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(key = _tenant, settings = 20)]
async fn a_number(_tenant: &str) -> Result<(), Error> {
    Ok(())
}

#[rate_limit("10/s", key = _tenant, settings = "gold")]
async fn a_text(_tenant: &str) -> Result<(), Error> {
    Ok(())
}

#[throttle(key = _tenant, settings)]
async fn no_value(_tenant: &str) -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, with = HEDGE, settings = rules_of)]
async fn beside_with() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("10/s", key = (_tenant, _region), settings = |tenant, shared| shared)]
async fn a_part_is_missing(_tenant: &str, _region: u8) -> Result<(), Error> {
    Ok(())
}

#[rate_limit("10/s", key = _tenant, settings = |shared| shared)]
async fn the_key_is_missing(_tenant: &str) -> Result<(), Error> {
    Ok(())
}

fn main() {}
