use resilient::circuit_breaker;
use resilient_tests::Error;

#[derive(Hash)]
struct Hidden;

#[circuit_breaker(key = tenant, log_key)]
async fn no_debug(tenant: &Hidden) -> Result<(), Error> {
    Ok(())
}

fn main() {}
