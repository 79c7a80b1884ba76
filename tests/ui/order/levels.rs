use resilient::{retry, timeout};

struct Error;

#[retry]
#[timeout(total = "2s")]
async fn total_below() -> Result<(), Error> {
    Ok(())
}

#[timeout(attempt = "2s")]
#[retry]
async fn attempt_above() -> Result<(), Error> {
    Ok(())
}

#[retry]
#[timeout(total = "2s", attempt = "400ms")]
async fn both_below() -> Result<(), Error> {
    Ok(())
}

#[timeout(total = "2s", attempt = "400ms")]
#[retry]
#[timeout(attempt = "1s")]
async fn attempt_twice() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = total_below();
    let _ = attempt_above();
    let _ = both_below();
    let _ = attempt_twice();
}
