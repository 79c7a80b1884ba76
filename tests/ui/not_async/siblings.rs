use resilient::{circuit_breaker, retry, timeout};

struct Error;

#[timeout("1s")]
#[retry(mx = 3)]
#[circuit_breaker]
fn blocking() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = blocking();
}
