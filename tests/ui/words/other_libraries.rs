use resilient::{Classify, bulkhead, cancel, circuit_breaker, fallback, rate_limit, retry, timeout};

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

fn main() {}
