#![allow(unused_variables)]

use resilient::circuit_breaker;

struct Error;

#[circuit_breaker(throttled = "fails")]
async fn nearly_the_word() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(throttled = "success")]
async fn another_word() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(throttled = true)]
async fn no_word() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(mode = "observed")]
async fn nearly_a_mode() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(mode = "disabled")]
async fn no_mode() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(mode = observe)]
async fn mode_without_quotes() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_rate = "80%")]
async fn rate_of_nothing() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_cal = "1s", recovery = "10s", throtled = "fail", keys = host)]
async fn misspelt(host: &str) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = 1, recover = 10)]
async fn without_units() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(mode, throttled, key, recover)]
async fn without_values() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = limit)]
async fn limit_of_the_call(limit: std::time::Duration) -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = nearly_the_word();
    let _ = another_word();
    let _ = no_word();
    let _ = nearly_a_mode();
    let _ = no_mode();
    let _ = mode_without_quotes();
    let _ = rate_of_nothing();
    let _ = misspelt("a");
    let _ = without_units();
    let _ = without_values();
    let _ = limit_of_the_call(std::time::Duration::ZERO);
}
