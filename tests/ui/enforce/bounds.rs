use std::time::Duration;

use resilient::{Bulkhead, bulkhead, circuit_breaker, enforce, fan_out, rate_limit, retry, timeout};

#[derive(resilient::Classify)]
enum Error {
    #[permanent]
    Gone,
    #[transparent(from)]
    Refused(resilient::Error),
}

const MANY: u32 = 8;
const LONG: Duration = Duration::from_secs(60);
const MOST: f64 = 0.9;
static SHARED: Bulkhead = Bulkhead::named("shared").limit(1_000);

#[enforce(
    timeout(total <= "10s"),
    retry(max <= 2, base >= "50ms"),
    circuit_breaker(failure_rate <= "50%", window == "10s"),
    bulkhead(limit <= 64),
)]
mod api {
    use super::*;

    #[timeout(total = "11s")]
    #[retry(max = 3, base = "20ms")]
    #[circuit_breaker(failure_rate = 0.6, window = 100)]
    #[bulkhead(limit = 65)]
    pub async fn literals() -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[timeout("1m")]
    #[retry]
    #[circuit_breaker]
    #[bulkhead(with = SHARED)]
    pub async fn defaults() -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[timeout(total = LONG)]
    #[retry(max = MANY)]
    #[circuit_breaker(failure_rate = MOST)]
    #[bulkhead(limit = "gradient")]
    pub async fn constants() -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[retry(max = unlimited, max_elapsed = "5s", backoff = "fixed")]
    #[timeout("5s")]
    #[circuit_breaker(window = "10000ms", failure_rate = "50%")]
    #[bulkhead]
    pub async fn words() -> Result<(), Error> {
        Err(Error::Gone)
    }
}

#[enforce(optional(retry(max < 3)), forbid(fan_out), bulkhead(key), retry(budget != none))]
mod more {
    use super::*;

    #[fan_out]
    #[retry(budget = none)]
    pub async fn forbidden(_: u32) -> Result<(), Error> {
        Err(Error::Gone)
    }

    #[bulkhead]
    #[retry(max = 2)]
    pub async fn without_key<const N: u32>() -> Result<(), Error> {
        Err(Error::Gone)
    }
}

const GROWTH: f64 = 4.0;

#[enforce(rate_limit(rate <= "100/s"), retry(factor <= 3))]
#[rate_limit("6001/min")]
#[retry(factor = GROWTH)]
async fn numbers() -> Result<(), Error> {
    Err(Error::Gone)
}

#[enforce(circuit_breaker(window <= 50), rate_limit(rate <= "100/s"), retry(factor <= 3))]
#[rate_limit("6000/min")]
#[retry(factor = 3, cap = "1s")]
#[circuit_breaker(window = 50)]
async fn fine() -> Result<(), Error> {
    Err(Error::Gone)
}

#[enforce(fan_out(limit <= 8))]
#[fan_out(limit = N)]
async fn generic<const N: usize>(_: [u8; N]) -> Result<(), Error> {
    Err(Error::Gone)
}

fn main() {
    let _ = (api::literals(), api::defaults(), api::constants(), api::words());
    let _ = (more::forbidden_all([1]), more::without_key::<2>(), generic_all([[1]]), numbers(), fine());
}
