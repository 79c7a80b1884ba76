use resilient::{circuit_breaker, retry};

use crate::support::{Error, Script};

#[retry(max = 1, backoff = "none")]
#[circuit_breaker(key = (host, region), consecutive = 2)]
pub async fn ask(host: &str, region: String, script: &Script) -> Result<(), Error> {
    script.next()
}

pub async fn transcript() -> String {
    let (down, fine) = (Script::failing(9), Script::fine());
    let _ = ask("a", "north".into(), &down).await;
    let refused = ask("a", "north".into(), &fine).await.is_err();
    let other = ask("a", "south".into(), &fine).await;
    format!("{} {refused} {other:?}", down.attempts())
}
