use resilient::{retry, timeout};

struct Error;

#[timeout(5)]
async fn no_unit() -> Result<(), Error> {
    Ok(())
}

#[timeout("5")]
async fn quoted_without_a_unit() -> Result<(), Error> {
    Ok(())
}

#[timeout(1.5)]
async fn fraction_without_a_unit() -> Result<(), Error> {
    Ok(())
}

#[timeout(5s)]
async fn not_quoted() -> Result<(), Error> {
    Ok(())
}

#[timeout(5sec)]
async fn neither() -> Result<(), Error> {
    Ok(())
}

#[timeout("5 sconds")]
async fn misspelt() -> Result<(), Error> {
    Ok(())
}

#[timeout("5M")]
async fn minutes_or_months() -> Result<(), Error> {
    Ok(())
}

#[timeout("5 fortnights")]
async fn unknown() -> Result<(), Error> {
    Ok(())
}

#[timeout("0s")]
async fn zero() -> Result<(), Error> {
    Ok(())
}

#[timeout("-1s")]
async fn negative() -> Result<(), Error> {
    Ok(())
}

#[timeout(-1)]
async fn negative_number() -> Result<(), Error> {
    Ok(())
}

#[timeout("")]
async fn empty() -> Result<(), Error> {
    Ok(())
}

#[timeout("soon")]
async fn words() -> Result<(), Error> {
    Ok(())
}

#[timeout("1000000000000s")]
async fn ages() -> Result<(), Error> {
    Ok(())
}

#[timeout("1.2.3s")]
async fn version() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s 500")]
async fn last_part_without_a_unit() -> Result<(), Error> {
    Ok(())
}

#[retry(base = 100, cap = "10", jitter = "5 sec onds", throttled_base = 1, throttled_cap = "30")]
async fn all_at_once() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = no_unit();
    let _ = quoted_without_a_unit();
    let _ = fraction_without_a_unit();
    let _ = not_quoted();
    let _ = neither();
    let _ = misspelt();
    let _ = minutes_or_months();
    let _ = unknown();
    let _ = zero();
    let _ = negative();
    let _ = negative_number();
    let _ = empty();
    let _ = words();
    let _ = ages();
    let _ = version();
    let _ = last_part_without_a_unit();
    let _ = all_at_once();
}
