use resilient::retry;

use crate::support::{Error, Script, Stopwatch};

#[retry(backoff = "exp_jitter", base = "10ms", factor = 3, jitter = "0s", throttled_base = "1s", throttled_cap = "30s")]
pub async fn upload(script: &Script, watch: &Stopwatch) -> Result<(), Error> {
    watch.lap();
    script.next()
}

pub async fn transcript() -> String {
    let (script, watch) = (Script::failing(3), Stopwatch::start());
    let uploaded = upload(&script, &watch).await;
    format!("{uploaded:?} {:?}", watch.between_laps())
}
