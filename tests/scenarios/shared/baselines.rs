//! The clients to compare the stacks with: no policy, the plain loop, and tower.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tower::retry::budget::{Budget, TpsBudget};
use tower::timeout::error::Elapsed;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt};

use crate::calls::{CallError, Client, SLO, Target};

/// Waits for the answer, however long it takes.
pub struct NoPolicy<T>(pub T);

impl<T: Target> Client for NoPolicy<T> {
    async fn call(&self) -> Result<(), CallError> {
        self.0.send().await
    }
}

/// Loops: a second for each attempt, and three more attempts, each after 100 ms.
pub struct Naive<T>(pub T);

impl<T: Target> Client for Naive<T> {
    async fn call(&self) -> Result<(), CallError> {
        let mut retries = 0;
        loop {
            let outcome = timeout(SLO, self.0.send()).await.unwrap_or(Err(CallError::Late));
            if outcome.is_ok() || retries == 3 {
                return outcome;
            }
            retries += 1;
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Tower's layers: a second for the call, 64 calls at once and none that wait, three retries from a budget of a fifth.
pub struct Tower(BoxCloneSyncService<(), (), CallError>);

impl Tower {
    /// Returns a client with a limit and a budget of its own.
    pub fn new(server: impl Target) -> Self {
        let server = Arc::new(server);
        let service = ServiceBuilder::new()
            .load_shed()
            .concurrency_limit(64)
            .timeout(SLO)
            .retry(Again { budget: Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.2)), left: 3 })
            .service_fn(move |()| {
                let server = Arc::clone(&server);
                async move { server.send().await }
            });
        Self(BoxCloneSyncService::new(service.map_err(error_of_tower)))
    }
}

impl Client for Tower {
    async fn call(&self) -> Result<(), CallError> {
        self.0.clone().oneshot(()).await
    }
}

#[derive(Clone)]
struct Again {
    budget: Arc<TpsBudget>,
    left: u32,
}

impl tower::retry::Policy<(), (), CallError> for Again {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, (): &mut (), result: &mut Result<(), CallError>) -> Option<Self::Future> {
        if result.is_ok() {
            self.budget.deposit();
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.withdraw().then(|| sleep(Duration::from_millis(100)))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

/// Translates the errors of tower's layers into ours.
pub fn error_of_tower(error: BoxError) -> CallError {
    match error.downcast::<CallError>() {
        Ok(error) => *error,
        Err(error) if error.is::<Elapsed>() => CallError::Late,
        Err(_) => CallError::Unsent,
    }
}
