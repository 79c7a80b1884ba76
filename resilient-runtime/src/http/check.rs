//! A response that failed, as an error that keeps what the server said.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::status::should_retry;
use super::{Dialect, Response};
use crate::{Class, Classified, Classify};

/// Returns the response if it is a success, and what it says as an error otherwise.
///
/// It stands where `error_for_status` would lose the headers: the error has the class of the response and the wait that the server
/// asked for, so that a retry, a breaker and a rate limit act on it in a function that returns something else than a response.
///
#[cfg_attr(feature = "macros", doc = "```")]
#[cfg_attr(not(feature = "macros"), doc = "```text")]
/// use resilient::http::{CallError, check};
/// use resilient::{retry, timeout};
/// # async fn send(attempt: u32) -> Result<http::Response<String>, resilient::Error> {
/// #     let response = http::Response::builder();
/// #     Ok(match attempt {
/// #         0 => response.status(429).header("retry-after", "7").body(String::new()).unwrap(),
/// #         _ => response.body("found".to_owned()).unwrap(),
/// #     })
/// # }
///
/// #[timeout(total = "30s")]
/// #[retry(max = 3, number = n)]
/// async fn page() -> Result<String, CallError> {
///     let response = check(send(n).await?)?; // 429 with `Retry-After: 7`, then 200
///     Ok(response.into_body())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = tokio::time::Instant::now();
///
/// assert_eq!(page().await.unwrap(), "found");
/// assert!(start.elapsed().as_secs() >= 7);
/// # }
/// ```
///
/// Redirects and 304 are successes, as in [`class_of_status`](super::class_of_status).
///
/// # Errors
///
/// For a response that is a failure.
pub fn check<R: Response>(response: R) -> Result<R, StatusError> {
    Dialect::new().check(response)
}

/// A response that failed: its status, its class and the wait that the server asked for; from [`check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusError {
    status: StatusCode,
    class: Class,
    hint: Option<Duration>,
    /// Set if the server said that no further attempt can succeed.
    forbids: bool,
}

impl StatusError {
    /// The error that the response is, unless it is a success.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, classified: Classified<'_>) -> Option<Self> {
        let Classified { class, hint, .. } = classified;
        let forbids = class == Class::Permanent && should_retry(headers) == Some(false);
        (class != Class::Success).then_some(Self { status, class, hint, forbids })
    }

    /// The status of the response.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The time that the server asked callers to stay away, where it said so.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.class {
            Class::Throttled { after } => after,
            _ => self.hint,
        }
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}", self.status)?;
        match self.retry_after() {
            Some(wait) => write!(f, ", and asks to stay away for {wait:?}"),
            None => Ok(()),
        }
    }
}

impl StdError for StatusError {}

/// By the response that it was, hint included.
impl Classify for StatusError {
    fn class(&self) -> Class {
        self.class
    }

    fn hint(&self) -> Option<Duration> {
        self.hint
    }

    fn forbids_attempts(&self) -> bool {
        self.forbids
    }
}
