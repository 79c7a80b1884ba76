//! The question that the program answers: whether a request may change settings.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::request::Parts;

/// The program's answer to a request that would change settings.
///
/// `true` and `false` stand for [`Allowed`](Self::Allowed) and [`Forbidden`](Self::Forbidden).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// It may.
    Allowed,
    /// It may not: 403.
    Forbidden,
    /// It has to say first from whom it is: 401, with the challenge as `WWW-Authenticate`.
    Identify(HeaderValue),
}

impl Access {
    /// Asks for credentials, by the challenge `Bearer` or `Basic realm="ops"`.
    ///
    /// # Panics
    ///
    /// If the challenge has a character that no header may have.
    #[track_caller]
    pub fn identify(challenge: &'static str) -> Self {
        Self::Identify(HeaderValue::from_static(challenge))
    }
}

impl From<bool> for Access {
    fn from(allowed: bool) -> Self {
        if allowed { Self::Allowed } else { Self::Forbidden }
    }
}

type Answer = Pin<Box<dyn Future<Output = Access> + Send>>;

/// The function that answers.
#[derive(Clone)]
pub(super) struct Guard(Arc<dyn Fn(&Parts) -> Answer + Send + Sync>);

impl Guard {
    pub(super) fn new<F, A>(allows: F) -> Self
    where
        F: Fn(&Parts) -> A + Send + Sync + 'static,
        A: Into<Access>,
    {
        Self(Arc::new(move |parts| Box::pin(std::future::ready(allows(parts).into()))))
    }

    pub(super) fn new_async<F, R>(allows: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output: Into<Access>> + Send + 'static,
    {
        Self(Arc::new(move |parts| {
            let answer = allows(parts.clone());
            Box::pin(async { answer.await.into() })
        }))
    }

    pub(super) fn ask(&self, parts: &Parts) -> Answer {
        (self.0)(parts)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}
