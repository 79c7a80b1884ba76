use std::future::Future;

use resilient::{circuit_breaker, retry, timeout};

struct Error;

#[timeout("1s")]
const fn constant() -> u32 {
    1
}

#[circuit_breaker]
pub(crate) fn returns_a_future() -> impl Future<Output = Result<(), Error>> {
    async { Ok(()) }
}

trait Client {
    #[retry]
    fn fetch(&self) -> Result<(), Error>;

    #[retry]
    async fn search(&self) -> Result<(), Error>;
}

struct Service;

impl Client for Service {
    fn fetch(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn search(&self) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {
    let _ = constant();
    let _ = returns_a_future();
    let _ = Service.fetch();
    let _ = Service.search();
}
