//! `bb8::RunError`.

use bb8::RunError;

use crate::{Class, Classify, Error};

/// A time-out is transient: no connection was free, or the server is down, which the pool does not tell. The user's error has its own
/// class.
///
/// Behind a `dyn Error` the type of the user's error is unknown, and the class comes of its sources and of the pool's words.
impl<E: Classify> Classify for RunError<E> {
    fn class(&self) -> Class {
        inside(self).map_or(Class::Transient, Classify::class)
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

fn inside<E>(error: &RunError<E>) -> Option<&E> {
    match error {
        RunError::User(error) => Some(error),
        RunError::TimedOut => None,
    }
}
