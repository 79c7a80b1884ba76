use resilient::{Classify, RateLimit, throttle};

#[derive(Classify)]
#[transparent]
struct Error(resilient::Error);

impl From<resilient::Error> for Error {
    fn from(rejection: resilient::Error) -> Self {
        Self(rejection)
    }
}

const K: f64 = f64::NAN;

static LIMIT: RateLimit = RateLimit::named("limit");

#[throttle(k = K)]
async fn no_number() -> Result<(), Error> {
    Ok(())
}

#[throttle(with = LIMIT)]
async fn not_adaptive() -> Result<(), Error> {
    Ok(())
}

fn main() {}
