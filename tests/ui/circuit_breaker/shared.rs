use resilient::circuit_breaker;
use resilient::shared::InMemory;

static FLEET: InMemory = InMemory::new();

#[circuit_breaker(shared = FLEET)]
async fn without_a_name() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(shared = FLEET, name = "search", key = host)]
async fn for_each_key(host: &str) -> Result<(), resilient::Error> {
    let _ = host;
    Ok(())
}

#[circuit_breaker(shared = FLEET, name = "search", when_down = "open")]
async fn by_a_rule() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(shared = "redis://127.0.0.1", name = "search")]
async fn by_an_address() -> Result<(), resilient::Error> {
    Ok(())
}

fn main() {}
