use resilient::{Classify, timeout};

#[derive(Debug, Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

/// Another family, in which `retry` happens to be a test attribute.
mod other {
    pub use core::prelude::v1::test as retry;
}

#[timeout("1s")]
#[other::retry]
async fn one_of_another_family() -> Result<(), Error> {
    Ok(())
}

fn main() {}
