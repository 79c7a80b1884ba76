//! `SdkError`, in which the clients of AWS give all their failures.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::ErrorKind;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::cause;
use crate::http::{class_of_status, classify_response};
use crate::{Class, Classified, Classify, Error};

/// By kind; an answer by its error code, by its status where the code tells nothing, and by its headers.
///
/// | error | class |
/// |---|---|
/// | the request could not be built | permanent |
/// | a time-out | transient |
/// | the request could not be sent | that of the [`ConnectorError`] |
/// | an answer that is an error | by its code, below |
/// | an answer that could not be read | that of the [response](crate::http::class_of_response); below 400 that of the source, permanent where it is not known |
///
/// | code | class |
/// |---|---|
/// | with `Throttl` or `TooManyRequests` in it, as `ThrottlingException` | throttled |
/// | `BandwidthLimitExceeded`, `LimitExceededException`, `PriorRequestNotComplete`, `ProvisionedThroughputExceededException`, `RequestLimitExceeded`, `SlowDown` | throttled |
/// | `InternalError`, `InternalFailure`, `InternalServerError`, `InternalServerException`, `ServiceUnavailable`, `ServiceUnavailableException` | transient |
/// | `RequestTimeout`, `RequestTimeoutException`, `IDPCommunicationError` | transient |
/// | `ConditionalRequestConflict`, `OperationAborted`, `TransactionConflictException`, `TransactionInProgressException`: another operation is in progress | transient |
/// | `TransactionCanceledException` | by the reasons of all its items: that of a conflict, of a limit; permanent for every other |
/// | every other | that of the [response](crate::http::class_of_response), permanent below 400 |
///
/// `Retry-After` and `x-amz-retry-after` are hints. The codes of throttling are those of AWS's own retries, and of these
/// `LimitExceededException` is in some services a quota that no waiting changes.
///
/// The clients make two retries of their own. Let one of the two do it: `RetryConfig::disabled()`.
///
/// Behind a `dyn Error` the code alone is known: neither the status nor a hint. `into_service_error` loses them too.
impl<E, B> Classify for SdkError<E, Response<B>>
where
    E: ProvideErrorMetadata + StdError + 'static,
    B: Debug + 'static,
{
    fn class(&self) -> Class {
        classify(self).class
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }

    fn hint(&self) -> Option<Duration> {
        classify(self).hint
    }
}

/// By kind.
///
/// | kind | class |
/// |---|---|
/// | a time-out | transient |
/// | I/O | that of the source, transient where it is not known |
/// | throttling | throttled |
/// | a fault of the server, or one that is transient | transient |
/// | every other: a mistake of the user, credentials that could not be had | that of the source, permanent where it is not known |
impl Classify for ConnectorError {
    fn class(&self) -> Class {
        let unknown = match self.as_other() {
            Some(ErrorKind::ThrottlingError) => return Class::Throttled { after: None },
            Some(ErrorKind::TransientError | ErrorKind::ServerError) => return Class::Transient,
            _ if self.is_timeout() => return Class::Transient,
            _ if self.is_io() => Class::Transient,
            _ => Class::Permanent,
        };
        self.source().and_then(cause::class).unwrap_or(unknown)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// By the code, as an answer in an [`SdkError`]; permanent where the code tells nothing.
impl Classify for ErrorMetadata {
    fn class(&self) -> Class {
        known_status(self).map_or(Class::Permanent, class_of_status)
    }
}

/// Returns the code of an answer whose operation is not known, if it tells something.
pub(super) fn known<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e dyn Classify> {
    let metadata: &ErrorMetadata = error.downcast_ref()?;
    known_status(metadata).is_some().then_some(metadata)
}

/// Returns the class of an error of one service, whose message begins with its code.
pub(super) fn class_of_words(message: &str) -> Option<Class> {
    let (code, message) = message.split_once(": ").unwrap_or((message, ""));
    status_of_code(code, message).map(class_of_status)
}

fn classify<E, B>(error: &SdkError<E, Response<B>>) -> Classified<'static>
where
    E: ProvideErrorMetadata + StdError + 'static,
    B: Debug,
{
    match error {
        SdkError::TimeoutError(_) => Class::Transient.into(),
        SdkError::DispatchFailure(failure) => {
            failure.as_connector_error().map_or(Class::Permanent, Classify::class).into()
        }
        SdkError::ServiceError(answer) => {
            by_response(known_status(answer.err().meta()), answer.raw()).unwrap_or(Class::Permanent.into())
        }
        SdkError::ResponseError(answer) => by_response(None, answer.raw())
            .unwrap_or_else(|| error.source().and_then(cause::class).unwrap_or(Class::Permanent).into()),
        _ => Class::Permanent.into(),
    }
}

/// Returns what a failed response says, with the status that its code stands for. Some of S3's failures have the status 200.
fn by_response<B>(by_code: Option<StatusCode>, response: &Response<B>) -> Option<Classified<'static>> {
    let status = by_code.or_else(|| StatusCode::from_u16(response.status().as_u16()).ok())?;
    let line =
        |(name, value): (&str, &str)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?));
    let headers: HeaderMap = response.headers().iter().filter_map(line).collect();
    let classified = classify_response(status, &headers);
    (classified.class != Class::Success).then_some(classified)
}

