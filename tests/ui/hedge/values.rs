use resilient::hedge;

struct Error;

#[hedge]
async fn unsaid() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent = true)]
async fn with_a_value() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "p101")]
async fn percentile_too_high() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "p999")]
async fn percentile_without_point() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "p10")]
async fn percentile_too_low() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "pninety")]
async fn no_percentile() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = 95)]
async fn bare_number() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "50 parsecs")]
async fn no_unit() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, "p95")]
async fn without_key() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "50ms", min_after = "5ms", max_after = "1s")]
async fn bounds_of_nothing() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, min_after = "2s", max_after = "1s")]
async fn no_room() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, min_after = 5, max_after = "-1s")]
async fn bad_bounds() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, max = 0)]
async fn none() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, max = 11)]
async fn storm() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, ratio = "0%")]
async fn no_budget() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, ratio = 5)]
async fn budget_without_percent() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, ratio = "150%")]
async fn too_much_budget() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, ratio = -0.1)]
async fn negative_budget() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, ratio = 0.00001)]
async fn next_to_no_budget() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, mode = "on")]
async fn no_mode() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, afer = "p95")]
async fn misspelt() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, after = "p95", with = HEDGE)]
async fn settings_beside_with() -> Result<(), Error> {
    Ok(())
}

#[hedge(idempotent, key = "host", name = search, when, clone(nope), crate = resilient)]
async fn many(host: &str) -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = unsaid();
    let _ = with_a_value();
    let _ = percentile_too_high();
    let _ = many("");
}
