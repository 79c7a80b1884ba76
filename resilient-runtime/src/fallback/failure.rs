//! A failure that may have another answer, and what is said of it.

use super::Fallback;
use crate::Class;
use crate::event::Event;
use crate::notes::fallback::{ANSWERED, UNANSWERED};
use crate::shell::Shell;
use crate::vocabulary::FallbackSource;

/// A failure that may have another answer; from [`Rescue::FallBack`](crate::call::Rescue::FallBack).
///
/// The method that takes an answer says which kind it is. Events and the test kit
/// say: `fell back`, with the kind, if there was an answer, and otherwise, at the level `DEBUG`, that there was none.
#[derive(Debug)]
#[must_use = "the call ends with an answer, or with the error"]
pub struct FallbackFailure<'a, E> {
    policy: &'a Shell<Fallback>,
    class: Class,
    error: E,
}

impl<'a, E> FallbackFailure<'a, E> {
    pub(super) const fn new(policy: &'a Shell<Fallback>, class: Class, error: E) -> Self {
        Self { policy, class, error }
    }

    /// The error of the call.
    pub const fn error(&self) -> &E {
        &self.error
    }

    /// Ends the call with a value that was kept.
    ///
    /// # Errors
    ///
    /// Never one: it is `Ok(value)`.
    pub fn stale<T>(self, value: T) -> Result<T, E> {
        self.fell_back(FallbackSource::Stale);
        Ok(value)
    }

    /// Ends the call with the answer of a function.
    ///
    /// # Errors
    ///
    /// Never one: it is `Ok(value)`.
    pub fn with<T>(self, value: T) -> Result<T, E> {
        self.fell_back(FallbackSource::Function);
        Ok(value)
    }

    /// Ends the call with a value.
    ///
    /// # Errors
    ///
    /// Never one: it is `Ok(value)`.
    pub fn value<T>(self, value: T) -> Result<T, E> {
        self.fell_back(FallbackSource::Value);
        Ok(value)
    }

    /// Ends the call with its error, since there is no answer.
    ///
    /// # Errors
    ///
    /// Always the error of the call.
    pub fn unanswered<T>(self) -> Result<T, E> {
        self.policy.note(UNANSWERED, 1);
        self.policy.emit(Event::Unanswered { policy: self.policy.name(), class: self.class });
        Err(self.error)
    }

    fn fell_back(&self, answer: FallbackSource) {
        self.policy.note(ANSWERED + answer as usize, 1);
        self.policy.emit(Event::FellBack { policy: self.policy.name(), class: self.class, answer });
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use crate::event::Event;
    use crate::vocabulary::FallbackSource;
    use crate::{Class, Fallback, call::Rescue};

    #[test]
    fn each_end_says_what_it_was() {
        static LOOKUP: Fallback = Fallback::named("lookup");
        let log = crate::test::record();
        let fail = || {
            let failed: Result<u32, std::io::Error> = Err(std::io::ErrorKind::ConnectionReset.into());
            let Rescue::FallBack(failure) = LOOKUP.settle(failed) else { panic!("it falls back") };
            failure
        };

        assert_eq!((fail().stale(1).unwrap(), fail().with(2).unwrap(), fail().value(3).unwrap()), (1, 2, 3));
        assert!(fail().unanswered::<u32>().is_err());

        let kinds = [FallbackSource::Stale, FallbackSource::Function, FallbackSource::Value]
            .map(|kind| (Class::Transient, kind));
        assert_eq!(log.fell_back("lookup"), kinds);
        assert_eq!(log.events().last(), Some(&Event::Unanswered { policy: "lookup", class: Class::Transient }));
    }
}
