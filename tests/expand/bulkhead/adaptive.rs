use resilient::{bulkhead, timeout};

use crate::support::{Error, Script};

#[bulkhead(limit = "gradient", min_limit = 2, max_limit = 50, initial_limit = 10, key = host)]
#[timeout("1s")]
pub async fn fetch(host: &str, script: &Script) -> Result<(), Error> {
    script.next()
}

#[bulkhead(limit = "aimd", when = |error: &Error| *error == Error::Down)]
pub async fn report(script: &Script) -> Result<(), Error> {
    script.next()
}

pub async fn transcript() -> String {
    format!("{:?} {:?}", fetch("a", &Script::fine()).await, report(&Script::failing(1)).await)
}
