use resilient::bulkhead;

#[derive(Debug, resilient::Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

#[bulkhead(limit = 0)]
async fn nobody() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(64)]
async fn bare_number() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = "gradiant")]
async fn misspelt() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = "64")]
async fn number_in_quotes() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = 10_000_000)]
async fn endless() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = 8, min_limit = 2, initial_limit = 4)]
async fn bounds_of_nothing() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = "aimd", min_limit = 20, max_limit = 10)]
async fn crossed() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = "vegas", min_limit = 20, max_limit = 50, initial_limit = 5)]
async fn outside() -> Result<(), Error> {
    Ok(())
}

#[bulkhead(limit = 8, when = |_: &Error| true)]
async fn nothing_to_decide() -> Result<(), Error> {
    Ok(())
}

const NONE: u32 = 0;

#[bulkhead(limit = NONE)]
async fn constant() -> Result<(), Error> {
    Ok(())
}

fn main() {}
