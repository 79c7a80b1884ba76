//! `kube::Error`.

use std::error::Error as StdError;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use kube_client::Error as KubeError;
use kube_client::error::Status;

use super::cause;
use crate::http::classify_response;
use crate::{Class, Classified, Classify, Error};

/// By the answer of the API server; every other failure by its source.
///
/// | error | class |
/// |---|---|
/// | `Api` | that of the [`Status`] |
/// | every other: `Service` and `HyperError`, a request that failed; `Auth`; a configuration | that of the source, permanent where it is not known |
///
/// A `Conflict` is permanent: the same object in the same version meets it again. Around a function that reads the object first, say otherwise
/// with a `when`.
///
/// The client makes up to fifteen retries of its own for 429, 503 and 504. Let one of the two do it: `Config` has `default_retry`.
impl Classify for KubeError {
    fn class(&self) -> Class {
        match self {
            Self::Api(status) => status.class(),
            _ => self.source().and_then(cause::class).unwrap_or(Class::Permanent),
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }

    fn hint(&self) -> Option<Duration> {
        match self {
            Self::Api(status) => status.hint(),
            _ => None,
        }
    }
}

/// By the code, as that of a [response](crate::http::class_of_response), with `retryAfterSeconds` as its `Retry-After`.
///
/// | code | class |
/// |---|---|
/// | 429: too many requests, or a disruption budget | throttled |
/// | 503 with a time | throttled |
/// | 500, 502, 503, 504, 408: `InternalError`, `ServerTimeout`, `ServiceUnavailable`, `Timeout` | transient |
/// | every other: `Conflict`, `AlreadyExists`, `NotFound`, `Expired`, `Forbidden`, `Invalid`, none | permanent |
///
/// The headers of the response are not kept: of a time to come back, that in the body is known.
impl Classify for Status {
    fn class(&self) -> Class {
        classify(self).class
    }

    fn hint(&self) -> Option<Duration> {
        classify(self).hint
    }
}

fn classify(status: &Status) -> Classified<'static> {
    let Some(code) = StatusCode::from_u16(status.code).ok().filter(|code| code.as_u16() >= 400) else {
        return Class::Permanent.into();
    };
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    let wait = (seconds > 0).then(|| (RETRY_AFTER, HeaderValue::from(seconds)));
    classify_response(code, &wait.into_iter().collect::<HeaderMap>())
}
