use resilient::{measure, retry, timeout};
use resilient_tests::Error;

#[measure(buckets = "10ms")]
async fn one_text() -> Result<(), Error> {
    Ok(())
}

#[measure(buckets = [])]
async fn none_at_all() -> Result<(), Error> {
    Ok(())
}

#[measure(buckets = ["10ms", "5ms", "5ms"])]
async fn falling() -> Result<(), Error> {
    Ok(())
}

#[measure(buckets = ["5ms", "5ms"])]
async fn twice() -> Result<(), Error> {
    Ok(())
}

#[measure(buckets = ["0s", "5ms"])]
async fn zero() -> Result<(), Error> {
    Ok(())
}

#[measure(buckets = [0.005, 0.01])]
async fn bare_numbers() -> Result<(), Error> {
    Ok(())
}

#[measure(buckets = [limit])]
async fn of_an_argument(limit: std::time::Duration) -> Result<(), Error> {
    Ok(())
}

#[measure(["5ms"])]
async fn without_the_key() -> Result<(), Error> {
    Ok(())
}

#[measure(span = true, when, mode = "quiet", name = "", with = "search", crate = 1)]
async fn others() -> Result<(), Error> {
    Ok(())
}

#[measure]
#[measure]
#[retry]
#[timeout("1s")]
async fn side_by_side() -> Result<(), Error> {
    Ok(())
}

fn main() {}
