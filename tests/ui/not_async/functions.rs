use std::future::Future;

use resilient::{circuit_breaker, fan_out, resilient, retry, timeout};

struct Error;

#[retry]
fn blocking() -> Result<(), Error> {
    Ok(())
}

#[timeout("1s")]
const fn constant() -> u32 {
    1
}

#[circuit_breaker]
pub(crate) fn returns_a_future() -> impl Future<Output = Result<(), Error>> {
    async { Ok(()) }
}

#[fan_out]
unsafe fn blocking_item(item: u32) -> u32 {
    item
}

#[resilient(retry)]
extern "C" fn foreign() {}

trait Client {
    #[retry]
    fn fetch(&self) -> Result<(), Error>;

    #[retry]
    async fn search(&self) -> Result<(), Error>;
}

struct Service;

impl Service {
    #[retry]
    fn method(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl Client for Service {
    fn fetch(&self) -> Result<(), Error> {
        self.method()
    }

    async fn search(&self) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {
    let _ = blocking();
    let _ = constant();
    let _ = returns_a_future();
    let _ = unsafe { blocking_item(1) };
    foreign();
    let _ = Service.fetch();
    let _ = Service.search();
}
