//! `anyhow::Error`.

use std::time::Duration;

use super::cause;
use crate::{Class, Classify, Error};

/// By the first error in the chain whose type this crate knows, as for `dyn std::error::Error`; permanent where
/// there is none. Contexts are passed over.
///
/// ```
/// use anyhow::Context;
/// use resilient::{Class, Classify};
///
/// let error = std::fs::read("/no such file").context("reading the settings").unwrap_err();
///
/// assert_eq!(error.class(), Class::Permanent);
/// ```
impl Classify for anyhow::Error {
    fn class(&self) -> Class {
        cause::class_of_erased(self.as_ref())
    }

    fn rejection(&self) -> Option<&Error> {
        cause::rejection(self.as_ref())
    }

    fn hint(&self) -> Option<Duration> {
        cause::hint(self.as_ref())
    }

    fn forbids_attempts(&self) -> bool {
        cause::forbids_attempts(self.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use anyhow::{Context, anyhow};

    use super::*;
    use crate::{PolicyKind, Reason};

    #[test]
    fn contexts_are_passed_over() {
        let reset = || anyhow::Error::from(io::Error::from(ErrorKind::ConnectionReset));

        assert_eq!(reset().class(), Class::Transient);
        assert_eq!(reset().context("one").context("two").class(), Class::Transient);
        assert_eq!(anyhow!("text").class(), Class::Permanent);
        assert_eq!(anyhow!("text").context("more").class(), Class::Permanent);
    }

    #[test]
    fn a_rejection_is_seen_below_contexts() {
        let rejection = Error::new(PolicyKind::Timeout, "inner", Reason::DeadlineExceeded);

        let error = Err::<(), _>(rejection.clone()).context("calling").unwrap_err();

        assert_eq!(error.rejection(), Some(&rejection));
        assert_eq!(error.class(), rejection.class());
        assert_eq!(anyhow!("text").rejection(), None);
    }
}
