//! `mongodb::error::Error`.

use std::time::Duration;

use mongodb::error::{
    BulkWriteError, Error as MongoError, ErrorKind, InsertManyError, SYSTEM_OVERLOADED_ERROR,
    TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

use super::cause;
use crate::{Class, Classify, Error};

/// By kind, by the label of the server or the driver, and by the server's code.
///
/// | error | class |
/// |---|---|
/// | label `SystemOverloadedError` | throttled, for the base back-off of the answer |
/// | I/O | that of the I/O error, transient where it is not known |
/// | labels `RetryableWriteError`, `TransientTransactionError`, `UnknownTransactionCommitResult` | transient |
/// | no server that fits could be found in time, a name that was not resolved, a pool that was cleared | transient |
/// | an answer with a code | by the code, below |
/// | several answers to one call | permanent if one of them is, else the first |
/// | every other: a log-in, an argument, a value that does not convert, a client that was shut down | permanent |
///
/// | code | class |
/// |---|---|
/// | 91, 189, 10058, 10107, 11600, 11602, 13435, 13436: the primary steps down or shuts down, or is another one | transient |
/// | 6, 7, 89, 133, 202, 262, 9001: a member does not answer another | transient |
/// | 24, 46, 112, 251: a lock, a conflict, a transaction that the server gave up | transient |
/// | 63, 134, 150, 234, 13388: not known there yet | transient |
/// | 14031: the disk is full | transient |
/// | 462: too many requests | throttled |
/// | 16500 of Cosmos DB: too many requests | throttled, for its `RetryAfterMs` |
/// | every other, as 50, a query that took too long, and 11000, a key that is there | permanent |
///
/// Permanent, among the others: 64, for the write is done, and only its copies are late.
///
/// The driver makes one retry of its own for most reads and writes.
///
/// A failure inside a transaction is to be tried again with the whole transaction: put the attribute on the function
/// that begins it.
impl Classify for MongoError {
    fn class(&self) -> Class {
        if self.contains_label(SYSTEM_OVERLOADED_ERROR) {
            return Class::Throttled { after: base_backoff(self) };
        }
        if let ErrorKind::Io(error) = &*self.kind {
            return cause::class(error.as_ref()).unwrap_or(Class::Transient);
        }
        if TRANSIENT_LABELS.iter().any(|label| self.contains_label(label)) {
            return Class::Transient;
        }
        match &*self.kind {
            ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::ConnectionPoolCleared { .. } => Class::Transient,
            ErrorKind::Command(error) => class_of_code(error.code, &error.message),
            ErrorKind::Write(WriteFailure::WriteConcernError(error)) => class_of_code(error.code, &error.message),
            ErrorKind::Write(WriteFailure::WriteError(error)) => class_of_code(error.code, &error.message),
            ErrorKind::InsertMany(error) => class_of_insert(error),
            ErrorKind::BulkWrite(error) => class_of_bulk(error, self),
            ErrorKind::Custom(_) => self.get_custom::<Error>().map_or(Class::Permanent, Classify::class),
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        self.get_custom::<Error>().or_else(|| cause::rejection(self))
    }
}

/// A `Custom` error, with the rejection as its value.
impl From<Error> for MongoError {
    fn from(rejection: Error) -> Self {
        Self::custom(rejection)
    }
}

/// The driver keeps the name of the first to itself.
const TRANSIENT_LABELS: &[&str] =
    &["RetryableWriteError", TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT];

fn base_backoff(error: &MongoError) -> Option<Duration> {
    match &*error.kind {
        ErrorKind::Command(error) => error.base_backoff,
        _ => None,
    }
}

fn class_of_insert(error: &InsertManyError) -> Class {
    let writes = error.write_errors.iter().flatten().map(|error| (error.code, error.message.as_str()));
    let concern = error.write_concern_error.iter().map(|error| (error.code, error.message.as_str()));
    class_of_all(writes.chain(concern)).unwrap_or(Class::Permanent)
}

fn class_of_bulk(error: &BulkWriteError, whole: &MongoError) -> Class {
    let writes = error.write_errors.values().map(|error| (error.code, error.message.as_str()));
    let concerns = error.write_concern_errors.iter().map(|error| (error.code, error.message.as_str()));
    let source = || std::error::Error::source(whole).and_then(cause::class);
    class_of_all(writes.chain(concerns)).or_else(source).unwrap_or(Class::Permanent)
}

/// One write that will fail again makes all of them fail again.
fn class_of_all<'e>(mut answers: impl Iterator<Item = (i32, &'e str)>) -> Option<Class> {
    let (code, message) = answers.next()?;
    let first = class_of_code(code, message);
    let is_hopeless = answers.any(|(code, message)| class_of_code(code, message) == Class::Permanent);
    Some(if is_hopeless { Class::Permanent } else { first })
}

fn class_of_code(code: i32, message: &str) -> Class {
    match code {
        6 | 7 | 24 | 46 | 63 | 89 | 91 | 112 | 133 | 134 | 150 | 189 | 202 | 234 | 251 | 262 | 9001 | 10058 | 10107
        | 11600 | 11602 | 13388 | 13435 | 13436 | 14031 => Class::Transient,
        462 => Class::Throttled { after: None },
        16500 => Class::Throttled { after: retry_after(message) },
        _ => Class::Permanent,
    }
}

/// Reads the milliseconds of `Error=16500, RetryAfterMs=34, Details=…`.
fn retry_after(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("RetryAfterMs=")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_cosmos_db_is_read() {
        let milliseconds = |message| retry_after(message).map(|time| time.as_millis());

        assert_eq!(milliseconds("Error=16500, RetryAfterMs=34, Details='x'"), Some(34));
        assert_eq!(milliseconds("Error=16500, RetryAfterMs=, Details='x'"), None);
        assert_eq!(milliseconds("Request rate is large"), None);
    }

    #[test]
    fn a_rejection_can_be_returned() {
        crate::ecosystem::tests::holds_rejections::<MongoError>();
    }
}
