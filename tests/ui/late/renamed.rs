use resilient::timeout as limit;
use resilient::retry;

#[derive(resilient::Classify)]
#[permanent]
struct Error;

impl From<resilient::Error> for Error {
    fn from(_: resilient::Error) -> Self {
        Self
    }
}

#[retry]
#[limit("1s")]
async fn renamed() -> Result<(), Error> {
    Ok(())
}

#[retry]
#[cfg_attr(all(), limit("1s"))]
async fn renamed_and_conditional() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = renamed();
    let _ = renamed_and_conditional();
}
