use resilient::{circuit_breaker, fallback, fan_out, hedge, rate_limit, resilient, retry, timeout};

#[timeout(1m30s)]
async fn without_quotes() -> Result<(), resilient::Error> {
    Ok(())
}

#[hedge(idempotent, after = "95%")]
async fn a_share_for_a_percentile() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(consecutive = "off", throttled = true, failure_rate = 50%)]
async fn words_and_signs() -> Result<(), resilient::Error> {
    Ok(())
}

#[retry(max = "unlimited", nested = false)]
async fn quoted_word() -> Result<(), resilient::Error> {
    Ok(())
}

#[rate_limit(100/s)]
async fn division() -> Result<(), resilient::Error> {
    Ok(())
}

#[fan_out("16")]
async fn quoted_number(item: u32) -> Result<u32, resilient::Error> {
    Ok(item)
}

#[resilient(retry = 3)]
async fn value_for_a_policy() -> Result<(), resilient::Error> {
    Ok(())
}

#[resilient(profile("search"))]
async fn quoted_profile() -> Result<(), resilient::Error> {
    Ok(())
}

#[fallback(function = "cached")]
async fn text_for_a_function() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout(with = "search")]
async fn text_for_a_policy() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(with = 3)]
async fn number_for_a_policy() -> Result<(), resilient::Error> {
    Ok(())
}

fn main() {}
