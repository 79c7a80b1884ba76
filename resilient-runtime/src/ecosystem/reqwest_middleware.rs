//! `reqwest_middleware::Error`.

use std::error::Error as StdError;
use std::time::Duration;

use reqwest_middleware::Error as MiddlewareError;

use super::cause;
use crate::{Class, Classify, Error};

/// As the error inside: that of reqwest, or of a middleware, as for `dyn std::error::Error`.
impl Classify for MiddlewareError {
    fn class(&self) -> Class {
        match self {
            Self::Reqwest(error) => error.class(),
            Self::Middleware(error) => cause::class(error.as_ref()).unwrap_or(Class::Permanent),
        }
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(inside(self))
    }

    fn hint(&self) -> Option<Duration> {
        cause::hint(inside(self))
    }

    fn forbids_attempts(&self) -> bool {
        cause::forbids_attempts(inside(self))
    }
}

/// The error of a middleware, with the rejection inside.
impl From<Error> for MiddlewareError {
    fn from(rejection: Error) -> Self {
        Self::middleware(rejection)
    }
}

/// Returns the error that it stands for. Its own source is that one's source, by which a search would miss it.
pub(super) fn inside(error: &MiddlewareError) -> &(dyn StdError + 'static) {
    match error {
        MiddlewareError::Reqwest(error) => error,
        MiddlewareError::Middleware(error) => error.as_ref(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;
    use crate::{PolicyKind, Reason};

    #[test]
    fn a_middlewares_error_has_the_class_of_the_one_inside() {
        let of = |kind| MiddlewareError::middleware(io::Error::from(kind));

        assert_eq!(of(ErrorKind::ConnectionReset).class(), Class::Transient);
        assert_eq!(of(ErrorKind::NotFound).class(), Class::Permanent);
    }

    #[test]
    fn a_rejection_is_seen_inside_and_in_a_box() {
        let rejection = Error::new(PolicyKind::Timeout, "inner", Reason::DeadlineExceeded);

        let error = MiddlewareError::from(rejection.clone());
        assert_eq!(error.rejection(), Some(&rejection));
        assert_eq!(error.class(), rejection.class());

        let boxed: Box<dyn StdError + Send + Sync> = error.into();
        assert_eq!(boxed.rejection(), Some(&rejection));
        assert_eq!(boxed.class(), rejection.class());
    }
}
