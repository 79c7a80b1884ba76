use resilient::{fan_out, retry};

#[derive(resilient::Classify)]
#[transient]
struct Down;

const LIMIT: u32 = 3;

#[retry(max = LIMTI)]
async fn misspelt() -> Result<(), Down> {
    let _ = LIMIT;
    Err(Down)
}

#[retry(backoff = exp)]
async fn not_quoted() -> Result<(), Down> {
    Ok(())
}

#[retry(when = no_such_function)]
async fn unknown_function() -> Result<(), Down> {
    Ok(())
}

#[retry(with = LOOKUP)]
async fn unknown_policy() -> Result<(), Down> {
    Ok(())
}

#[fan_out(limit = item)]
async fn limit_of_the_item(item: u32) -> u32 {
    item
}

fn main() {}
