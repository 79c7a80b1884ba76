use resilient::{measure, retry, timeout};

use crate::support::{Error, Script};

#[measure]
#[retry(max = 1, backoff = "none")]
#[measure(buckets = ["10ms", "1s"], span)]
#[timeout("1s")]
pub async fn ask(script: &Script) -> Result<u32, Error> {
    script.next()?;
    Ok(7)
}

#[measure(name = "words")]
pub async fn count(words: String) -> usize {
    words.split(' ').count()
}

pub async fn transcript() -> String {
    let asked = ask(&Script::failing(1)).await;
    format!("{asked:?} {}", count("one two".to_owned()).await)
}
