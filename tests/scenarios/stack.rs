//! Our stack in the scenarios: that of `settings.rs`, of policies that begin anew with each run.

use std::time::Duration;

use resilient::{Bulkhead, CircuitBreaker, Retry, bulkhead, circuit_breaker, retry, timeout};

use crate::calls::{CallError, Client, Target};

/// A client with all policies.
pub(crate) struct Ours<T> {
    server: T,
    retry: Retry,
    breaker: CircuitBreaker,
    bulkhead: Bulkhead,
}

impl<T: Target> Ours<T> {
    pub(crate) fn new(server: T) -> Self {
        Self {
            server,
            retry: Retry::named("fetch"),
            breaker: CircuitBreaker::named("fetch"),
            bulkhead: Bulkhead::named("fetch").vegas(2, 200, 10).max_wait(Duration::from_millis(100)),
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
        f64::from(self.bulkhead.in_use()) / f64::from(self.bulkhead.current_limit())
    }
}

/// A client with all but the bulkhead.
pub(crate) struct Unlimited<T> {
    server: T,
    retry: Retry,
    breaker: CircuitBreaker,
}

impl<T: Target> Unlimited<T> {
    pub(crate) fn new(server: T) -> Self {
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

/// The attributes as they are on the page work, and mean what the fields above do.
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
