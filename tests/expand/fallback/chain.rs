use resilient::{fallback, timeout};

use crate::support::{Error, Script};

#[fallback(stale = "5m", key = word, function = archived, value = String::new())]
#[timeout("1s")]
pub async fn search(script: &Script, word: &str) -> Result<String, Error> {
    script.next()?;
    Ok(word.to_uppercase())
}

async fn archived(_: &Script, word: &str, error: &Error) -> Result<String, Error> {
    if word.is_empty() { Err(Error::Gone) } else { Ok(format!("{word} after {error:?}")) }
}

pub async fn transcript() -> String {
    let archived = search(&Script::failing(1), "tide").await;
    let fresh = search(&Script::fine(), "tide").await;
    let stale = search(&Script::failing(1), "tide").await;
    let value = search(&Script::failing(1), "").await;
    format!("{archived:?} {fresh:?} {stale:?} {value:?}")
}
