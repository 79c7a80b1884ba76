use resilient::{enforce, exempt, retry, timeout};

#[derive(resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

#[enforce(timeout, retry(max <= 2))]
mod api {
    use super::*;

    #[exempt]
    pub async fn no_reason() {}

    #[exempt(timeout)]
    #[retry(max = 1)]
    pub async fn no_reason_for_one() -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[exempt(reason = " ")]
    pub async fn empty() {}

    #[exempt(reason = 3)]
    pub async fn no_text() {}

    #[exempt(tmeout, everything, resaon = "typos", reason = "more")]
    pub async fn unknown() {}

    #[exempt(timeout, timeout, reason = "one", reason = "two")]
    #[retry(max = 1)]
    pub async fn twice() -> Result<(), Error> {
        Err(Error::Gone)
    }
}

#[enforce(timeout, retry(max <= 2))]
mod needless {
    use super::*;

    #[exempt(reason = "none needed")]
    #[timeout("1s")]
    #[retry(max = 2)]
    pub async fn keeps_all() -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[timeout("1s")]
    #[retry(max = 3)]
    #[exempt(timeout, retry, bulkhead, reason = "only one of them is needed")]
    pub async fn keeps_one() -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[exempt(retry, reason = "the time-out is still missing")]
    pub async fn breaks_another() {}

    #[exempt(reason = "plain functions carry nothing")]
    pub fn plain() {}
}

#[exempt(reason = "there are no rules")]
async fn without_rules() {}

#[exempt(reason = "stands on functions")]
struct Client;

fn main() {
    let _ = (api::no_reason(), api::no_reason_for_one(), api::empty(), api::no_text(), api::unknown(), api::twice());
    let _ = (needless::keeps_all(), needless::keeps_one(), needless::breaks_another(), needless::plain());
    let _ = (without_rules(), Client);
}
