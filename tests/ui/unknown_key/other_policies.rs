use resilient::{circuit_breaker, fan_out, timeout};

struct Error;

#[timeout(totl = "2s", atempt = "1s")]
async fn limited() -> Result<(), Error> {
    Ok(())
}

#[timeout("2s", after = "2s")]
async fn limited_twice() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_ratio = 0.5, windw = "10s", threshold = 5)]
async fn guarded() -> Result<(), Error> {
    Ok(())
}

#[fan_out(limits = 3, concurrency = 3)]
async fn spread(item: u32) -> u32 {
    item
}

fn main() {
    let _ = limited();
    let _ = limited_twice();
    let _ = guarded();
    let _ = spread(1);
}
