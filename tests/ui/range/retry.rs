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

#[retry(base = "2s", throttled_base = "1s", throttled_cap = "5s")]
async fn sooner_after_a_throttle() -> Result<(), Error> {
    Ok(())
}

#[retry(throttled_base = "20s")]
async fn throttled_base_above_the_cap() -> Result<(), Error> {
    Ok(())
}

#[retry(throttled_base = "40s", throttled_cap = "30s")]
async fn throttled_base_above_its_own_cap() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = sooner_after_a_throttle();
    let _ = throttled_base_above_the_cap();
    let _ = throttled_base_above_its_own_cap();
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
