use resilient::{fallback, retry};
use resilient_tests::Error;

#[fallback]
async fn nothing() -> Result<u32, Error> {
    Ok(1)
}

#[fallback(0)]
async fn no_key() -> Result<u32, Error> {
    Ok(1)
}

#[fallback(valeu = 0)]
async fn misspelt() -> Result<u32, Error> {
    Ok(1)
}

#[fallback(value = 0, function = archived)]
async fn value_first() -> Result<u32, Error> {
    Ok(1)
}

#[fallback(value = 0, key = 1)]
async fn key_of_nothing() -> Result<u32, Error> {
    Ok(1)
}

#[fallback(stale = "0s")]
async fn no_age() -> Result<u32, Error> {
    Ok(1)
}

#[fallback(function = archived)]
async fn pattern((a, b): (u32, u32)) -> Result<u32, Error> {
    Ok(a + b)
}

#[retry]
#[fallback(value = 0)]
async fn below() -> Result<u32, Error> {
    Ok(1)
}

fn archived(_: &Error) -> Result<u32, Error> {
    Ok(1)
}

fn main() {
    let _ = archived;
    drop((nothing(), no_key(), misspelt(), value_first(), key_of_nothing(), no_age(), pattern((1, 2)), below()));
}
