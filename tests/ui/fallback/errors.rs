use resilient::fallback;
use resilient_tests::Error;

#[fallback(value = Err(Error::Gone))]
async fn another_error() -> Result<u32, Error> {
    Ok(1)
}

fn main() {
    let _ = another_error();
}
