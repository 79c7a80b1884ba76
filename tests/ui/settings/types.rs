use resilient::{Bulkhead, RateLimit, bulkhead, rate_limit};
use resilient_tests::Error;

fn plan_of(_tenant: &str, shared: RateLimit) -> RateLimit {
    shared
}

#[bulkhead(key = tenant, settings = plan_of)]
async fn of_another_policy(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

#[rate_limit("10/s", key = tenant, settings = plan_of)]
async fn of_another_key(tenant: u32) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

#[bulkhead(key = tenant, settings = |_, _: Bulkhead| 20)]
async fn a_number(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

#[rate_limit("10/s", key = tenant, settings = unknown)]
async fn of_no_name(tenant: &str) -> Result<(), Error> {
    let _ = tenant;
    Ok(())
}

fn main() {}
