//! A policy in a `const` is another policy at every call.

use resilient::{Bulkhead, CircuitBreaker, PerKey, Retry, bulkhead, circuit_breaker, retry};
use resilient_tests::Error;

const BREAKER: CircuitBreaker = CircuitBreaker::named("breaker");
const BREAKERS: [CircuitBreaker; 2] = [CircuitBreaker::named("first"), CircuitBreaker::named("second")];
const HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("host"));
const RETRY: Retry = Retry::named("retry");

#[circuit_breaker(with = BREAKER)]
async fn plain() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(with = BREAKERS[0])]
async fn one_of_several() -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(with = HOSTS.of(host))]
async fn keyed(host: &str) -> Result<(), Error> {
    Ok(drop(host.len()))
}

mod policies {
    pub const LIMIT: resilient::Bulkhead = resilient::Bulkhead::named("limit");
}

#[retry(with = RETRY)]
#[bulkhead(with = policies::LIMIT)]
async fn stack() -> Result<(), Error> {
    Ok(())
}

struct Client;

impl Client {
    const LIMIT: Bulkhead = Bulkhead::named("client");

    #[bulkhead(with = Self::LIMIT)]
    async fn search(&self) -> Result<(), Error> {
        Ok(())
    }
}

trait Upstream {
    const BREAKER: CircuitBreaker;
}

#[circuit_breaker(with = U::BREAKER)]
async fn generic<U: Upstream>(_upstream: U) -> Result<(), Error> {
    Ok(())
}

#[circuit_breaker(with = <U as Upstream>::BREAKER)]
async fn qualified<U: Upstream>(_upstream: U) -> Result<(), Error> {
    Ok(())
}

fn main() {}
