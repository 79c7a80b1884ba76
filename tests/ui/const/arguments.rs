use std::time::Duration;

use resilient::{circuit_breaker, retry, timeout};

struct Error;

struct Client {
    retries: u32,
    limit: Duration,
}

impl Client {
    #[retry(max = self.retries)]
    async fn retried(&self) -> Result<(), Error> {
        Ok(())
    }

    #[timeout(self.limit)]
    #[retry(base = self.limit / 2, max = 2 * self.retries)]
    async fn limited(&self) -> Result<(), Error> {
        Ok(())
    }

    #[circuit_breaker(open_for = self.limit, probes = self.retries)]
    async fn guarded(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[retry(max = n)]
async fn retried(n: u32) -> Result<(), Error> {
    let _ = n;
    Ok(())
}

#[timeout(limit)]
async fn limited(limit: Duration) -> Result<(), Error> {
    let _ = limit;
    Ok(())
}

#[timeout(total = limit * 2)]
#[retry(base = limit)]
async fn computed((limit, _): (Duration, u32)) -> Result<(), Error> {
    let _ = limit;
    Ok(())
}

#[retry(backoff = backoff)]
async fn own(backoff: resilient::Backoff) -> Result<(), Error> {
    let _ = backoff;
    Ok(())
}

fn main() {
    let client = Client { retries: 1, limit: Duration::ZERO };
    let _ = client.retried();
    let _ = client.limited();
    let _ = client.guarded();
    let _ = retried(1);
    let _ = limited(Duration::ZERO);
    let _ = computed((Duration::ZERO, 1));
    let _ = own(resilient::Backoff::none());
}
