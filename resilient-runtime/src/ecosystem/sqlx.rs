//! `sqlx::Error`.

use super::{cause, sqlstate};
use crate::{Class, Classify, Error};

/// By variant, and by what the database said.
///
/// | error | class |
/// |---|---|
/// | `Database` | by its code, below |
/// | `Io` | that of the I/O error |
/// | `Tls` | that of the source, permanent where it is not known |
/// | `PoolTimedOut`, `WorkerCrashed` | transient |
/// | `Protocol`: the connection is out of step, the next one will not be | transient |
/// | every other | permanent |
///
/// | code | class |
/// |---|---|
/// | class 08: the connection | transient |
/// | 40001, 40P01: a conflict with another transaction, a deadlock | transient |
/// | class 53: out of connections, memory, disk | transient |
/// | 55P03: a lock that was not waited for | transient |
/// | 57P01, 57P02, 57P03, 57P05: shutting down, starting, idle too long | transient |
/// | 58000, 58030: the system below the database, its I/O | transient |
/// | of `SQLite`: busy (5) and locked (6), with their extended codes | transient |
/// | every other | permanent |
///
/// Permanent, among the others: 57014, a cancelled query, for an operator's cancelling looks the same as a statement's
/// time-out; and HY000, which `MySQL` gives to a time-out of a lock (error 1205) and to much else.
///
/// A failure inside a transaction is to be tried again with the whole transaction: put the attribute on the function
/// that begins it.
impl Classify for sqlx::Error {
    fn class(&self) -> Class {
        match self {
            Self::Database(error) => error.code().map_or(Class::Permanent, |code| class_of_code(&code)),
            Self::Io(error) => error.class(),
            Self::Tls(error) => cause::class(error.as_ref()).unwrap_or(Class::Permanent),
            Self::PoolTimedOut | Self::WorkerCrashed | Self::Protocol(_) => Class::Transient,
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// `SQLite`'s codes are numbers of at most four digits, a SQLSTATE has five characters.
fn class_of_code(code: &str) -> Class {
    if code.len() == 5 {
        return sqlstate::class(code);
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(SQLITE_BUSY | SQLITE_LOCKED) => Class::Transient,
        _ => Class::Permanent,
    }
}

// An extended code has the code that it extends in its lowest byte.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error as StdError;
    use std::fmt;
    use std::io::{self, ErrorKind};

    use sqlx::error::{DatabaseError, ErrorKind as DatabaseErrorKind};

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
            (sqlx::Error::Protocol("out of step".into()), Class::Transient),
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
        for code in ["08006", "40001", "40P01", "53300", "57P03", "5", "6", "261", "262", "517", "518", "773"] {
            assert_eq!(coded(code).class(), Class::Transient, "{code}");
        }
        for code in ["23505", "42P01", "57014", "HY000", "1", "8", "10", "11", "19", "2067", "8714", "-5", "", "x"] {
            assert_eq!(coded(code).class(), Class::Permanent, "{code}");
        }
        assert_eq!(coded(None).class(), Class::Permanent);
    }
}
