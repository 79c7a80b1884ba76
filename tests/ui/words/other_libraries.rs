use resilient::{
    Classify, batch, bulkhead, cancel, circuit_breaker, coalesce, fallback, hedge, rate_limit, retry, throttle, timeout,
};

static RATE: resilient::Throttle = resilient::Throttle::named("rate");

#[retry(attempts = 3, delay = "1s", max_delay = "5s", multiplier = 2, retry_if = is_down)]
async fn retries() -> Result<(), resilient::Error> {
    Ok(())
}

#[retry(max_retries = 3, initial_delay = "1s", exponential = true)]
async fn more_retries() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(failure_threshold = 5, reset_timeout = "30s")]
async fn breaks() -> Result<(), resilient::Error> {
    Ok(())
}

#[bulkhead(max_concurrent = 5)]
async fn few() -> Result<(), resilient::Error> {
    Ok(())
}

#[timeout(duration = "2s")]
async fn timed() -> Result<(), resilient::Error> {
    Ok(())
}

#[retry(backoff = exp_jitter)]
async fn without_quotes() -> Result<(), resilient::Error> {
    Ok(())
}

#[retry(with = "payments")]
async fn with_a_name() -> Result<(), resilient::Error> {
    Ok(())
}

#[fallback(value = Ok(3))]
async fn ok_in_ok() -> Result<u32, resilient::Error> {
    Ok(3)
}

#[cancel(on = tokio::signal::ctrl_c())]
async fn until_interrupted() -> Result<u32, resilient::Error> {
    Ok(3)
}

#[rate_limit(with = RATE)]
async fn adaptive_by_value() -> Result<u32, resilient::Error> {
    Ok(3)
}

#[derive(Debug, Classify)]
enum Failure {
    #[transparent(from)]
    Io(#[from] std::io::Error),
}

#[fallback(fallback_method = "later")]
#[retry(max_retry_attempts = 3, wait_duration = "1s", backoff_type = "exponential", use_jitter = true, should_handle = is_down)]
#[circuit_breaker(failure_ratio = 0.1, slow_call_duration_threshold = "1s", permitted_number_of_calls_in_half_open_state = 10)]
#[rate_limit(limit_for_period = 50, limit_refresh_period = "1s", timeout_duration = "0s")]
#[bulkhead(permit_limit = 5, queue_limit = 5)]
#[timeout(timeout_duration = "1s")]
async fn as_elsewhere() -> Result<u32, resilient::Error> {
    Ok(3)
}

#[retry(exponential = true)]
async fn grows() -> Result<(), resilient::Error> {
    Ok(())
}

#[retry(backoff = "exponential")]
async fn grows_by_its_name() -> Result<(), resilient::Error> {
    Ok(())
}

#[retry(backoff = "constant")]
async fn stays() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(open_growth = 2.0, open_jitter = 0.1)]
async fn built() -> Result<(), resilient::Error> {
    Ok(())
}

#[circuit_breaker(failureRateThreshold = 50, MinimumThroughput = 10, consecutive_failures = 5, maxWaitDurationInHalfOpenState = "1s")]
async fn in_camel_case() -> Result<(), resilient::Error> {
    Ok(())
}

#[fallback(fallback_value = 3)]
#[coalesce(ttl = "1s")]
#[hedge(idempotent, delay = "2s", max_hedged_attempts = 1, max_delay = "1s", budget = "5%")]
#[throttle(multiplier = 2)]
#[rate_limit(permit_limit = 5, window = "1s", queue_limit = 2, token_limit = 5, permits = 2)]
#[bulkhead(timeout = "1s", max_queue = 5, permits = 3, vegas)]
#[timeout(timeout = "2s", per_try_timeout = "1s")]
async fn the_others() -> Result<u32, resilient::Error> {
    Ok(3)
}

#[retry(until = |job: &Job| job.is_done)]
async fn waits() -> Result<(), resilient::Error> {
    Ok(())
}

#[batch(batch_size = 50, linger = "2ms")]
async fn load(keys: Vec<u32>) -> Result<std::collections::HashMap<u32, u32>, resilient::Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

fn main() {}
