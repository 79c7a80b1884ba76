use resilient::rate_limit;
use resilient::shared::InMemory;

static FLEET: InMemory = InMemory::new();

#[rate_limit("100/s", shared = FLEET)]
async fn without_a_name() -> Result<(), resilient::Error> {
    Ok(())
}

#[rate_limit("100/s", shared = FLEET, name = "search", key = host)]
async fn for_each_key(host: &str) -> Result<(), resilient::Error> {
    let _ = host;
    Ok(())
}

#[rate_limit("100/s", when_down = "open")]
async fn not_shared() -> Result<(), resilient::Error> {
    Ok(())
}

#[rate_limit("100/s", shared = FLEET, name = "search", when_down = "fail")]
async fn by_no_rule() -> Result<(), resilient::Error> {
    Ok(())
}

#[rate_limit("100/s", shared = "redis://127.0.0.1", name = "search")]
async fn by_an_address() -> Result<(), resilient::Error> {
    Ok(())
}

#[rate_limit("100/s", burst = 2, shared = FLEET, name = "search")]
async fn without_room_for_a_lease() -> Result<(), resilient::Error> {
    Ok(())
}

fn main() {}
