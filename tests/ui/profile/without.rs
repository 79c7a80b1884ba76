use resilient::{profile, resilient};
use resilient_tests::Error;

profile! { pub(crate) search = retry, timeout("1s") }

#[resilient(profile = search, without("retry"))]
async fn text() -> Result<(), Error> {
    Ok(())
}

#[resilient(profile = search, without())]
async fn nothing() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = (text(), nothing());
}
