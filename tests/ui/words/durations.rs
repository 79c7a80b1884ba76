use resilient::{retry, timeout};

#[timeout("1y")]
async fn years() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("2S")]
async fn capital() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("1s2")]
async fn without_its_unit() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("1:30")]
async fn time_of_day() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("1,5s")]
async fn comma() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout(b"2s")]
async fn bytes() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout('2')]
async fn letter() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("1s2s")]
async fn twice() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout(total = "500ms1s")]
async fn smallest_first() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout("1s", name = "")]
async fn nameless() -> Result<(), resilient::Error> {
    Ok(())
}

#[retry(factor = 1e400)]
async fn beyond_numbers() -> Result<(), resilient::Error> {
    Ok(())
}

fn main() {}
