//! `object_store::Error`.

use std::error::Error as StdError;

use http::StatusCode;
use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};

use super::cause;
use crate::{Class, Classify, Error};

/// By variant; a `Generic` error by the response or the failed request in its chain.
///
/// | error | class |
/// |---|---|
/// | `Generic`: S3's `SlowDown`, Azure's `ServerBusy` | throttled |
/// | `Generic`: another response | that of the [status](crate::http::class_of_status) |
/// | `Generic`: S3's `InternalError` in a response of status 200 | transient |
/// | `Generic`: a request that failed | that of the [`HttpError`] |
/// | `Generic`: every other | that of the source, permanent where it is not known |
/// | `AlreadyExists`, where S3 says that another operation is in progress | transient |
/// | every other: not found, not allowed, a precondition, a path | permanent |
///
/// The stores make up to ten retries of their own, within three minutes, and give the last failure. Let one of the two do it:
/// `RetryConfig` has `max_retries`.
///
/// An error has no headers of the response, and so no hint.
impl Classify for StoreError {
    fn class(&self) -> Class {
        match self {
            Self::Generic { source, .. } => class_of_source(source.as_ref()),
            Self::AlreadyExists { source, .. } if is_in_progress(source.as_ref()) => Class::Transient,
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// A `Generic` error, with the rejection as its source.
impl From<Error> for StoreError {
    fn from(rejection: Error) -> Self {
        Self::Generic { store: "resilient", source: rejection.into() }
    }
}

/// By kind.
///
/// | kind | class |
/// |---|---|
/// | `Timeout`, `Request`, `Interrupted` | transient |
/// | `Connect` | that of the source, transient where it is not known |
/// | every other, as `Decode` | that of the source, permanent where it is not known |
impl Classify for HttpError {
    fn class(&self) -> Class {
        let unknown = match self.kind() {
            HttpErrorKind::Timeout | HttpErrorKind::Request | HttpErrorKind::Interrupted => return Class::Transient,
            HttpErrorKind::Connect => Class::Transient,
            _ => Class::Permanent,
        };
        self.source().and_then(cause::class).unwrap_or(unknown)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

fn class_of_source(source: &(dyn StdError + 'static)) -> Class {
    // the request's error wraps that of HTTP in a type that is not exported
    let mut causes = cause::causes(source);
    let found = causes.find_map(|error| match error.downcast_ref::<HttpError>() {
        Some(error) => Some(error.class()),
        None => class_of_response(&error.to_string()),
    });
    found.or_else(|| cause::class(source)).unwrap_or(Class::Permanent)
}

/// The type of a response that is an error is not exported, only its words are to be had.
fn class_of_response(message: &str) -> Option<Class> {
    if let Some(rest) = message.strip_prefix("Server returned non-2xx status code: ") {
        let status = rest.get(..3)?.parse().ok()?;
        return Some(if asks_for_less(rest) { BUSY } else { StatusCode::from_u16(status).ok()?.class() });
    }
    let body = message.strip_prefix("Server returned error response: ")?;
    Some(if asks_for_less(body) { BUSY } else { Class::Transient })
}

const BUSY: Class = Class::Throttled { after: None };

fn asks_for_less(body: &str) -> bool {
    ["<Code>SlowDown</Code>", "<Code>ServerBusy</Code>"].iter().any(|code| body.contains(code))
}

/// S3 has the status of a conflict for keys that exist and for operations that meet.
fn is_in_progress(source: &(dyn StdError + 'static)) -> bool {
    let codes = ["<Code>OperationAborted</Code>", "<Code>ConditionalRequestConflict</Code>"];
    let message = source.to_string();
    codes.iter().any(|code| message.contains(code))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn generic(source: impl Into<Box<dyn StdError + Send + Sync>>) -> StoreError {
        StoreError::Generic { store: "S3", source: source.into() }
    }

    #[test]
    fn failed_requests_have_their_class() {
        let http = |kind| generic(HttpError::new(kind, io::Error::other("made up")));
        let certificate = io::Error::new(io::ErrorKind::InvalidData, "invalid peer certificate");
        let table = [
            (http(HttpErrorKind::Connect), Class::Transient),
            (http(HttpErrorKind::Request), Class::Transient),
            (http(HttpErrorKind::Timeout), Class::Transient),
            (http(HttpErrorKind::Interrupted), Class::Transient),
            (http(HttpErrorKind::Decode), Class::Permanent),
            (http(HttpErrorKind::Unknown), Class::Permanent),
            (generic(HttpError::new(HttpErrorKind::Connect, certificate)), Class::Permanent),
            (generic(io::Error::from(io::ErrorKind::TimedOut)), Class::Transient),
            (generic("text"), Class::Permanent),
        ];

        for (error, class) in table {
            assert_eq!(error.class(), class, "{error:?}");
        }
    }

    #[test]
    fn a_rejection_can_be_returned() {
        crate::ecosystem::tests::holds_rejections::<StoreError>();
    }
}
