use resilient::cancel;
use resilient_tests::Error;

#[cancel]
async fn nothing() -> Result<(), Error> {
    Ok(())
}

#[cancel(on = "stop")]
async fn text() -> Result<(), Error> {
    Ok(())
}

#[cancel(at = stop)]
async fn wrong_key(stop: u32) -> Result<(), Error> {
    let _ = stop;
    Ok(())
}

fn main() {
    drop((nothing(), text(), wrong_key(1)));
}
