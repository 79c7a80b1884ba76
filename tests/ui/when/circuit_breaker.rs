use resilient::{Class, circuit_breaker};

struct Error {
    status: u16,
}

impl From<resilient::Error> for Error {
    fn from(_: resilient::Error) -> Self {
        Self { status: 503 }
    }
}

#[circuit_breaker(when = |error| error.status)]
async fn returns_a_number() -> Result<u32, Error> {
    Ok(1)
}

#[circuit_breaker(when = |error| error.stauts >= 500)]
async fn misspelt_field() -> Result<u32, Error> {
    Ok(1)
}

#[circuit_breaker(when = Class::Transient)]
async fn no_function() -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
