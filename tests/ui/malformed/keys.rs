use resilient::{circuit_breaker, fan_out, retry};

struct Error;

#[retry(3)]
async fn bare_number() -> Result<(), Error> {
    Ok(())
}

#[retry("3s")]
async fn bare_text() -> Result<(), Error> {
    Ok(())
}

#[retry(max: 3)]
async fn colon() -> Result<(), Error> {
    Ok(())
}

#[retry(max(3))]
async fn parentheses() -> Result<(), Error> {
    Ok(())
}

#[retry("max" = 3)]
async fn quoted_key() -> Result<(), Error> {
    Ok(())
}

#[retry(max == 3)]
async fn comparison() -> Result<(), Error> {
    Ok(())
}

#[retry(max = 3 base = "1s")]
async fn no_comma() -> Result<(), Error> {
    Ok(())
}

#[retry(max = 3; base = "1s")]
async fn semicolon() -> Result<(), Error> {
    Ok(())
}

#[retry = 3]
async fn equals() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(0.5)]
async fn bare_rate() -> Result<(), Error> {
    Ok(())
}

#[fan_out(16)]
async fn bare_limit(item: u32) -> u32 {
    item
}

fn main() {
    let _ = bare_number();
    let _ = bare_text();
    let _ = colon();
    let _ = parentheses();
    let _ = quoted_key();
    let _ = comparison();
    let _ = no_comma();
    let _ = semicolon();
    let _ = equals();
    let _ = bare_rate();
    let _ = bare_limit(1);
}
