use resilient::{circuit_breaker, fan_out, resilient, retry, timeout};

struct Error;

#[retry]
#[retry(max = 2)]
async fn retried_twice() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s")]
#[timeout("2s")]
async fn limited_twice() -> Result<(), Error> {
    Ok(())
}

#[timeout("10s")]
#[retry]
#[timeout("1s")]
#[timeout("2s")]
async fn attempt_limited_twice() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker]
#[retry]
#[circuit_breaker]
async fn guarded_twice() -> Result<(), Error> {
    Ok(())
}

#[fan_out]
#[fan_out(companion = others)]
async fn spread_twice(item: u32) -> Result<(), Error> {
    let _ = item;
    Ok(())
}

#[retry]
#[resilient(timeout("1s"), retry)]
async fn also_in_the_list() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = retried_twice();
    let _ = limited_twice();
    let _ = attempt_limited_twice();
    let _ = guarded_twice();
    let _ = spread_twice(1);
    let _ = also_in_the_list();
}
