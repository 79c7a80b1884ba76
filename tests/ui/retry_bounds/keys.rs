use resilient::{retry, timeout};
use resilient_tests::Error;

#[retry(max = unlimited)]
async fn unlimited() -> Result<(), Error> {
    Ok(())
}

#[timeout(attempt = "1s")]
async fn helper() -> Result<(), Error> {
    Ok(())
}

#[retry(max = unlimited)]
#[timeout(attempt = "1s")]
async fn unlimited_above_an_attempt() -> Result<(), Error> {
    helper().await
}

#[retry(max_elapsed = "0s")]
async fn no_time() -> Result<(), Error> {
    Ok(())
}

#[retry(budget = "payments")]
async fn budget_by_text() -> Result<(), Error> {
    Ok(())
}

#[retry(nested = "supress")]
async fn nested() -> Result<(), Error> {
    Ok(())
}

#[retry(nested = true)]
async fn nested_flag() -> Result<(), Error> {
    Ok(())
}

fn main() {
    drop((unlimited(), unlimited_above_an_attempt(), no_time(), budget_by_text(), nested(), nested_flag()));
}
