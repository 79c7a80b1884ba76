use std::time::Duration;

use resilient::{hedge, retry, timeout};

#[derive(resilient::Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

const TOTAL: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(3);
const BASE: Duration = Duration::from_millis(1_500);
const LONG: Duration = Duration::from_secs(20);
const CAP: Duration = Duration::from_millis(10);
const FUNCTION: resilient::Backoff = resilient::Backoff::custom(|_| LONG);
const NO_CAP: resilient::Backoff = resilient::Backoff::exp(LONG);

#[timeout(total = TOTAL, attempt = ATTEMPT)]
#[retry]
async fn attempt_longer_than_the_call() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = "2s", attempt = ATTEMPT)]
#[retry]
async fn attempt_longer_than_a_literal() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = TOTAL, attempt = "3s")]
#[retry]
async fn literal_longer_than_the_call() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = "2s", attempt = "1s")]
#[retry(base = BASE)]
async fn no_room_for_a_retry() -> Result<(), Error> {
    Ok(())
}

#[timeout(TOTAL)]
#[retry(backoff = "fixed", base = LONG)]
async fn no_room_for_a_fixed_wait() -> Result<(), Error> {
    Ok(())
}

#[timeout(TOTAL)]
#[retry(backoff = "equal_jitter", base = "5s")]
async fn no_room_for_half_the_base() -> Result<(), Error> {
    Ok(())
}

#[retry(base = LONG)]
async fn longer_than_the_default_cap() -> Result<(), Error> {
    Ok(())
}

#[retry(cap = CAP)]
async fn default_base_longer_than_the_cap() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = NO_CAP)]
async fn a_back_off_with_a_low_cap() -> Result<(), Error> {
    Ok(())
}

#[retry(backoff = FUNCTION, throttled_base = LONG)]
async fn a_back_off_without_a_base() -> Result<(), Error> {
    Ok(())
}

#[timeout(TOTAL)]
#[hedge(idempotent, after = LONG)]
async fn hedged_after_the_end() -> Result<(), Error> {
    Ok(())
}

// these fit
#[timeout(total = TOTAL, attempt = CAP)]
#[retry(base = CAP, cap = LONG)]
async fn fits() -> Result<(), Error> {
    Ok(())
}

// a wait that begins with nothing at all always has room
#[timeout(TOTAL)]
#[retry(backoff = "full_jitter", base = BASE)]
async fn may_not_wait_at_all() -> Result<(), Error> {
    Ok(())
}

fn main() {}
