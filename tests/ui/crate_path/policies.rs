use resilient::{circuit_breaker, fan_out, resilient, retry, timeout};

struct Error;

#[retry(crate = resilient)]
async fn relative() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s", crate = self::resilient)]
async fn relative_to_self() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(crate = "::resilient")]
async fn quoted() -> Result<(), Error> {
    Ok(())
}

#[fan_out(crate)]
async fn flag(item: u32) -> u32 {
    item
}

#[resilient(crate = super::resilient, retry)]
async fn list() -> Result<(), Error> {
    Ok(())
}

#[retry(crate = ::resilient)]
#[timeout("1s", crate = resilient)]
async fn sibling() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = relative();
    let _ = relative_to_self();
    let _ = quoted();
    let _ = flag(1);
    let _ = list();
    let _ = sibling();
}
