//! The failures of a call to an upstream, and the class of each for the policies.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resilient::Classify;

/// The reasons why an upstream has given no answer. Callers whose calls were joined get a clone each.
#[derive(Debug, Clone, Classify)]
pub(crate) enum CallError {
    /// No connection, or it broke before the answer was complete.
    #[transient]
    Connection(Arc<reqwest::Error>),
    /// 429: asked to come back later.
    #[throttled(after = after)]
    Busy { after: Option<Duration> },
    /// 5xx.
    #[transient]
    Server(u16),
    /// Any other status.
    #[permanent]
    Rejected(u16),
    /// An answer that cannot be read.
    #[permanent]
    Malformed(Arc<serde_json::Error>),
    /// The task that had the request has panicked, or the runtime shuts down.
    #[permanent]
    Lost,
    /// A policy did not let the request begin, or did not wait for it.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        Self::Connection(Arc::new(error))
    }
}

impl From<serde_json::Error> for CallError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(Arc::new(error))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "{error}"),
            Self::Busy { after: Some(after) } => write!(f, "busy, try again in {after:?}"),
            Self::Busy { after: None } => write!(f, "busy"),
            Self::Server(status) => write!(f, "the upstream failed with status {status}"),
            Self::Rejected(status) => write!(f, "the upstream answered with status {status}"),
            Self::Malformed(error) => write!(f, "the answer cannot be read: {error}"),
            Self::Lost => write!(f, "the request was lost"),
            Self::Refused(rejection) => write!(f, "{rejection}"),
        }
    }
}

impl std::error::Error for CallError {}
