//! Errors whose type has been erased.

use std::error::Error as StdError;
use std::time::Duration;

use super::cause;
use crate::{Class, Classify, Error};

/// By the first error in the chain of sources, from the outermost inwards, whose type this crate knows:
///
/// * [`resilient::Error`](Error), [`std::io::Error`], [`Elapsed`](tokio::time::error::Elapsed);
/// * the errors of the crates whose features are enabled.
///
/// An I/O error of kind `Other` that carries another error counts as that one. Where nothing is known the class is
/// permanent, even if an error of your own in the chain implements `Classify`: its type has been erased, and its
/// implementation with it. Give the attribute a `when` for those. The first such error of the process is told by
/// [`Event::Unclassified`](crate::Event::Unclassified), of level `WARN`.
///
/// A `Box` of it is classified the same way.
///
/// ```
/// use std::error::Error;
/// use std::io::ErrorKind;
///
/// use resilient::{Class, Classify};
///
/// let reset: Box<dyn Error + Send + Sync> = std::io::Error::from(ErrorKind::ConnectionReset).into();
/// assert_eq!(reset.class(), Class::Transient);
///
/// let text: Box<dyn Error + Send + Sync> = "no such user".into();
/// assert_eq!(text.class(), Class::Permanent);
/// ```
// `do_not_recommend`: erasing its type is not what to do about an error that is not classified.
#[diagnostic::do_not_recommend]
impl Classify for dyn StdError + Send + Sync {
    fn class(&self) -> Class {
        cause::class_of_erased(self)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }

    fn hint(&self) -> Option<Duration> {
        cause::hint(self)
    }

    fn forbids_attempts(&self) -> bool {
        cause::forbids_attempts(self)
    }
}

/// As `dyn Error + Send + Sync`.
#[diagnostic::do_not_recommend]
impl Classify for dyn StdError + Send {
    fn class(&self) -> Class {
        cause::class_of_erased(self)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }

    fn hint(&self) -> Option<Duration> {
        cause::hint(self)
    }

    fn forbids_attempts(&self) -> bool {
        cause::forbids_attempts(self)
    }
}

/// As `dyn Error + Send + Sync`.
#[diagnostic::do_not_recommend]
impl Classify for dyn StdError {
    fn class(&self) -> Class {
        cause::class_of_erased(self)
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self)
    }

    fn hint(&self) -> Option<Duration> {
        cause::hint(self)
    }

    fn forbids_attempts(&self) -> bool {
        cause::forbids_attempts(self)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};
    use std::sync::Arc;

    use super::*;
    use crate::{Outcome, PolicyKind, Reason};

    #[test]
    fn boxes_of_every_kind_are_classified() {
        for (kind, class) in [(ErrorKind::BrokenPipe, Class::Transient), (ErrorKind::NotFound, Class::Permanent)] {
            let error = || io::Error::from(kind);

            assert_eq!((Box::new(error()) as Box<dyn StdError>).class(), class);
            assert_eq!((Box::new(error()) as Box<dyn StdError + Send>).class(), class);
            assert_eq!((Box::new(error()) as Box<dyn StdError + Send + Sync>).class(), class);
            assert_eq!((Arc::new(error()) as Arc<dyn StdError + Send + Sync>).class(), class);
        }
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn an_error_that_nobody_knows_is_told() {
        #[derive(Debug)]
        struct Own;
        impl std::fmt::Display for Own {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("own")
            }
        }
        impl StdError for Own {}
        let log = crate::test::record();
        let told = || log.count(|event| matches!(event, crate::Event::Unclassified));

        assert_eq!((Box::new(io::Error::from(ErrorKind::NotFound)) as Box<dyn StdError>).class(), Class::Permanent);
        assert_eq!(told(), 0, "a type that is known");
        assert_eq!((Box::new(Own) as Box<dyn StdError + Send + Sync>).class(), Class::Permanent);
        assert_eq!(told(), 1);
        assert_eq!((Box::new(io::Error::other(Own)) as Box<dyn StdError + Send>).class(), Class::Permanent);
        assert_eq!(told(), 2);
    }

    #[test]
    fn a_rejection_is_seen_in_a_box() {
        let rejection = Error::new(PolicyKind::Timeout, "inner", Reason::DeadlineExceeded);

        let outcome: Result<(), Box<dyn StdError + Send + Sync>> = Err(rejection.clone().into());

        assert_eq!(Outcome::rejection(&outcome), Some(&rejection));
        assert_eq!(Outcome::class(&outcome), rejection.class());
    }
}
