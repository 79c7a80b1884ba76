use resilient::{profile, resilient, retry};

#[derive(resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

profile! { search = timeout(total = "2s"), retry(max = 3, base = "50ms"), circuit_breaker, timeout(attempt = "400ms") }

#[resilient(profile = search, retry, circuit_breaker(failure_rat = "10%"), without(bulkhead, tmeout, everything))]
async fn changes() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = search, timeout(name = "which"))]
async fn which() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = "search")]
async fn quoted() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile(search))]
async fn in_parentheses() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = )]
async fn nameless() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = search, profile = search)]
async fn two() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(retry, without(retry))]
async fn without_profile() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = search, without)]
async fn without_nothing() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = search, without(retry))]
#[retry(max = 0)]
async fn sibling() -> Result<(), Error> {
    Err(Error::Gone)
}

#[resilient(profile = search)]
fn plain() -> Result<(), Error> {
    Err(Error::Gone)
}

fn main() {
    let _ = (changes(), which(), quoted(), in_parentheses(), nameless(), two(), without_profile());
    let _ = (without_nothing(), sibling(), plain());
}
