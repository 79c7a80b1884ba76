use resilient::retry;

struct Error;

#[retry(max = 0)]
async fn never() -> Result<(), Error> {
    Ok(())
}

#[retry(max = -1)]
async fn negative() -> Result<(), Error> {
    Ok(())
}

#[retry(max = 5_000_000_000)]
async fn too_many() -> Result<(), Error> {
    Ok(())
}

#[retry(max = 3u64)]
async fn suffix() -> Result<(), Error> {
    Ok(())
}

#[retry(max = unlimited)]
async fn for_ever() -> Result<(), Error> {
    Ok(())
}

#[retry(factor = 0.5)]
async fn shrinking() -> Result<(), Error> {
    Ok(())
}

#[retry(factor = -2)]
async fn negative_factor() -> Result<(), Error> {
    Ok(())
}

#[retry(factor = 1e999)]
async fn infinite_factor() -> Result<(), Error> {
    Ok(())
}

#[retry(base = "10s", cap = "1s")]
async fn base_above_cap() -> Result<(), Error> {
    Ok(())
}

#[retry(base = "20s")]
async fn base_above_the_default_cap() -> Result<(), Error> {
    Ok(())
}

#[retry(cap = "10ms")]
async fn cap_below_the_default_base() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = never();
    let _ = negative();
    let _ = too_many();
    let _ = suffix();
    let _ = for_ever();
    let _ = shrinking();
    let _ = negative_factor();
    let _ = infinite_factor();
    let _ = base_above_cap();
    let _ = base_above_the_default_cap();
    let _ = cap_below_the_default_base();
}
