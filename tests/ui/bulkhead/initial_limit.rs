use resilient::bulkhead;
use resilient_tests::Error;

#[bulkhead(limit = "aimd", max_limit = 10, initial_limit = 11)]
async fn above_the_greatest() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = above_the_greatest();
}
