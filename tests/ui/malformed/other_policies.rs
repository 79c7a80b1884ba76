#![allow(unused_variables)]

use resilient::{bulkhead, cancel, circuit_breaker, fallback, rate_limit, retry, timeout};

struct Error;

#[retry(max_hint = 60, on_retry = "log")]
async fn hints() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(open_max = "soon")]
async fn open_max() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = "aimd", max_limit = 0)]
async fn nobody() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(queue = -1, mode = "watch", name = search, key = "host", crate = resilient)]
async fn all_at_once(host: &str) -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", name = search, crate = resilient)]
async fn limited() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s", name = search)]
async fn timed() -> Result<(), Error> {
    Ok(())
}

#[cancel(on = stop, name = search, crate = resilient)]
async fn stopped(stop: &Token) -> Result<(), Error> {
    Ok(())
}

#[fallback(value = (), name = search, crate = resilient)]
async fn answered() -> Result<(), Error> {
    Ok(())
}

struct Token;

fn main() {
    drop((hints(), open_max(), nobody(), all_at_once(""), limited(), timed(), stopped(&Token), answered()));
}
