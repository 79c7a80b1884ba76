//! The `when` that looks at responses, and what counts as one.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::{RateLimit, class_of_response, classify_response};
use crate::{Class, Classified, Classify, ClassifyValue, Quota, clock};

/// A response of whichever client: what [`by_response`] looks at.
///
/// Implement it for a type of your own that wraps a response.
///
/// ```
/// use http::{HeaderMap, StatusCode};
///
/// struct Page {
///     head: http::response::Parts,
///     text: String,
/// }
///
/// impl resilient::http::Response for Page {
///     fn status(&self) -> StatusCode {
///         self.head.status
///     }
///
///     fn headers(&self) -> &HeaderMap {
///         &self.head.headers
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to be an HTTP response",
    label = "not an HTTP response",
    note = "implement `resilient::http::Response` for it; the features `http` and `reqwest` do for `http::Response` of `http` 1 and `reqwest::Response` of reqwest 0.13, and for no other version"
)]
pub trait Response {
    /// The status.
    fn status(&self) -> StatusCode;

    /// The headers, of which the limits are read.
    fn headers(&self) -> &HeaderMap;
}

impl<B> ClassifyValue for http::Response<B> {
    fn class_of_value(&self) -> Class {
        class_of_response(self.status(), self.headers())
    }

    fn hint_of_value(&self) -> Option<Duration> {
        classify_response(self.status(), self.headers()).hint
    }

    fn quota_of_value(&self) -> Quota {
        quota_of(self.headers())
    }
}

impl<B> Response for http::Response<B> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

impl Response for http::response::Parts {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

#[cfg(feature = "reqwest-0-13")]
impl ClassifyValue for reqwest::Response {
    fn class_of_value(&self) -> Class {
        class_of_response(self.status(), self.headers())
    }

    fn hint_of_value(&self) -> Option<Duration> {
        classify_response(self.status(), self.headers()).hint
    }

    fn quota_of_value(&self) -> Quota {
        quota_of(self.headers())
    }
}

#[cfg(feature = "reqwest-0-13")]
impl Response for reqwest::Response {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

/// Classifies a response by its status and headers, and an error by its own class; for the `when` of an attribute.
///
/// The response itself goes to the caller, when the policies are done with it: as `Ok`, whatever its status. To turn it into an error
/// inside the function, use [`check`](super::check): `error_for_status` loses the headers.
///
/// A `when` of your own can look at something else first and leave the rest to it:
///
/// ```
/// use resilient::http::by_response;
/// use resilient::{Class, Classified};
///
/// type Outcome = std::io::Result<http::Response<String>>;
///
/// fn or_empty(outcome: &Outcome) -> Classified<'_> {
///     match outcome {
///         Ok(response) if response.body().is_empty() => Class::Transient.into(),
///         _ => by_response(outcome),
///     }
/// }
///
/// assert_eq!(or_empty(&Ok(http::Response::default())).class, Class::Transient);
/// ```
pub fn by_response<R: Response, E: Classify>(outcome: &Result<R, E>) -> Classified<'_> {
    match outcome {
        Ok(response) => classify_response(response.status(), response.headers()),
        Err(error) => Classified { class: error.class(), rejection: error.rejection(), hint: error.hint() },
    }
}

/// Returns what the rate-limit headers say, by this machine's calendar.
fn quota_of(headers: &HeaderMap) -> Quota {
    RateLimit::from_headers(headers, clock::wall()).map(Quota::from).unwrap_or_default()
}
