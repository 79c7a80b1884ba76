//! `mysql_async::Error`.

use mysql_async::{DriverError, Error as MysqlError, IoError, ServerError};

use super::{cause, mysql, sqlstate};
use crate::{Class, Classify, Error};

/// By what the server said, else by what happened to the connection.
///
/// | error | class |
/// |---|---|
/// | `Server` | by its number and its SQLSTATE, below |
/// | `Io` | that of the I/O error; transient if the packets are out of step |
/// | TLS, `Other` | that of the source, permanent where it is not known |
/// | `Driver`: the connection was closed, or is out of step | transient |
/// | every other: a value that does not convert, a way of logging in that the client does not know, the URL, a pool that somebody closed | permanent |
///
/// | number or state | class |
/// |---|---|
/// | 1290, 1836: read-only, as after a fail-over | transient |
/// | 1020, 1205, 1213, 1412, 3101, 3572, SQLSTATE 40001: a conflict, a deadlock, a lock | transient |
/// | 1053, 1927, 3032, 4031: shutting down, killed, idle too long | transient |
/// | 1021, 1037, 1041, 1114, 1135: out of disk, memory, threads | transient |
/// | SQLSTATE class 08, among them 1040: the connection | transient |
/// | 1203, 1226, 1461, 1637: a quota | throttled |
/// | every other, also 1153, a packet that is too large, and 1792, a transaction that was begun as read-only | permanent |
///
/// A database that became read-only stays so for its connection: let a retry take another one.
///
/// A failure inside a transaction is to be tried again with the whole transaction: put the attribute on the function
/// that begins it.
///
/// `mysql_async::Pool` waits for a free connection for ever; give it a `#[timeout]`.
impl Classify for MysqlError {
    fn class(&self) -> Class {
        match self {
            Self::Server(answer) => class_of_answer(answer),
            Self::Io(error) => class_of_io(error),
            Self::Driver(error) => class_of_driver(error),
            Self::Other(error) => cause::class(error.as_ref()).unwrap_or(Class::Permanent),
            Self::Url(_) => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// The error of another, with the rejection inside.
impl From<Error> for MysqlError {
    fn from(rejection: Error) -> Self {
        Self::Other(Box::new(rejection))
    }
}

fn class_of_answer(answer: &ServerError) -> Class {
    mysql::class(answer.code, &answer.message).unwrap_or_else(|| sqlstate::class(&answer.state, &answer.message))
}

fn class_of_io(error: &IoError) -> Class {
    if matches!(error, IoError::Io(error) if is_out_of_step(&error.to_string())) {
        return Class::Transient;
    }
    cause::class(error).unwrap_or(Class::Permanent)
}

/// The codec's own type is not exported.
fn is_out_of_step(message: &str) -> bool {
    ["Packets out of sync", "Bad compressed packet header"].contains(&message)
}

fn class_of_driver(error: &DriverError) -> Class {
    match error {
        DriverError::ConnectionClosed
        | DriverError::PacketOutOfOrder
        | DriverError::UnexpectedPacket { .. }
        | DriverError::BadCompressedPacketHeader => Class::Transient,
        _ => Class::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;

    fn server(code: u16, state: &str, message: &str) -> MysqlError {
        ServerError { code, state: state.to_owned(), message: message.to_owned() }.into()
    }

    #[test]
    fn a_rejection_converts_and_is_found() {
        crate::ecosystem::tests::holds_rejections::<MysqlError>();
    }

    #[test]
    fn each_answer_has_its_class() {
        let throttled = Class::Throttled { after: None };
        let table = [
            (server(1205, "HY000", "Lock wait timeout exceeded"), Class::Transient),
            (server(1213, "40001", "Deadlock found"), Class::Transient),
            (server(1040, "08004", "Too many connections"), Class::Transient),
            (server(1290, "HY000", "running with the --read-only option"), Class::Transient),
            (server(1290, "HY000", "running with the --secure-file-priv option"), Class::Permanent),
            (server(1226, "42000", "max_user_connections"), throttled),
            (server(1153, "08S01", "a packet bigger than 'max_allowed_packet'"), Class::Permanent),
            (server(1062, "23000", "Duplicate entry"), Class::Permanent),
        ];

        for (error, class) in table {
            assert_eq!(error.class(), class, "{error}");
        }
    }

    #[test]
    fn each_variant_has_its_class() {
        let io = |kind: ErrorKind| MysqlError::from(io::Error::from(kind));
        let words = |words: &'static str| MysqlError::from(io::Error::other(words));
        let table = [
            (io(ErrorKind::ConnectionReset), Class::Transient),
            (io(ErrorKind::PermissionDenied), Class::Permanent),
            (words("Packets out of sync"), Class::Transient),
            (words("Packet is larger than max_allowed_packet"), Class::Permanent),
            (DriverError::ConnectionClosed.into(), Class::Transient),
            (DriverError::PacketOutOfOrder.into(), Class::Transient),
            (DriverError::PoolDisconnected.into(), Class::Permanent),
            (DriverError::NestedTransaction.into(), Class::Permanent),
            (MysqlError::Other(io::Error::from(ErrorKind::TimedOut).into()), Class::Transient),
            (MysqlError::Other("text".into()), Class::Permanent),
        ];

        for (error, class) in table {
            assert_eq!(error.class(), class, "{error}");
        }
    }
}
