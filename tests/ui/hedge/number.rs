use resilient::{hedge, retry};

#[derive(Debug, resilient::Classify)]
enum Error {
    #[transient]
    Down,
}

#[hedge(idempotent, number = 3)]
async fn a_number() -> Result<(), Error> {
    Err(Error::Down)
}

#[hedge(idempotent, number = "n")]
async fn quoted() -> Result<(), Error> {
    Err(Error::Down)
}

#[hedge(idempotent, number = self)]
async fn no_variable() -> Result<(), Error> {
    Err(Error::Down)
}

#[hedge(idempotent, number = id)]
async fn an_argument(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[retry(number = id)]
async fn an_argument_of_a_retry((id, _): (u32, u32)) -> Result<u32, Error> {
    Ok(id)
}

#[retry(number = n)]
#[hedge(idempotent, number = n)]
async fn both() -> Result<u32, Error> {
    Ok(n)
}

fn main() {
    let _ = (a_number(), quoted(), no_variable());
    let _ = (an_argument(1), an_argument_of_a_retry((1, 2)), both());
}
