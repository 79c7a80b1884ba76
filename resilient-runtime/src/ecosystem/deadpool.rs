//! `deadpool::managed::PoolError`.

use deadpool::managed::{HookError, PoolError};

use crate::{Class, Classify, Error};

/// By variant.
///
/// | error | class |
/// |---|---|
/// | `Timeout`: no connection was free, or none could be made in time | transient |
/// | `Backend`, a hook's `Backend` | that of the error inside |
/// | every other | permanent |
///
/// Behind a `dyn Error` the type of the error inside is unknown, and the class comes of its sources and of the pool's words.
impl<E: Classify> Classify for PoolError<E> {
    fn class(&self) -> Class {
        match self {
            Self::Timeout(_) => Class::Transient,
            _ => inside(self).map_or(Class::Permanent, Classify::class),
        }
    }

    fn rejection(&self) -> Option<&Error> {
        inside(self)?.rejection()
    }

    fn hint(&self) -> Option<std::time::Duration> {
        inside(self)?.hint()
    }

    fn forbids_attempts(&self) -> bool {
        inside(self).is_some_and(Classify::forbids_attempts)
    }
}

fn inside<E>(error: &PoolError<E>) -> Option<&E> {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Some(error),
        _ => None,
    }
}
