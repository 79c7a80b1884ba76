use resilient::{enforce, rate_limit};
use resilient_tests::Error;

const RATE: u32 = 100;

#[enforce(rate_limit(rate <= "10/s"))]
mod api {
    use super::*;

    #[rate_limit(rate = RATE, per = "1s")]
    pub async fn rate() -> Result<(), Error> {
        Ok(())
    }
}

fn main() {
    let _ = api::rate();
}
