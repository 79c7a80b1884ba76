use resilient::{circuit_breaker, timeout};

struct Unclassified(resilient::Error);

impl From<resilient::Error> for Unclassified {
    fn from(rejection: resilient::Error) -> Self {
        Self(rejection)
    }
}

#[circuit_breaker]
async fn guarded() -> Result<u32, Unclassified> {
    Ok(1)
}

#[circuit_breaker]
#[timeout("1s")]
async fn guarded_and_limited() -> Result<u32, Unclassified> {
    Ok(1)
}

mod inner {
    pub type Alias<T> = Result<T, super::Unclassified>;
}

#[circuit_breaker]
async fn alias() -> inner::Alias<u32> {
    Ok(1)
}

#[circuit_breaker]
async fn number() -> u32 {
    1
}

fn main() {
    let _ = guarded();
    let _ = guarded_and_limited();
    let _ = alias();
    let _ = number();
}
