//! Clippy checks the body of an annotated function like that of a plain one, and nothing of the code around it.
//!
//! `cargo clippy` complains here if an expected lint does not fire. Two cannot be had: `needless_return`, since the body's last
//! expression is that of an `async` block, and `unused_async`, since a policy awaits.

#![deny(warnings, clippy::all, clippy::pedantic, clippy::used_underscore_binding)]
#![allow(dead_code, clippy::unused_async)]

use resilient_tests::Error;

#[resilient::retry]
#[expect(clippy::items_after_statements)]
async fn items_under_retry(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::circuit_breaker]
#[expect(clippy::items_after_statements)]
async fn items_under_circuit_breaker(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::timeout("1s")]
#[expect(clippy::items_after_statements)]
async fn items_under_timeout(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::bulkhead]
#[expect(clippy::items_after_statements)]
async fn items_under_bulkhead(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::rate_limit("1/s")]
#[expect(clippy::items_after_statements)]
async fn items_under_rate_limit(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::hedge(idempotent)]
#[expect(clippy::items_after_statements)]
async fn items_under_hedge(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::coalesce(key = first)]
#[expect(clippy::items_after_statements)]
async fn items_under_coalesce(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::fallback(value = 1)]
#[expect(clippy::items_after_statements)]
async fn items_under_fallback(first: u32) -> Result<u32, Error> {
    let sum = first + 1;
    const SECOND: u32 = 2;
    Ok(sum + SECOND)
}

#[resilient::retry]
#[expect(clippy::let_and_return)]
async fn outcome_under_retry(first: u32) -> Result<u32, Error> {
    let outcome = Ok(first);
    outcome
}

#[resilient::circuit_breaker]
#[expect(clippy::let_and_return)]
async fn outcome_under_circuit_breaker(first: u32) -> Result<u32, Error> {
    let outcome = Ok(first);
    outcome
}

#[resilient::timeout("1s")]
#[expect(clippy::let_and_return)]
async fn outcome_under_timeout(first: u32) -> Result<u32, Error> {
    let outcome = Ok(first);
    outcome
}

#[resilient::retry]
async fn expected_inside(first: u32) -> Result<u64, Error> {
    #[expect(clippy::cast_lossless)]
    let sum = first as u64 + 1;
    Ok(sum)
}

/// Has items at its beginning, which then stand after no statement.
#[resilient::circuit_breaker]
#[resilient::bulkhead]
async fn items_first(first: u32) -> Result<u32, Error> {
    use std::cmp::max;
    const SECOND: u32 = 2;

    Ok(max(first, SECOND))
}

/// Has unused arguments, which are still warned of although the block that owns the others mentions them.
#[resilient::circuit_breaker]
#[expect(unused_variables)]
async fn unused(first: String, second: String, third: String) -> Result<(), Error> {
    drop((first, third));
    Ok(())
}

#[resilient::circuit_breaker]
async fn underscored(_first: String, second: String, _third: String) -> Result<(), Error> {
    drop(second);
    Ok(())
}
