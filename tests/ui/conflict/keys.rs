use resilient::{circuit_breaker, retry, timeout};
use resilient::{CircuitBreaker, Retry, Timeout};

struct Error;

static RETRY: Retry = Retry::named("shared");
static BREAKER: CircuitBreaker = CircuitBreaker::named("shared");
static LIMIT: Timeout = Timeout::named("shared", std::time::Duration::from_secs(1));

#[retry(with = RETRY, max = 3, base = "1s")]
async fn retry_with() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(probes = 1, with = BREAKER)]
async fn breaker_with() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(with = BREAKER, key = host)]
async fn breaker_with_and_key(host: &str) -> Result<(), Error> {
    let _ = host;
    Ok(())
}

#[timeout("2s", with = LIMIT)]
async fn timeout_with() -> Result<(), Error> {
    Ok(())
}

#[timeout("2s", total = "3s")]
async fn bare_and_total() -> Result<(), Error> {
    Ok(())
}

#[timeout("2s", attempt = "1s", total = "3s")]
async fn bare_and_both() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = retry_with();
    let _ = breaker_with();
    let _ = breaker_with_and_key("a");
    let _ = timeout_with();
    let _ = bare_and_total();
    let _ = bare_and_both();
}
