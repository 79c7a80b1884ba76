//! `sqlx::Error`.

use sqlx::error::DatabaseError;

use super::{cause, mysql, sqlstate};
use crate::{Class, Classify, Error};

/// By variant, and by what the database said.
///
/// | error | class |
/// |---|---|
/// | `Database` | by its code, below |
/// | `Io` | that of the I/O error |
/// | `Tls` | that of the source, permanent where it is not known |
/// | `PoolTimedOut`, `WorkerCrashed` | transient |
/// | every other, as `Protocol`: too many arguments, a way of logging in that the client does not know | permanent |
///
/// | code | class |
/// |---|---|
/// | 08P01 of `PgBouncer`: `query_wait_timeout`, too many clients | throttled |
/// | 08P01 of `PgBouncer`: its server is away, an idle client was closed | transient |
/// | 08P01 otherwise: a mistake of the client, also a wrong password behind `PgBouncer` | permanent |
/// | class 08: the connection | transient |
/// | 25006, and 1290 and 1836 of `MySQL`: read-only, as after a fail-over | transient |
/// | 25P03, 57P05: idle too long | transient |
/// | 40001, 40P01, and 1020, 1205, 1412, 3572 of `MySQL`: a conflict, a deadlock, a lock | transient |
/// | class 53 but 53400, and 1021, 1041, 1114 of `MySQL`: out of connections, memory, disk | transient |
/// | 1203, 1226, 1461, 1637 of `MySQL`: a quota | throttled |
/// | 55P03: a lock that was not waited for | transient |
/// | 57P01, 57P02, 57P03, and 1053, 1927, 3032 of `MySQL`: shutting down, starting, killed | transient |
/// | 58000, 58030: the system below the database, its I/O | transient |
/// | of `SQLite`: busy (5), locked (6) and full (13), with their extended codes | transient |
/// | every other | permanent |
///
/// Permanent, among the others: 57014, a cancelled query, for an operator's cancelling looks the same as a statement's
/// time-out; 1792 of `MySQL`, a transaction that was begun as read-only; and 1153, a packet that is too large.
///
/// A database that became read-only stays so for its connection: let the pool drop it, or retries meet the same server.
///
/// A failure inside a transaction is to be tried again with the whole transaction: put the attribute on the function
/// that begins it.
impl Classify for sqlx::Error {
    fn class(&self) -> Class {
        match self {
            Self::Database(error) => class_of_answer(error.as_ref()),
            Self::Io(error) => error.class(),
            Self::Tls(error) => cause::class(error.as_ref()).unwrap_or(Class::Permanent),
            Self::PoolTimedOut | Self::WorkerCrashed => Class::Transient,
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

fn class_of_answer(error: &dyn DatabaseError) -> Class {
    // The number of `MySQL` is in its own type only, or in the text.
    let by_number = || mysql::class(mysql::number(&error.to_string())?, error.message());
    by_number().unwrap_or_else(|| error.code().map_or(Class::Permanent, |code| class_of_code(&code, error.message())))
}

/// `SQLite`'s codes are numbers of at most four digits, a SQLSTATE has five characters.
fn class_of_code(code: &str, message: &str) -> Class {
    if code.len() == 5 {
        return sqlstate::class(code, message);
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(SQLITE_BUSY | SQLITE_LOCKED | SQLITE_FULL) => Class::Transient,
        _ => Class::Permanent,
    }
}

// An extended code has the code that it extends in its lowest byte.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_FULL: u32 = 13;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error as StdError;
    use std::fmt;
    use std::io::{self, ErrorKind};

    use sqlx::error::ErrorKind as DatabaseErrorKind;

    use super::*;

    #[derive(Debug)]
    struct Coded(Option<&'static str>);

    impl fmt::Display for Coded {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("coded")
        }
    }

    impl StdError for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &'static str {
            "coded"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            self.0.map(Cow::Borrowed)
        }

        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> DatabaseErrorKind {
            DatabaseErrorKind::Other
        }
    }

    fn coded(code: impl Into<Option<&'static str>>) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Coded(code.into())))
    }

    #[test]
    fn each_variant_has_its_class() {
        let io = |kind: ErrorKind| io::Error::from(kind);
        let table = [
            (sqlx::Error::Io(io(ErrorKind::ConnectionReset)), Class::Transient),
            (sqlx::Error::Io(io(ErrorKind::PermissionDenied)), Class::Permanent),
            (sqlx::Error::Tls(io(ErrorKind::UnexpectedEof).into()), Class::Transient),
            (sqlx::Error::Tls("bad certificate".into()), Class::Permanent),
            (sqlx::Error::PoolTimedOut, Class::Transient),
            (sqlx::Error::WorkerCrashed, Class::Transient),
            (sqlx::Error::Protocol("too many arguments for query".into()), Class::Permanent),
            (sqlx::Error::PoolClosed, Class::Permanent),
            (sqlx::Error::RowNotFound, Class::Permanent),
            (sqlx::Error::ColumnNotFound("id".into()), Class::Permanent),
            (sqlx::Error::ColumnIndexOutOfBounds { index: 1, len: 1 }, Class::Permanent),
            (sqlx::Error::TypeNotFound { type_name: "mood".into() }, Class::Permanent),
            (sqlx::Error::Configuration("no host".into()), Class::Permanent),
            (sqlx::Error::Decode("not a number".into()), Class::Permanent),
            (sqlx::Error::Encode("too long".into()), Class::Permanent),
            (sqlx::Error::BeginFailed, Class::Permanent),
        ];

        for (error, class) in table {
            assert_eq!(error.class(), class, "{error:?}");
        }
    }

    #[test]
    fn each_code_has_its_class() {
        for code in
            ["08006", "40001", "40P01", "53300", "57P03", "5", "6", "261", "262", "517", "518", "773", "13", "25006"]
        {
            assert_eq!(coded(code).class(), Class::Transient, "{code}");
        }
        for code in ["23505", "42P01", "57014", "HY000", "1", "8", "10", "11", "19", "2067", "8714", "-5", "", "x"] {
            assert_eq!(coded(code).class(), Class::Permanent, "{code}");
        }
        assert_eq!(coded(None).class(), Class::Permanent);
    }
}
