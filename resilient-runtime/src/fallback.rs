//! The fallback: decides whether a failed call gets another answer, and keeps old ones.

use std::hash::Hash;
use std::time::Duration;

mod answer;
mod call;
mod failure;
mod kept;
mod watch;

use self::kept::Kept;
use crate::book::Ended;
use crate::list::{Described, Description};
use crate::notes::fallback::OBSERVED;
use crate::shell::{Shell, shell};
use crate::sync::const_fn;
use crate::tune::Live;
#[cfg(feature = "config")]
use crate::tune::{self, Key, Settings, every_value};
use crate::{Class, FromRejection, Mode, Outcome, Settled, When};

pub use self::answer::{Answer, ByFuture, ByValue, answer};
pub use self::call::FallbackCall;
pub use self::call::Keepable;
pub use self::failure::FallbackFailure;
pub use self::watch::FallbackWatch;

/// Gives a failed call another answer: a value, what a function says, or the last good outcome.
///
/// Every failure falls back but a permanent one: the caller's own mistake is not to be hidden, nor a cancellation.
///
/// ```
/// use resilient::{Fallback, call::Rescue};
///
/// static LOOKUP: Fallback = Fallback::named("lookup");
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let failed: Result<u32, std::io::Error> = Err(std::io::ErrorKind::ConnectionReset.into());
/// let outcome = match LOOKUP.settle(failed) {
///     Rescue::Accept(outcome) => outcome,
///     Rescue::FallBack(failure) => failure.value(42),
/// };
/// assert_eq!(outcome.unwrap(), 42);
/// # }
/// ```
///
/// # Old answers
///
/// A [`call`](Self::call) with a key [keeps](FallbackCall::keep) its good value, and [recalls](FallbackCall::recall) the last one
/// of that key while it is no older than [`max_age`](Self::max_age). At most [`MOST_KEPT`](Self::MOST_KEPT) are kept for each
/// type of value; the one that was kept longest ago leaves first. Keys are not kept: each is known by a 128-bit hash under
/// secrets of the process, as for [`Coalesce`](crate::Coalesce).
#[must_use = "a fallback answers for the calls that it is told of"]
pub struct Fallback {
    shell: Shell<Self>,
    config: Live<Config>,
    kept: Kept,
}

/// The settings of a fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    max_age: Duration,
}

/// The decision of [`Fallback::settle`].
#[derive(Debug)]
#[must_use]
pub enum Rescue<'a, T, E> {
    /// The call ends with this outcome.
    Accept(Result<T, E>),
    /// It failed, and may have another answer.
    FallBack(FallbackFailure<'a, E>),
}

/// A `Result` under whatever name, or one inside a [`Settled`], that can be taken apart.
#[diagnostic::on_unimplemented(
    message = "this takes an `Err`, but the function returns `{Self}`",
    label = "not a `Result`",
    note = "return a `Result`"
)]
pub trait IntoResult {
    /// The good value.
    type Value;
    /// The error.
    type Error;

    /// The `Result`, with a rejection as an error of its own type.
    ///
    /// # Errors
    ///
    /// The error that it holds.
    fn into_result(self) -> Result<Self::Value, Self::Error>;
}

impl Fallback {
    /// The number of old values of a type that are kept at the most.
    pub const MOST_KEPT: usize = 1_000;

    const_fn! {
        /// A fallback with the name that its events carry.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self { shell: Shell::named(name), config: Live::new(Config { max_age: Duration::MAX }), kept: Kept::new() }
        }
    }

    /// Greatest age of a value that is [recalled](FallbackCall::recall), from when it was kept. Default: any age.
    pub const fn max_age(mut self, max_age: Duration) -> Self {
        self.config.built.max_age = max_age;
        self
    }

    /// Says whether the outcome stands.
    pub fn settle<O: Outcome + IntoResult>(&self, outcome: O) -> Rescue<'_, O::Value, O::Error> {
        let class = outcome.class();
        self.decide(class, outcome.into_result())
    }

    /// As [`settle`](Self::settle), with the class that `when` assigns: `true`, transient and throttled fall back.
    pub fn settle_when<O: IntoResult, By>(&self, outcome: O, when: impl When<O, By>) -> Rescue<'_, O::Value, O::Error> {
        let class = when.class_of(&outcome);
        self.decide(class, outcome.into_result())
    }

    /// Watches over a call that begins now: one that is dropped before its outcome is there, or that panics, counts as abandoned.
    #[inline]
    pub const fn begin(&self) -> FallbackWatch<'_> {
        FallbackWatch::new(self)
    }

    fn decide<T, E>(&self, class: Class, outcome: Result<T, E>) -> Rescue<'_, T, E> {
        let (shell, mode) = (&self.shell, self.shell.mode());
        shell.count(Ended::of(class));
        match outcome {
            Err(error) if class.is_retryable() && mode == Mode::Enforce => {
                Rescue::FallBack(FallbackFailure::new(shell, class, error))
            }
            outcome => {
                if outcome.is_err() && class.is_retryable() && mode == Mode::Observe {
                    shell.note(OBSERVED, 1);
                }
                Rescue::Accept(outcome)
            }
        }
    }

    /// A call that begins now, with that key, which is not kept.
    ///
    /// # Panics
    ///
    /// If the key's `Hash` does.
    pub fn call<K: Hash + ?Sized>(&self, key: &K) -> FallbackCall<'_> {
        FallbackCall::new(self, key)
    }
}

shell!(
    Fallback is Fallback,
    modes: /// With [`Mode::Observe`](crate::Mode::Observe) it counts what would have fallen back. With
    /// [`Mode::Off`](crate::Mode::Off) it does nothing.
    , agrees: |one, other| one.config.built == other.config.built,
    shows: |this| { max_age: this.config.max_age, kept: this.kept }, resets: forget, tunes: Config
);

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        description.optional_time("stale", Some(self.max_age).filter(|age| *age < Duration::MAX));
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[Key::time("stale", "\"5m\"", every_value, |config, age| config.max_age = age)];

    fn kept() -> &'static tune::Kept<Self> {
        static KEPT: tune::Kept<Config> = tune::Kept::new();
        &KEPT
    }
}

impl<T, E> IntoResult for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

impl<T, E> IntoResult for Settled<Result<T, E>>
where
    Result<T, E>: FromRejection,
{
    type Value = T;
    type Error = E;

    fn into_result(self) -> Result<T, E> {
        crate::finish(self)
    }
}

impl Fallback {
    /// Says what it is told, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        description.settings_of(&self.config);
    }

    /// Forgets the values that it keeps.
    fn forget(&self) {
        self.kept.clear();
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    fn shown(fallback: &Fallback) -> Vec<String> {
        let mut description = Description::default();
        fallback.describe_to(&mut description);
        description.settings.into_iter().map(|setting| format!("{} = {}", setting.key, setting.value)).collect()
    }

    #[test]
    fn only_an_age_that_was_set_is_shown() {
        assert_eq!(shown(&Fallback::named("any age")), Vec::<String>::new());
        assert_eq!(shown(&Fallback::named("five minutes").max_age(Duration::from_secs(300))), ["stale = 300s"]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_reset_keeps_nothing() {
        let fallback = Fallback::named("reset");
        fallback.call("a").keep(Ok::<_, std::io::Error>(1)).unwrap();
        assert_eq!(fallback.call("a").recall(), Some(1));

        fallback.forget();

        assert_eq!(fallback.call("a").recall::<i32>(), None);
    }
}
