use resilient::fallback;
use resilient_tests::Error;

#[fallback(value = "none")]
async fn wrong_value() -> Result<u32, Error> {
    Ok(1)
}

#[fallback(function = returns_text)]
async fn wrong_function() -> Result<u32, Error> {
    Ok(1)
}

fn returns_text(_: &Error) -> String {
    String::new()
}

#[fallback(function = takes_two)]
async fn wrong_arguments() -> Result<u32, Error> {
    Ok(1)
}

fn takes_two(_: u32, _: &Error) -> Result<u32, Error> {
    Ok(1)
}

#[fallback(value = 1)]
async fn no_result() -> u32 {
    1
}

struct NotClone;

#[fallback(stale = "5m")]
async fn not_clone() -> Result<NotClone, Error> {
    Ok(NotClone)
}

fn main() {}
