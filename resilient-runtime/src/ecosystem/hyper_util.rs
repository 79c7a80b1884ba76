//! The error of hyper-util's client with a pool.

use std::error::Error as StdError;

use hyper_util::client::legacy::Error as ClientError;

use super::cause;
use crate::{Class, Classify, Error};

/// By the stage at which it failed, and by what caused it.
///
/// | error | class |
/// |---|---|
/// | a method, a version or a form of URI that the client does not send | permanent |
/// | connecting, sending, a connection that was closed, a request that was given up before it was sent | that of the source, transient where it is not known |
///
/// The source of an error of sending is a [`hyper::Error`], whose class it then has; that of connecting is the connector's, such as an I/O error or a failure of TLS.
///
/// A transient failure does not mean that the request was not carried out.
impl Classify for ClientError {
    fn class(&self) -> Class {
        let unknown = if is_mistake(self) { Class::Permanent } else { Class::Transient };
        self.source().and_then(cause::class).unwrap_or(unknown)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// Returns whether it is a request that the client never sends. Only its words tell.
fn is_mistake(error: &ClientError) -> bool {
    error.to_string().starts_with("client error (User")
}
