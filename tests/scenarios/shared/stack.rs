//! Our stack in the scenarios: the stack of `settings.rs`, with policies that begin anew for each run.

use std::time::Duration;

use resilient::{Bulkhead, CircuitBreaker, Retry, bulkhead, circuit_breaker, retry, timeout};

use crate::calls::{CallError, Client, Target};
use crate::drive::{Plan, worst};
use crate::report::{Fault, Figures};

/// A client with all policies.
pub struct Ours<T> {
    server: T,
    retry: Retry,
    breaker: CircuitBreaker,
    bulkhead: Bulkhead,
}

impl<T: Target> Ours<T> {
    /// Returns one of several clients of a server with so many workers.
    ///
    /// Its limit begins with twice its share of the busy workers, and may grow to its share of 200.
    pub fn sharing(server: T, workers: u32, clients: u32) -> Self {
        let bulkhead = Bulkhead::named("fetch").vegas(2, 200 / clients, (2 * workers / clients).max(4));
        Self {
            server,
            retry: Retry::named("fetch"),
            breaker: CircuitBreaker::named("fetch"),
            bulkhead: bulkhead.max_wait(Duration::from_millis(100)),
        }
    }

    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    #[bulkhead(with = self.bulkhead)]
    #[timeout(attempt = "800ms")]
    async fn fetch(&self) -> Result<(), CallError> {
        self.server.send().await
    }
}

impl<T: Target> Client for Ours<T> {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }

    fn occupancy(&self) -> f64 {
        let counts = self.bulkhead.counts();
        f64::from(counts.in_use) / f64::from(counts.limit)
    }
}

/// Returns the worst figures of our stack.
pub fn ours(plan: &Plan, fault: Fault) -> Figures {
    worst(plan, fault, |wire| Ours::sharing(wire, plan.setup.workers, plan.clients as u32))
}

/// A client with all but the bulkhead.
pub struct Unlimited<T> {
    server: T,
    retry: Retry,
    breaker: CircuitBreaker,
}

impl<T: Target> Unlimited<T> {
    /// Returns a client with policies of its own.
    pub fn new(server: T) -> Self {
        Self { server, retry: Retry::named("fetch"), breaker: CircuitBreaker::named("fetch") }
    }

    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    #[timeout(attempt = "800ms")]
    async fn fetch(&self) -> Result<(), CallError> {
        self.server.send().await
    }
}

impl<T: Target> Client for Unlimited<T> {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}

/// Makes a call under the attributes of the page, which mean the same as the fields above.
#[tokio::test(start_paused = true)]
async fn the_settings_on_the_page_work() {
    let server = crate::server::Server::start(crate::server::Setup::of(1), 1);
    let wire = crate::calls::Wire::to(server);
    let driver = wire.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            driver.server().tick();
        }
    });

    crate::settings::fetch(&wire).await.unwrap();

    assert_eq!(wire.sent(), 1);
}
