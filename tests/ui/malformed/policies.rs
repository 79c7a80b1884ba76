use resilient::resilient;
use resilient_tests::Error;

#[resilient(timeout("1s"), retry = )]
async fn no_arguments() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = no_arguments();
}
