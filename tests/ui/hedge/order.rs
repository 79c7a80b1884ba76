use resilient::{fallback, hedge, resilient, retry, timeout};

#[derive(Debug, resilient::Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

#[hedge(idempotent)]
#[retry]
async fn above_the_retry() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, max = 2)]
#[retry(max = unlimited, max_elapsed = "1s")]
async fn above_an_unlimited_retry() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent)]
#[fallback(value = ())]
async fn fallback_below() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent)]
#[timeout(total = "1s")]
async fn total_below() -> Result<(), Error> {
    Ok(())
}

#[timeout(attempt = "1s")]
#[hedge(idempotent)]
async fn attempt_above() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "100ms")]
#[timeout(attempt = "100ms")]
async fn after_the_attempt() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s")]
#[hedge(idempotent, after = "2s")]
async fn after_the_call() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = "1s", attempt = "2s")]
#[hedge(idempotent)]
async fn attempt_longer_than_the_call() -> Result<(), Error> {
    Ok(())
}

#[resilient(hedge(idempotent), hedge(idempotent))]
async fn twice() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = above_the_retry();
    let _ = above_an_unlimited_retry();
    let _ = fallback_below();
    let _ = total_below();
    let _ = attempt_above();
    let _ = after_the_attempt();
    let _ = after_the_call();
    let _ = attempt_longer_than_the_call();
    let _ = twice();
}
