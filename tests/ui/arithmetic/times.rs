use resilient::{resilient, retry, timeout};

struct Error;

#[timeout(total = "2s", attempt = "2s")]
#[retry]
async fn attempt_as_long_as_the_call() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s")]
#[retry]
#[timeout("3s")]
async fn attempt_longer_than_the_call() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = "2s", attempt = "1950ms")]
#[retry(base = "100ms")]
async fn no_room_for_a_retry() -> Result<(), Error> {
    Ok(())
}

#[timeout("50ms")]
#[retry]
async fn no_room_for_the_default_wait() -> Result<(), Error> {
    Ok(())
}

#[resilient(timeout("1s"), retry(backoff = "fixed", base = "1s"))]
async fn no_room_for_a_fixed_wait() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = "1s", attempt = "2s")]
async fn both_without_a_retry() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = attempt_as_long_as_the_call();
    let _ = attempt_longer_than_the_call();
    let _ = no_room_for_a_retry();
    let _ = no_room_for_the_default_wait();
    let _ = no_room_for_a_fixed_wait();
    let _ = both_without_a_retry();
}
