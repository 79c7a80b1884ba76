use resilient::{batch, cancel, coalesce, fan_out, hedge, profile, resilient, retry, timeout};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, resilient::Classify)]
enum Error {
    #[transient]
    Down,
    #[transparent(from)]
    Refused(resilient::Error),
}

#[timeout(total = "2s", attempt = "1s")]
#[retry]
fn timed() -> Result<(), Error> {
    Err(Error::Down)
}

#[hedge(idempotent)]
fn hedged() -> Result<(), Error> {
    Err(Error::Down)
}

#[cancel(token)]
fn cancelled(token: &CancellationToken) -> Result<(), Error> {
    if token.is_cancelled() { Ok(()) } else { Err(Error::Down) }
}

#[coalesce(key = id)]
fn coalesced(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[fan_out]
fn each(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[batch]
fn all(ids: Vec<u32>) -> Result<Vec<u32>, Error> {
    Ok(ids)
}

profile! {
    limited = timeout("1s"), retry(max = 2)
}

#[resilient(profile = limited)]
fn by_profile() -> Result<(), Error> {
    Err(Error::Down)
}

#[retry(max = unlimited)]
fn for_ever() -> Result<(), Error> {
    Err(Error::Down)
}

fn main() {}
