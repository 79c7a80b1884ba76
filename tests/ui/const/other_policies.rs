use resilient::{bulkhead, fallback, rate_limit, retry};
use resilient_tests::Error;

static BULKHEAD: u32 = 64;

#[bulkhead(with = BULKHEAD)]
async fn no_bulkhead() -> Result<(), Error> {
    Ok(())
}

#[retry(on_retry = log)]
async fn hook_of_the_error() -> Result<(), Error> {
    Ok(())
}

fn log(error: &Error) {
    eprintln!("{error:?}");
}

#[rate_limit("100/s", when = |error| error.code == 429)]
async fn no_such_field() -> Result<(), Error> {
    Ok(())
}

#[rate_limit("100/s", when = "429")]
async fn throttled_by_text() -> Result<(), Error> {
    Ok(())
}

#[fallback(value = (), when = Error::Down)]
async fn when_is_an_error() -> Result<(), Error> {
    Ok(())
}

fn main() {}
