use std::time::Duration;

use resilient::{bulkhead, hedge};

use crate::support::Error;

#[hedge(idempotent, after = "20ms", ratio = "100%", number = number, clone(word))]
pub async fn ask(servers: &[&str], word: String) -> Result<String, Error> {
    if number == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(format!("{word} of {}", servers[number as usize]))
}

#[hedge(idempotent, after = "20ms", ratio = "100%", number = number)]
#[bulkhead(limit = 2)]
pub async fn limited(servers: &[&str]) -> Result<String, Error> {
    if number == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(servers[number as usize].to_owned())
}

pub async fn transcript() -> String {
    let asked = ask(&["a", "b"], "tide".to_owned()).await;
    let limited = limited(&["a", "b"]).await;
    format!("{asked:?} {limited:?}")
}
