use resilient::{bulkhead, circuit_breaker, fallback, rate_limit, retry};

use crate::support::{Error, Script};

#[fallback(function = remembered)]
#[circuit_breaker(consecutive = 2)]
#[retry(max = 1, backoff = "none", nested = "suppress", clone(query))]
#[rate_limit("100/s")]
#[bulkhead(limit = 4)]
#[allow(clippy::needless_pass_by_value)]
pub fn search(script: &Script, query: String) -> Result<String, Error> {
    script.next()?;
    Ok(query)
}

fn remembered(_: &Script, query: &str, error: &Error) -> Result<String, Error> {
    if query.is_empty() { Err(Error::Gone) } else { Ok(format!("{query} after {error:?}")) }
}

pub async fn transcript() -> String {
    let found = search(&Script::failing(1), "words".to_owned());
    let remembered = search(&Script::failing(2), "words".to_owned());
    format!("{found:?} {remembered:?}")
}
