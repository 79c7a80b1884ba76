use resilient::cancel;
use resilient_tests::Error;

#[cancel(on = stop)]
async fn no_token(stop: u32) -> Result<(), Error> {
    Ok(())
}

fn main() {}
