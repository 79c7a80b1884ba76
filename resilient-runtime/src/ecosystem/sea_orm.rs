//! `sea_orm::DbErr`.

use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, TransactionError};

use super::cause;
use crate::{Class, Classify, Error};

/// By variant, and by the error of sqlx inside.
///
/// | error | class |
/// |---|---|
/// | `Conn`, `Exec`, `Query` with an error of sqlx | that of the [error](sqlx_0_9::Error) |
/// | `ConnectionAcquire`: no connection was free in time | transient |
/// | every other: a pool that is closed, a record that is not there, a value that does not convert, an error of `rusqlite` | permanent |
///
/// A failure inside a transaction is to be tried again with the whole transaction: put the attribute on the function
/// that begins it.
impl Classify for DbErr {
    fn class(&self) -> Class {
        match self {
            Self::Conn(RuntimeErr::SqlxError(error))
            | Self::Exec(RuntimeErr::SqlxError(error))
            | Self::Query(RuntimeErr::SqlxError(error)) => error.class(),
            Self::ConnectionAcquire(ConnAcquireErr::Timeout) => Class::Transient,
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }
}

/// The class of the error inside: of the connection, or of the caller's own function.
impl<E: Classify> Classify for TransactionError<E> {
    fn class(&self) -> Class {
        inside(self).class()
    }

    fn rejection(&self) -> Option<&Error> {
        inside(self).rejection()
    }

    fn hint(&self) -> Option<Duration> {
        inside(self).hint()
    }

    fn forbids_attempts(&self) -> bool {
        inside(self).forbids_attempts()
    }
}

fn inside<E: Classify>(error: &TransactionError<E>) -> &dyn Classify {
    match error {
        TransactionError::Connection(error) => error,
        TransactionError::Transaction(error) => error,
    }
}
