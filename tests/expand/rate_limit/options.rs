use resilient::{rate_limit, retry};

use crate::support::{Error, Script, Stopwatch};

const CALLS: u32 = 10;

#[retry(max = 2, backoff = "none")]
#[rate_limit(CALLS, per = "1s", burst = 1, max_wait = "150ms", max_pause = "5s", mode = "enforce")]
pub async fn ask(script: &Script) -> Result<(), Error> {
    script.next()
}

pub async fn transcript() -> String {
    let clock = Stopwatch::start();
    let outcome = ask(&Script::failing(2)).await;
    format!("{outcome:?} in {} ms", clock.elapsed())
}
