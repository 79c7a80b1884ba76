//! An error for functions that call an HTTP API.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::StatusError;
use crate::{Class, Classify, Error};

/// The error of a function that calls an HTTP API: a response that failed, an error of the client, or a policy's refusal.
///
/// Each converts into it, so that `?` does. It is classified and `Clone`, so that every policy takes it, `#[coalesce]` included.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CallError {
    /// The server answered with a failure; from [`check`](super::check).
    Status(StatusError),
    /// The client failed: to connect, to send, to receive or to decode.
    Client(Arc<dyn StdError + Send + Sync>),
    /// A policy refused the call.
    Refused(Error),
}

impl CallError {
    /// Wraps the error of a client; its class is that of the first in its chain of sources that this crate knows, and permanent where there is none.
    pub fn client(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Client(Arc::new(error))
    }

    /// The status of the response, if there was one.
    pub const fn status(&self) -> Option<http::StatusCode> {
        match self {
            Self::Status(error) => Some(error.status()),
            Self::Client(_) | Self::Refused(_) => None,
        }
    }

    fn inside(&self) -> &dyn Classify {
        match self {
            Self::Status(error) => error,
            Self::Client(error) => error,
            Self::Refused(rejection) => rejection,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(error) => error.fmt(f),
            Self::Client(error) => error.fmt(f),
            Self::Refused(rejection) => rejection.fmt(f),
        }
    }
}

impl StdError for CallError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Status(error) => error.source(),
            Self::Client(error) => error.source(),
            Self::Refused(rejection) => rejection.source(),
        }
    }
}

/// As the error inside.
impl Classify for CallError {
    fn class(&self) -> Class {
        self.inside().class()
    }

    fn rejection(&self) -> Option<&Error> {
        self.inside().rejection()
    }

    fn hint(&self) -> Option<Duration> {
        self.inside().hint()
    }

    fn forbids_attempts(&self) -> bool {
        self.inside().forbids_attempts()
    }
}

impl From<StatusError> for CallError {
    fn from(error: StatusError) -> Self {
        Self::Status(error)
    }
}

impl From<Error> for CallError {
    fn from(rejection: Error) -> Self {
        Self::Refused(rejection)
    }
}

#[cfg(feature = "reqwest-0-13")]
impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        Self::client(error)
    }
}

#[cfg(feature = "reqwest-middleware-0-5")]
impl From<reqwest_middleware::Error> for CallError {
    fn from(error: reqwest_middleware::Error) -> Self {
        match error.rejection() {
            Some(rejection) => Self::Refused(rejection.clone()),
            None => Self::client(error),
        }
    }
}

#[cfg(feature = "hyper-util-0-1")]
impl From<hyper_util::client::legacy::Error> for CallError {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        Self::client(error)
    }
}

#[cfg(feature = "hyper-1")]
impl From<hyper::Error> for CallError {
    fn from(error: hyper::Error) -> Self {
        Self::client(error)
    }
}
