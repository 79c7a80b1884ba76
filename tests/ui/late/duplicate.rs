use resilient::retry;
use resilient::retry as again;

#[derive(resilient::Classify)]
#[permanent]
struct Error;

#[retry]
#[again]
async fn renamed() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = renamed();
}
