use resilient::{Class, retry, timeout};

struct Error {
    temporary: bool,
}

impl From<resilient::Error> for Error {
    fn from(_: resilient::Error) -> Self {
        Self { temporary: true }
    }
}

fn by_value(error: Error) -> bool {
    error.temporary
}

fn of_another_type(number: &u32) -> bool {
    *number > 1
}

#[retry(when = |error| error.temporry)]
async fn misspelt_field() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = |error| Some(error.temporary))]
async fn returns_an_option() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = |error| { error.temporary; })]
async fn returns_nothing() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = || true)]
async fn no_argument() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = |error, attempt| attempt < 2)]
async fn two_arguments() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = |error: Error| error.temporary)]
async fn argument_by_value() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = |error: &u32| *error > 1)]
async fn argument_of_another_type() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = by_value)]
async fn function_by_value() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = of_another_type)]
async fn function_of_another_type() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = "5xx")]
async fn text() -> Result<u32, Error> {
    Ok(1)
}

#[timeout("1s")]
#[retry(when = |error| error.temporary == 1)]
#[timeout("100ms")]
async fn in_a_stack() -> Result<u32, Error> {
    Ok(1)
}

#[retry(when = |outcome: &u32| if *outcome == 0 { Class::Transient } else { false })]
async fn two_types() -> u32 {
    1
}

fn main() {}
