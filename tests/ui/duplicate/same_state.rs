use resilient::{bulkhead, circuit_breaker, rate_limit, timeout};

#[rate_limit("100/s", name = "a")]
#[rate_limit("10/s", name = "a")]
async fn limits() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(key = host)]
#[circuit_breaker(key = host, consecutive = 2)]
async fn breakers(host: &str) -> Result<(), resilient::Error> {
    let _ = host;
    Ok(())
}

#[bulkhead(limit = 5)]
#[bulkhead(limit = 3, name = "few")]
async fn bulkheads() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("1s")]
#[bulkhead]
#[timeout("2s")]
async fn never() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("2s")]
#[circuit_breaker]
#[timeout("1s")]
async fn nothing_waits_between() -> Result<(), resilient::Error> {
    Ok(())
}

fn main() {}
