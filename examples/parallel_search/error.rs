//! The failures of one provider, and the class of each failure for the policies.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use resilient::Classify;

/// The reasons why a provider's hits are missing. Callers whose calls were joined get a clone each.
#[derive(Debug, Clone, Classify)]
pub(crate) enum SearchError {
    /// No connection, or it broke before the answer was complete.
    #[transient]
    Connection(Arc<reqwest::Error>),
    /// 429: asked to come back later.
    #[throttled(after = after)]
    Busy { after: Option<Duration> },
    /// 5xx.
    #[transient]
    Server(u16),
    /// Any other status: asking again would not help.
    #[permanent]
    Rejected(u16),
    /// An answer that is no list of hits, or of details.
    #[permanent]
    Malformed(Arc<serde_json::Error>),
    /// An answer too long to be either.
    #[permanent]
    TooLong,
    /// The search did not wait any longer for the provider.
    #[permanent]
    Late,
    /// A policy did not let the request begin, or did not wait for it.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl From<reqwest::Error> for SearchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Connection(Arc::new(error))
    }
}

impl From<serde_json::Error> for SearchError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(Arc::new(error))
    }
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "{}", root_cause(error)),
            Self::Busy { after: Some(after) } => write!(f, "busy, try again in {after:?}"),
            Self::Busy { after: None } => write!(f, "busy"),
            Self::Server(status) => write!(f, "the provider failed with status {status}"),
            Self::Rejected(status) => write!(f, "the provider answered with status {status}"),
            Self::Malformed(error) => write!(f, "the answer is not what was asked for: {error}"),
            Self::TooLong => write!(f, "the answer is longer than any can be"),
            Self::Late => write!(f, "no answer in time"),
            Self::Refused(rejection) => write!(f, "{rejection}"),
        }
    }
}

impl std::error::Error for SearchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connection(error) => Some(&**error),
            Self::Malformed(error) => Some(&**error),
            Self::Refused(rejection) => Some(rejection),
            Self::Busy { .. } | Self::Server(_) | Self::Rejected(_) | Self::TooLong | Self::Late => None,
        }
    }
}

/// Returns the innermost source, which says "connection refused" where the outer ones say that a request failed.
fn root_cause(error: &reqwest::Error) -> &dyn std::error::Error {
    let mut cause: &dyn std::error::Error = error;
    let mut source = error.source();
    while let Some(inner) = source {
        cause = inner;
        source = inner.source();
    }
    cause
}
