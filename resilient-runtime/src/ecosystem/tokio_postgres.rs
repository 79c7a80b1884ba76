//! `tokio_postgres::Error`.

use std::error::Error as StdError;
use std::io;

use tokio_postgres::error::DbError;

use super::{cause, sqlstate};
use crate::{Class, Classify, Error};

/// By what the database said, else by what happened to the connection.
///
/// | error | class |
/// |---|---|
/// | 08P01 of `PgBouncer`: `query_wait_timeout`, too many clients | throttled |
/// | 08P01 of `PgBouncer`: its server is away, an idle client was closed | transient |
/// | 08P01 otherwise: a mistake of the client, also a wrong password behind `PgBouncer` | permanent |
/// | SQLSTATE class 08: the connection | transient |
/// | 25006: read-only, as after a fail-over | transient |
/// | no host fits `target_session_attrs`, as in the middle of a fail-over | transient |
/// | 40001, 40P01: a conflict with another transaction, a deadlock | transient |
/// | SQLSTATE class 53 but 53400: out of connections, memory, disk | transient |
/// | 55P03: a lock that was not waited for | transient |
/// | 57P01, 57P02, 57P03: shutting down, starting | transient |
/// | 25P03, 57P05: idle too long | transient |
/// | 58000, 58030: the system below the database, its I/O | transient |
/// | every other SQLSTATE | permanent |
/// | the connection was closed | transient |
/// | I/O, and all that has a source | that of the source |
/// | every other | permanent |
///
/// A database that became read-only stays so for its connection: let a retry take another one.
///
/// A failure inside a transaction is to be tried again with the whole transaction: put the attribute on the function
/// that begins it.
impl Classify for tokio_postgres::Error {
    fn class(&self) -> Class {
        if let Some(state) = self.code() {
            return sqlstate::class(state.code(), self.as_db_error().map_or("", DbError::message));
        }
        if self.is_closed() || is_of_another_role(self) || is_without_socket(self) {
            return Class::Transient;
        }
        self.source().and_then(cause::class).unwrap_or(Class::Permanent)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// A server on a Unix socket that is not up has no file.
fn is_without_socket(error: &tokio_postgres::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let is_missing = source.is_some_and(|source| source.kind() == io::ErrorKind::NotFound);
    is_missing && error.to_string().starts_with("error connecting to server")
}

/// The client refuses a server that is not what `target_session_attrs` asks for, with an I/O error of these words.
fn is_of_another_role(error: &tokio_postgres::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| {
        let message = source.to_string();
        ["database does not allow writes", "database is not read only"].contains(&message.as_str())
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio_postgres::{Config, NoTls};

    use super::*;

    /// The error of a server that answers the first message of a client with `answer` and hangs up.
    async fn error_from(answer: &[u8]) -> tokio_postgres::Error {
        let (client, mut server): (DuplexStream, DuplexStream) = tokio::io::duplex(1024);
        let mut config = Config::new();
        config.user("ada");
        let connecting = config.connect_raw(client, NoTls);
        let answering = async {
            let mut startup = [0; 64];
            let _ = server.read(&mut startup).await;
            server.write_all(answer).await.unwrap();
            drop(server);
        };
        let (connected, ()) = tokio::join!(connecting, answering);
        connected.err().unwrap()
    }

    /// An `ErrorResponse` of the protocol.
    fn refusal(state: &str) -> Vec<u8> {
        let fields = format!("SFATAL\0VFATAL\0C{state}\0Mno\0\0");
        let length = u32::try_from(fields.len() + 4).unwrap();
        [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
    }

    #[tokio::test]
    async fn each_state_has_its_class() {
        for state in ["08006", "40001", "40P01", "53300", "57P01", "57P03"] {
            assert_eq!(error_from(&refusal(state)).await.class(), Class::Transient, "{state}");
        }
        for state in ["28P01", "3D000", "42P01", "57014"] {
            assert_eq!(error_from(&refusal(state)).await.class(), Class::Permanent, "{state}");
        }
    }

    #[tokio::test]
    async fn a_lost_connection_is_transient() {
        assert_eq!(error_from(b"").await.class(), Class::Transient);
    }

    #[test]
    fn a_bad_configuration_is_permanent() {
        let error = "port=many".parse::<Config>().unwrap_err();

        assert_eq!(error.class(), Class::Permanent);
    }
}
