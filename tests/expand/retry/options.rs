use resilient::retry;

use crate::support::{Error, Script};

#[retry(max = 2, backoff = "exp", base = "50ms", cap = "1s", number = number, clone(words), name = "join")]
pub async fn join(script: &Script, mut words: Vec<&str>) -> Result<String, Error> {
    words.push("more");
    script.next()?;
    let joined = words.join(" ");
    Ok(format!("{joined:?}) at {number}"))
}

pub async fn transcript() -> String {
    let script = Script::failing(2);
    let joined = join(&script, vec!["some"]).await;
    format!("Ok({}", joined.unwrap())
}
