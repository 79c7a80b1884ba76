#![allow(unused_variables)]

use resilient::circuit_breaker;

struct Error;

#[circuit_breaker(key = "host")]
async fn in_quotes(host: &str) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = "all")]
async fn always_the_same(tenant: u32) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = 7)]
async fn without_arguments() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = ())]
async fn nothing(host: &str) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key = host, key = tenant)]
async fn two_keys(host: &str, tenant: u32) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(key(host, tenant))]
async fn as_a_list(host: &str, tenant: u32) -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = in_quotes("a");
    let _ = always_the_same(1);
    let _ = without_arguments();
    let _ = nothing("a");
    let _ = two_keys("a", 1);
    let _ = as_a_list("a", 1);
}
