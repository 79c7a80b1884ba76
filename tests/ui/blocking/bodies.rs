use resilient::{circuit_breaker, fallback, retry};

#[derive(Debug, resilient::Classify)]
enum Error {
    #[transient]
    Down,
    #[transparent(from)]
    Refused(resilient::Error),
}

#[retry]
fn moves(words: Vec<String>) -> Result<usize, Error> {
    drop(words);
    Err(Error::Down)
}

#[circuit_breaker]
fn wrong_type() -> Result<u32, Error> {
    Ok("words")
}

#[retry]
fn no_class() -> Result<(), std::num::ParseIntError> {
    let _: u32 = "words".parse()?;
    Ok(())
}

#[fallback(function = later)]
fn falls_back() -> Result<u32, Error> {
    Err(Error::Down)
}

async fn later(_: &Error) -> Result<u32, Error> {
    Ok(1)
}

fn main() {
    static LIMIT: resilient::Timeout = resilient::Timeout::named("limit", std::time::Duration::from_secs(1));
    resilient::blocking::run((&LIMIT,), || Ok::<(), Error>(()));
}