fn known_status(metadata: &ErrorMetadata) -> Option<StatusCode> {
    status_of_code(metadata.code()?, metadata.message().unwrap_or_default())
}

/// Returns the status that would mean the same as the code.
fn status_of_code(code: &str, message: &str) -> Option<StatusCode> {
    if code == "TransactionCanceledException" {
        return Some(status_of_reasons(message));
    }
    if THROTTLING.contains(&code)
        || ["Throttl", "TooManyRequests"].iter().any(|words| is_name(code) && code.contains(words))
    {
        return Some(THROTTLED);
    }
    TRANSIENT.contains(&code).then_some(FAILED)
}

/// Returns whether the text can be a code, and is not a sentence.
fn is_name(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_alphanumeric() || char == '.')
}

/// Reads the reasons of `DynamoDB`, one for each item: `… for specific reasons [None, TransactionConflict]`.
fn status_of_reasons(message: &str) -> StatusCode {
    let list = message.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    let reasons = list.split(',').map(str::trim).filter(|reason| !matches!(*reason, "None" | ""));
    let statuses = reasons.map(|reason| match reason {
        "TransactionConflict" => FAILED,
        "ProvisionedThroughputExceeded" | "ThrottlingError" => THROTTLED,
        _ => StatusCode::BAD_REQUEST,
    });
    // one item that will fail again makes all of them fail again, and the lowest status says so
    statuses.min().unwrap_or(StatusCode::BAD_REQUEST)
}

const THROTTLED: StatusCode = StatusCode::TOO_MANY_REQUESTS;
const FAILED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

const THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
];

const TRANSIENT: &[&str] = &[
    "ConditionalRequestConflict",
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "OperationAborted",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_in_a_response_of_status_200_is_none_the_less_one() {
        let answer = |code| -> SdkError<ErrorMetadata, Response<()>> {
            let status = 200.try_into().unwrap();
            SdkError::service_error(ErrorMetadata::builder().code(code).build(), Response::new(status, ()))
        };

        assert_eq!(answer("InternalError").class(), Class::Transient);
        assert_eq!(answer("SlowDown").class(), Class::Throttled { after: None });
        assert_eq!(answer("AccessDenied").class(), Class::Permanent);
    }

    #[test]
    fn codes_of_one_service_are_found_in_words() {
        assert_eq!(class_of_words("RequestThrottled: slow down"), Some(Class::Throttled { after: None }));
        assert_eq!(class_of_words("InternalServerError"), Some(Class::Transient));
        assert_eq!(class_of_words("Throttled by the caller: a sentence"), None);
        assert_eq!(class_of_words("QueueDoesNotExist: gone"), None);
        assert_eq!(class_of_words(""), None);
    }
}
