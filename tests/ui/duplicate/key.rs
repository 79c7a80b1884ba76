use resilient::{circuit_breaker, fan_out, retry, timeout};

struct Error;

#[retry(max = 3, base = "1s", max = 4)]
async fn set_twice() -> Result<(), Error> {
    Ok(())
}

#[retry(clone(a), clone(b))]
async fn cloned_twice(a: String, b: String) -> Result<(), Error> {
    let _ = (a, b);
    Ok(())
}

#[timeout("1s", "2s")]
async fn two_durations() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(probes = 1, probes = 1, probes = 2)]
async fn set_three_times() -> Result<(), Error> {
    Ok(())
}

#[fan_out(limit = 1, limit = 2)]
async fn limited_twice(item: u32) -> u32 {
    item
}

fn main() {
    let _ = set_twice();
    let _ = cloned_twice(String::new(), String::new());
    let _ = two_durations();
    let _ = set_three_times();
    let _ = limited_twice(1);
}
