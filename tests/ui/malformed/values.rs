use resilient::{circuit_breaker, fan_out, retry, timeout};

struct Error;

#[retry(max = "3")]
async fn quoted() -> Result<(), Error> {
    Ok(())
}

#[retry(max = "three")]
async fn words() -> Result<(), Error> {
    Ok(())
}

#[retry(max = 3.5)]
async fn fraction() -> Result<(), Error> {
    Ok(())
}

#[retry(max = true, base = 5, factor = "2", cap = 1.5, jitter = false, name = search, number = 3)]
async fn all_at_once() -> Result<(), Error> {
    Ok(())
}

#[retry(clone())]
async fn clone_of_nothing_in_parentheses() -> Result<(), Error> {
    Ok(())
}

#[retry(clone = words)]
async fn clone_equals(words: String) -> Result<(), Error> {
    let _ = words;
    Ok(())
}

#[retry(clone(&words))]
async fn clone_of_a_reference(words: String) -> Result<(), Error> {
    let _ = words;
    Ok(())
}

#[timeout(total, attempt = true)]
async fn no_time() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(failure_rate = "half", window = "many", min_calls = "20", consecutive = false, name = 3)]
async fn breaker() -> Result<(), Error> {
    Ok(())
}

#[fan_out(limit = "16", companion = "spread_all")]
async fn spread(item: u32) -> u32 {
    item
}

#[retry(number = self)]
async fn attempt_called_self() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = quoted();
    let _ = words();
    let _ = fraction();
    let _ = all_at_once();
    let _ = clone_of_nothing_in_parentheses();
    let _ = clone_equals(String::new());
    let _ = clone_of_a_reference(String::new());
    let _ = no_time();
    let _ = breaker();
    let _ = spread(1);
    let _ = attempt_called_self();
}
