use resilient::{Classify, retry, timeout};

#[derive(Classify)]
enum Error {
    #[transient]
    Down,
    #[transparent]
    Refused(resilient::Error),
}

impl From<resilient::Error> for Error {
    fn from(rejection: resilient::Error) -> Self {
        Self::Refused(rejection)
    }
}

#[retry]
async fn wrong_outcome() -> Result<u32, Error> {
    Ok("text")
}

#[retry]
async fn bare_value() -> Result<u32, Error> {
    1
}

#[timeout("1s")]
async fn missing_outcome() -> Result<u32, Error> {
    let _ = Error::Down;
}

#[retry]
async fn early_return(fast: bool) -> Result<u32, Error> {
    if fast {
        return Ok("text");
    }
    Ok(1)
}

#[timeout("1s")]
#[retry]
async fn question_mark(text: &str) -> Result<u32, Error> {
    let number: u32 = text.parse()?;
    Ok(number)
}

#[retry]
async fn unknown_name() -> Result<u32, Error> {
    Ok(answer)
}

fn main() {}
