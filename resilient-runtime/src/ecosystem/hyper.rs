//! `hyper::Error`.

use std::error::Error as StdError;

use super::cause;
use crate::{Class, Classify, Error};

/// By what went wrong with the message or its connection.
///
/// | error | class |
/// |---|---|
/// | canceled, closed, incomplete message, time-out | transient |
/// | a connection that was given up, such as one of HTTP/2 that the server drains, before it took the request | transient |
/// | a message that could not be parsed | permanent |
/// | one that the user's own body or service raised | that of the source, permanent where it is not known |
/// | every other: I/O, HTTP/2 | that of the source, transient where it is not known |
///
/// A transient failure does not mean that the request was not carried out: the connection may have been lost
/// after it arrived.
impl Classify for hyper::Error {
    fn class(&self) -> Class {
        if self.is_canceled()
            || self.is_closed()
            || self.is_incomplete_message()
            || self.is_timeout()
            || is_dispatch_gone(self)
        {
            return Class::Transient;
        }
        if self.is_parse() {
            return Class::Permanent;
        }
        let unknown = if self.is_user() { Class::Permanent } else { Class::Transient };
        self.source().and_then(cause::class).unwrap_or(unknown)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// hyper calls it the user's fault, though the connection ended while the request was waiting for it.
fn is_dispatch_gone(error: &hyper::Error) -> bool {
    error.is_user() && error.to_string().starts_with("dispatch task is gone")
}
