use resilient::{hedge, retry};

#[derive(resilient::Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

#[hedge(idempotent)]
async fn consumed(words: Vec<String>) -> Result<usize, Error> {
    let owned = words;
    Ok(owned.len())
}

#[retry]
#[hedge(idempotent)]
async fn consumed_below_a_retry(words: Vec<String>) -> Result<usize, Error> {
    let owned = words;
    Ok(owned.len())
}

fn main() {}
