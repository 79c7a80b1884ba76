use resilient::circuit_breaker;

struct Error;

#[circuit_breaker(failure_rate = 50)]
async fn percent_as_a_number() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = 1.5)]
async fn above_one() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = "150%")]
async fn above_all() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = 0)]
async fn zero() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = "0%")]
async fn zero_percent() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = -0.5)]
async fn negative() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = "50")]
async fn no_percent_sign() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = "NaN%")]
async fn not_a_number() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(min_calls = 100, window = 10)]
async fn window_too_small() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(window = 0)]
async fn window_of_nothing() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(window = 5000)]
async fn window_too_large() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(window = "0s")]
async fn window_of_no_time() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(min_calls = 0, consecutive = 0, probes = 0, open_for = "0s", probe_timeout = "0s")]
async fn all_at_once() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(open_for = "1m", open_max = "10s")]
async fn open_longer_than_the_longest() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = 150)]
async fn above_all_as_a_number() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(probes = 5000)]
async fn too_many_probes() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = "1s", slow_rate = 80)]
async fn slow_percent_as_a_number() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = "1s", slow_rate = 0)]
async fn slow_rate_of_zero() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = "1s", slow_rate = "120%")]
async fn slower_than_all() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = "1s", slow_rate = "-1%")]
async fn negative_slow_rate() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = "0s", recover = "0s")]
async fn no_time() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(slow_call = "100us")]
async fn below_a_millisecond() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = percent_as_a_number();
    let _ = above_one();
    let _ = above_all();
    let _ = zero();
    let _ = zero_percent();
    let _ = negative();
    let _ = no_percent_sign();
    let _ = not_a_number();
    let _ = window_too_small();
    let _ = window_of_nothing();
    let _ = window_too_large();
    let _ = window_of_no_time();
    let _ = all_at_once();
    let _ = open_longer_than_the_longest();
    let _ = above_all_as_a_number();
    let _ = too_many_probes();
    let _ = slow_percent_as_a_number();
    let _ = slow_rate_of_zero();
    let _ = slower_than_all();
    let _ = negative_slow_rate();
    let _ = no_time();
    let _ = below_a_millisecond();
}
