use std::time::Duration;

use resilient::{Backoff, retry};

struct Error;

const GENTLE: Backoff = Backoff::exp(Duration::from_secs(1));

fn delay(_retry: u32) -> Duration {
    Duration::from_secs(1)
}

#[retry(backoff = "exp_jiter")]
async fn misspelt() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = "random")]
async fn unknown() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = 3)]
async fn number() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = "fixed", factor = 2, cap = "1s", jitter = "10ms")]
async fn without_effect() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = "none", base = "1s")]
async fn no_wait() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = GENTLE, base = "1s", factor = 2)]
async fn own() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = "none", throttled_base = "1s", throttled_cap = "30s")]
async fn no_wait_after_a_throttle() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = "fixed", throttled_base = "1s", throttled_cap = "30s")]
async fn no_cap_after_a_throttle() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = delay, throttled_base = "1s", throttled_cap = "30s")]
async fn a_function_after_a_throttle() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = delay, base = "1s")]
async fn own_function() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = misspelt();
    let _ = unknown();
    let _ = number();
    let _ = without_effect();
    let _ = no_wait();
    let _ = own();
    let _ = no_wait_after_a_throttle();
    let _ = no_cap_after_a_throttle();
    let _ = a_function_after_a_throttle();
    let _ = own_function();
}
