use resilient::timeout;

struct Error;

impl From<resilient::Error> for Error {
    fn from(_: resilient::Error) -> Self {
        Self
    }
}

#[timeout("1s", when = |error: &Error| true)]
async fn decides_on_nothing() -> Result<u32, Error> {
    Ok(1)
}

fn main() {
    let _ = decides_on_nothing();
}
