use resilient::{circuit_breaker, enforce, fallback, resilient, retry};

#[derive(Debug, resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

mod policies {
    pub(crate) const MANY: u32 = 9;

    resilient::profile! {
        pub(crate) search = timeout(total = "2s"), retry(max = 3, base = "50ms"), circuit_breaker, timeout(attempt = "400ms")
    }

    resilient::profile! { pub(crate) patient = timeout(total = "1m"), retry(max = crate::policies::MANY, base = "1s") }

    resilient::profile! { pub(crate) text = retry(max = "3".len()) }
}

#[resilient(profile = policies::search, timeout(attempt = "3s"))]
async fn longer_attempts() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = policies::search, retry(base = "20s", cap = "1m"))]
async fn longer_waits() -> Result<(), Error> {
    Err(Error::Gone)
}

#[retry]
#[resilient(profile = policies::search)]
#[circuit_breaker]
#[fallback(value = ())]
async fn twice() -> Result<(), Error> {
    Err(Error::Gone)
}

struct Client(Vec<u32>);

impl Client {
    #[resilient(profile = policies::search)]
    async fn changed(&self, mut words: Vec<u32>) -> Result<u32, Error> {
        words.pop().ok_or(Error::Gone)
    }
}

#[resilient(profile = policies::search)]
async fn unclassified() -> Result<(), std::fmt::Error> {
    Err(std::fmt::Error)
}

#[resilient(profile = policies::search)]
async fn body() -> Result<u32, Error> {
    let x: u32 = "text";
    Ok(missing(x))
}

#[enforce(retry(max <= 2, base >= "100ms"), bulkhead, forbid(circuit_breaker))]
mod ruled {
    use super::*;

    #[resilient(profile = policies::search)]
    pub async fn all() -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[resilient(profile = policies::patient, bulkhead)]
    pub async fn constant() -> Result<(), Error> {
        Err(Error::Gone)
    }
}

#[resilient(profile = policies::text)]
async fn mistyped() -> Result<(), Error> {
    Err(Error::Gone)
}

fn main() {
    let _ = (unclassified(), body(), ruled::all(), ruled::constant(), mistyped());
}
