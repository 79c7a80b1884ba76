use resilient::{hedge, retry};

#[derive(Debug, resilient::Classify)]
enum Error {
    #[transient]
    Down,
}

#[hedge(idempotent, number = n)]
async fn used_up(words: Vec<String>) -> Result<u32, Error> {
    drop(words);
    if n == 0 { Err(Error::Down) } else { Ok(n) }
}

#[retry]
#[hedge(idempotent, number = n)]
async fn of_another_type() -> Result<String, Error> {
    Ok(n)
}

#[retry(number = n)]
#[hedge(idempotent, number = n)]
async fn of_one_name() -> Result<u32, Error> {
    Ok(n)
}

#[hedge(idempotent, number = id)]
async fn of_an_argument(id: String) -> Result<String, Error> {
    Ok(id)
}

fn main() {}
