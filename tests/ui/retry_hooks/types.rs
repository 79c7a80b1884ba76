use resilient::{GivingUp, Retrying, retry};
use resilient_tests::Error;

#[retry(on_retry = of_the_error)]
async fn no_such_hook() -> Result<(), Error> {
    Ok(())
}

fn of_the_error(error: &Error) {
    eprintln!("{error:?}");
}

#[retry(on_give_up = of_a_retry)]
async fn the_other_hook() -> Result<(), Error> {
    Ok(())
}

fn of_a_retry(retrying: &Retrying, error: &Error) {
    eprintln!("{retrying:?} {error:?}");
}

#[retry(on_give_up = |given_up: &GivingUp, error: &String| drop((given_up.why, error.len())))]
async fn another_error() -> Result<(), Error> {
    Ok(())
}

#[retry(on_retry = |retrying, error| error.code)]
async fn no_such_field() -> Result<(), Error> {
    Ok(())
}

fn main() {}
