//! The settings of the scenarios as attributes, which are printed on the page and compiled here.

use resilient::{bulkhead, circuit_breaker, retry, timeout};

use crate::calls::{CallError, Target, Wire};

/// The whole stack.
///
/// # Errors
///
/// An error of the server, or a rejection by a policy.
#[timeout(total = "1s")]
#[retry]
#[circuit_breaker]
#[bulkhead(limit = "vegas", min_limit = 2, max_limit = 200, initial_limit = 16, max_wait = "100ms")]
#[timeout(attempt = "800ms")]
pub async fn fetch(server: &Wire) -> Result<(), CallError> {
    server.send().await
}
