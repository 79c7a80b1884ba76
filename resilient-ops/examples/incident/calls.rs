//! The calls, with one stack of policies for each server.

use std::fmt;

use resilient::{Classify, bulkhead, circuit_breaker, measure, rate_limit, retry, timeout};

use crate::server::Server;

/// Calls the server that stays well.
#[measure]
#[timeout(total = "1s")]
#[retry]
#[circuit_breaker]
#[rate_limit("250/s", max_wait = "50ms")]
#[bulkhead(limit = 16, queue = 32, max_wait = "100ms")]
#[timeout(attempt = "800ms")]
pub(crate) async fn calm(server: &Server) -> Result<(), CallError> {
    server.serve().await
}

/// Calls the server that becomes slow.
#[measure]
#[timeout(total = "1s")]
#[retry]
#[circuit_breaker]
#[rate_limit("250/s", max_wait = "50ms")]
#[bulkhead(limit = 16, queue = 32, max_wait = "100ms")]
#[timeout(attempt = "800ms")]
pub(crate) async fn brown_out(server: &Server) -> Result<(), CallError> {
    server.serve().await
}

/// Calls the server that fails.
#[measure]
#[timeout(total = "1s")]
#[retry]
#[circuit_breaker]
#[rate_limit("250/s", max_wait = "50ms")]
#[bulkhead(limit = 16, queue = 32, max_wait = "100ms")]
#[timeout(attempt = "800ms")]
pub(crate) async fn outage(server: &Server) -> Result<(), CallError> {
    server.serve().await
}

/// The reasons why a call failed.
#[derive(Debug, Classify)]
pub(crate) enum CallError {
    /// 503.
    #[transient]
    Unavailable,
    /// A policy did not let the call begin, or did not wait for it.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("the server is unavailable"),
            Self::Refused(rejection) => write!(f, "{rejection}"),
        }
    }
}

impl std::error::Error for CallError {}
