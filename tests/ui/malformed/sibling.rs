use resilient::{resilient, retry, timeout};

struct Error;

#[retry]
#[timeout = "1s"]
async fn equals() -> Result<(), Error> {
    Ok(())
}

#[timeout("10s")]
#[retry = 3]
async fn retry_equals() -> Result<(), Error> {
    Ok(())
}

#[retry]
#[resilient = "timeout"]
async fn list_equals() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = equals();
    let _ = retry_equals();
    let _ = list_equals();
}
