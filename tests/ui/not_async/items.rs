use resilient::{circuit_breaker, fan_out, resilient, retry, timeout};

#[retry]
struct Service;

#[timeout("1s")]
impl Service {
    async fn fetch(&self) {}
}

#[circuit_breaker]
trait Client {
    async fn fetch(&self);
}

#[resilient(retry)]
pub mod client {
    pub async fn fetch() {}
}

#[fan_out]
pub(crate) enum Empty {}

#[retry]
const LIMIT: u32 = 3;

#[retry]
static NAME: &str = "search";

#[retry]
type Alias = Service;

#[retry]
use std::time::Duration;

#[retry]
unsafe impl Send for Empty {}

#[retry]
macro_rules! nothing {
    () => {};
}

#[retry]
unsafe extern "C" {
    fn abort();
}

fn main() {
    let _ = Service.fetch();
    let _ = client::fetch();
    let _ = (LIMIT, NAME, Duration::ZERO);
    let _: Option<Alias> = None;
    nothing!();
}
