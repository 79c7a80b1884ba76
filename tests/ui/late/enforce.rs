use resilient::enforce as rules;
use resilient::{retry, timeout as limit};

#[derive(resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

#[retry]
#[rules(retry)]
async fn below() -> Result<(), Error> {
    Err(Error::Gone)
}

#[rules(retry(max <= 2))]
#[retry]
async fn above() -> Result<(), Error> {
    Err(Error::Gone)
}

#[rules(timeout(total <= "2s"), forbid(retry))]
#[limit("3s")]
async fn with_a_renamed_policy() -> Result<(), Error> {
    Err(Error::Gone)
}

fn main() {
    let _ = (below(), above(), with_a_renamed_policy());
}
