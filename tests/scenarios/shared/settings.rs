//! The settings of the scenarios as attributes, for the page and as a promise that they compile.

use resilient::{bulkhead, circuit_breaker, retry, timeout};

use crate::calls::{CallError, Target, Wire};

/// The whole stack.
///
/// # Errors
///
/// What the server or a policy says.
#[timeout(total = "1s")]
#[retry]
#[circuit_breaker]
#[bulkhead(limit = "vegas", min_limit = 2, max_limit = 200, initial_limit = 16, max_wait = "100ms")]
#[timeout(attempt = "800ms")]
pub async fn fetch(server: &Wire) -> Result<(), CallError> {
    server.send().await
}
