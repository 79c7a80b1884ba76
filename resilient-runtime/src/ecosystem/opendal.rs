//! `opendal::Error`.

use std::error::Error as StdError;

use opendal_core::{Error as StoreError, ErrorKind};

use super::cause;
use crate::{Class, Classify, Error};

/// By kind; then by the source, where one is known, before what the error says of itself.
///
/// | error | class |
/// |---|---|
/// | `RateLimited` | throttled |
/// | `Unexpected` with a source that is known, as a certificate that is not valid | that of the source |
/// | temporary, or persistent: temporary until `RetryLayer` gave up | transient |
/// | every other: not found, not allowed, a condition, a configuration | permanent |
///
/// `opendal` calls every request temporary that could not be sent, also one to a server without TLS. The source tells these apart, with the
/// feature of the HTTP client.
///
/// `RetryLayer` makes retries of its own, and then gives the last failure. Let one of the two do it.
///
/// An error has no headers of the response, and so no hint.
impl Classify for StoreError {
    fn class(&self) -> Class {
        let own = match self.kind() {
            ErrorKind::RateLimited => return Class::Throttled { after: None },
            _ if self.is_temporary() || self.is_persistent() => Class::Transient,
            _ => Class::Permanent,
        };
        match self.kind() {
            ErrorKind::Unexpected => self.source().and_then(cause::class).unwrap_or(own),
            _ => own,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// An `Unexpected` error, with the rejection as its source.
impl From<Error> for StoreError {
    fn from(rejection: Error) -> Self {
        Self::new(ErrorKind::Unexpected, "a policy refused the call").set_source(rejection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_can_be_returned() {
        crate::ecosystem::tests::holds_rejections::<StoreError>();
    }
}
