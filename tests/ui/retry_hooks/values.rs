use resilient::{Retrying, retry};
use resilient_tests::Error;

#[retry(on_give_up = "log")]
async fn text() -> Result<(), Error> {
    Ok(())
}

#[retry(on_retry = || ())]
async fn of_nothing() -> Result<(), Error> {
    Ok(())
}

#[retry(on_retry = |retrying, error, more| ())]
async fn of_three() -> Result<(), Error> {
    Ok(())
}

#[retry(on_give_up = async |given_up, error| ())]
async fn awaited() -> Result<(), Error> {
    Ok(())
}

#[retry(on_give_up)]
async fn no_value() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _: Option<Retrying> = None;
}
