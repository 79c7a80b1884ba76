use resilient::{retry, timeout};

struct Unclassified(resilient::Error);

impl From<resilient::Error> for Unclassified {
    fn from(rejection: resilient::Error) -> Self {
        Self(rejection)
    }
}

#[timeout(total = "2s", attempt = "400ms")]
#[retry]
async fn retried() -> Result<u32, Unclassified> {
    Ok(1)
}

// a time-out alone decides on nothing
#[timeout("1s")]
async fn limited() -> Result<u32, Unclassified> {
    Ok(1)
}

fn main() {
    let _ = retried();
    let _ = limited();
}
