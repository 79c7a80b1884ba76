//! `sqlx::Error`, of each version that applications use.

use super::{cause, mysql, sqlstate};
use crate::{Class, Classify, Error};

macro_rules! classified {
    ($sqlx:ident) => {
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
        impl Classify for $sqlx::Error {
            fn class(&self) -> Class {
                match self {
                    Self::Database(error) => {
                        class_of_answer(&error.to_string(), error.message(), error.code().as_deref())
                    }
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

        /// An I/O error, with the rejection inside.
        impl From<Error> for $sqlx::Error {
            fn from(rejection: Error) -> Self {
                Self::Io(rejection.into())
            }
        }
    };
}

#[cfg(feature = "sqlx-0-8")]
classified!(sqlx);
#[cfg(feature = "sqlx-0-9")]
classified!(sqlx_0_9);

fn class_of_answer(text: &str, message: &str, code: Option<&str>) -> Class {
    // The number of `MySQL` is in its own type only, or in the text.
    let by_number = || mysql::class(mysql::number(text)?, message);
    by_number().unwrap_or_else(|| code.map_or(Class::Permanent, |code| class_of_code(code, message)))
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
    use std::io::{self, ErrorKind};

    use super::*;

    macro_rules! each_variant_has_its_class {
        ($name:ident, $sqlx:ident) => {
            #[test]
            fn $name() {
                use $sqlx::Error;

                let io = |kind: ErrorKind| io::Error::from(kind);
                let table = [
                    (Error::Io(io(ErrorKind::ConnectionReset)), Class::Transient),
                    (Error::Io(io(ErrorKind::PermissionDenied)), Class::Permanent),
                    (Error::Tls(io(ErrorKind::UnexpectedEof).into()), Class::Transient),
                    (Error::Tls("bad certificate".into()), Class::Permanent),
                    (Error::PoolTimedOut, Class::Transient),
                    (Error::WorkerCrashed, Class::Transient),
                    (Error::Protocol("too many arguments for query".into()), Class::Permanent),
                    (Error::PoolClosed, Class::Permanent),
                    (Error::RowNotFound, Class::Permanent),
                    (Error::ColumnNotFound("id".into()), Class::Permanent),
                    (Error::ColumnIndexOutOfBounds { index: 1, len: 1 }, Class::Permanent),
                    (Error::TypeNotFound { type_name: "mood".into() }, Class::Permanent),
                    (Error::Configuration("no host".into()), Class::Permanent),
                    (Error::Decode("not a number".into()), Class::Permanent),
                    (Error::Encode("too long".into()), Class::Permanent),
                    (Error::BeginFailed, Class::Permanent),
                ];

                for (error, class) in table {
                    assert_eq!(error.class(), class, "{error:?}");
                }
                crate::ecosystem::tests::holds_rejections::<Error>();
            }
        };
    }

    #[cfg(feature = "sqlx-0-8")]
    each_variant_has_its_class!(each_variant_of_0_8_has_its_class, sqlx);
    #[cfg(feature = "sqlx-0-9")]
    each_variant_has_its_class!(each_variant_of_0_9_has_its_class, sqlx_0_9);

    #[test]
    fn each_code_has_its_class() {
        let coded = |code| class_of_answer("coded", "coded", code);

        for code in
            ["08006", "40001", "40P01", "53300", "57P03", "5", "6", "261", "262", "517", "518", "773", "13", "25006"]
        {
            assert_eq!(coded(Some(code)), Class::Transient, "{code}");
        }
        for code in ["23505", "42P01", "57014", "HY000", "1", "8", "10", "11", "19", "2067", "8714", "-5", "", "x"] {
            assert_eq!(coded(Some(code)), Class::Permanent, "{code}");
        }
        assert_eq!(coded(None), Class::Permanent);
    }
}
