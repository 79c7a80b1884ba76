//! `lapin::Error`.

use lapin::ErrorKind;
use lapin::protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::cause;
use crate::{Class, Classify, Error};

/// By kind, and by the broker's reply code.
///
/// | error | class |
/// |---|---|
/// | I/O | that of the I/O error |
/// | no heartbeat; a connection or channel that is not open, and one that this side closed looks like one that the broker closed | transient |
/// | as many channels as the connection may have | throttled |
/// | `ProtocolError` | by its code, below |
/// | every other: a version, a frame that cannot be read or written, a log-in, the runtime | permanent |
///
/// | code | class |
/// |---|---|
/// | 320 `CONNECTION_FORCED`: the broker goes away, or somebody closed the connection | transient |
/// | 313 `NO_CONSUMERS`, 541 `INTERNAL_ERROR` | transient |
/// | 405 `RESOURCE_LOCKED`: another connection has the queue | transient |
/// | 404 and 530 of `RabbitMQ`, for a queue's node or a virtual host that is down | transient |
/// | 506 `RESOURCE_ERROR`; 406 and 530 of `RabbitMQ`, for a limit that is reached | throttled |
/// | every other: 403 `ACCESS_REFUSED`, 404 `NOT_FOUND`, 406 `PRECONDITION_FAILED` | permanent |
///
/// The broker closes a channel with each error, and the connection with those from 501 on: let a retry take another one.
impl Classify for lapin::Error {
    fn class(&self) -> Class {
        match self.kind() {
            ErrorKind::IOError(error) => cause::class(error.as_ref()).unwrap_or(Class::Permanent),
            ErrorKind::MissingHeartbeatError
            | ErrorKind::InvalidConnectionState(_)
            | ErrorKind::InvalidChannelState(..) => Class::Transient,
            ErrorKind::ChannelsLimitReached => Class::Throttled { after: None },
            ErrorKind::ProtocolError(error) => class_of_answer(error),
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// An I/O error, with the rejection inside.
impl From<Error> for lapin::Error {
    fn from(rejection: Error) -> Self {
        std::io::Error::from(rejection).into()
    }
}

fn class_of_answer(error: &AMQPError) -> Class {
    let message = error.get_message().as_str();
    if message.contains("limit") && message.contains("is reached") {
        return Class::Throttled { after: None };
    }
    if message.contains("is down") {
        return Class::Transient;
    }
    match error.kind() {
        AMQPErrorKind::Hard(AMQPHardError::CONNECTIONFORCED | AMQPHardError::INTERNALERROR)
        | AMQPErrorKind::Soft(AMQPSoftError::NOCONSUMERS | AMQPSoftError::RESOURCELOCKED) => Class::Transient,
        AMQPErrorKind::Hard(AMQPHardError::RESOURCEERROR) => Class::Throttled { after: None },
        _ => Class::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use lapin::{ChannelState, ConnectionState};

    use super::*;

    fn answer(code: u16, message: &str) -> lapin::Error {
        let kind = AMQPErrorKind::from_id(code).unwrap();
        ErrorKind::ProtocolError(AMQPError::new(kind, message.into())).into()
    }

    #[test]
    fn each_code_has_its_class() {
        let (transient, throttled) = (Class::Transient, Class::Throttled { after: None });
        let table = [
            (320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", transient),
            (313, "NO_CONSUMERS", transient),
            (541, "INTERNAL_ERROR", transient),
            (405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue", transient),
            (404, "NOT_FOUND - home node 'b' of durable queue 'q' in vhost '/' is down or inaccessible", transient),
            (530, "NOT_ALLOWED - access to vhost 'shop' refused for user 'ada': vhost is down", transient),
            (506, "RESOURCE_ERROR", throttled),
            (406, "PRECONDITION_FAILED - cannot declare queue: queue limit in vhost '/' (1) is reached", throttled),
            (530, "NOT_ALLOWED - connection refused: user connection limit (1) is reached", throttled),
            (404, "NOT_FOUND - no queue 'q' in vhost '/'", Class::Permanent),
            (406, "PRECONDITION_FAILED - inequivalent arg 'durable'", Class::Permanent),
        ];

        for (code, message, class) in table {
            assert_eq!(answer(code, message).class(), class, "{message}");
        }
        for code in [311, 312, 402, 403, 501, 502, 503, 504, 505, 530, 540] {
            assert_eq!(answer(code, "").class(), Class::Permanent, "{code}");
        }
    }

    #[test]
    fn each_kind_has_its_class() {
        let io = |kind: io::ErrorKind| ErrorKind::IOError(Arc::new(io::Error::from(kind)));
        let table = [
            (io(io::ErrorKind::ConnectionReset), Class::Transient),
            (io(io::ErrorKind::InvalidData), Class::Permanent),
            (ErrorKind::IOError(Arc::new(io::Error::other("text"))), Class::Permanent),
            (ErrorKind::MissingHeartbeatError, Class::Transient),
            (ErrorKind::ChannelsLimitReached, Class::Throttled { after: None }),
            (ErrorKind::InvalidConnectionState(ConnectionState::Error), Class::Transient),
            (ErrorKind::InvalidConnectionState(ConnectionState::Closed), Class::Transient),
            (ErrorKind::InvalidChannelState(ChannelState::Error, "ack"), Class::Transient),
            (ErrorKind::InvalidChannelState(ChannelState::Closed, "ack"), Class::Transient),
            (ErrorKind::AuthProviderError("no token".to_owned()), Class::Permanent),
            (ErrorKind::NoDefaultRuntime, Class::Permanent),
        ];

        for (kind, class) in table {
            assert_eq!(lapin::Error::from(kind.clone()).class(), class, "{kind:?}");
        }
    }

    #[test]
    fn a_rejection_can_be_returned() {
        crate::ecosystem::tests::holds_rejections::<lapin::Error>();
    }
}
