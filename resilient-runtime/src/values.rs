//! Good values that are failures all the same: a response with status 503 is an `Ok`.

use std::time::Duration;

use crate::when::settled;
use crate::{Class, Classified, Classify, Error, Quota, When};

/// A good value that can mean a failure.
///
/// The responses of HTTP clients implement it (features `http` and `reqwest`). A function that returns a `Result` of something
/// named `…Response` is classified by it without a `when`; for others, write `when = resilient::call::values(…)`.
pub trait ClassifyValue {
    /// Returns what the value means.
    fn class_of_value(&self) -> Class;

    /// Returns how long the server asked callers to stay away from a failure that is transient all the same, as
    /// [`Classify::hint`] does.
    fn hint_of_value(&self) -> Option<Duration> {
        None
    }

    /// Returns what it says about how much the server still allows; nothing unless implemented.
    ///
    /// A [`RateLimit`](crate::RateLimit) on a function that returns something named `…Response` heeds it.
    fn quota_of_value(&self) -> Quota {
        Quota::default()
    }
}

/// Classifies the value of an `Ok` by `class`, which returns a [`Class`] or a [`Classified`], and an `Err` as it is; for the `when` of an
/// attribute.
///
/// ```
/// use resilient::{Class, Classify, retry, call::values};
///
/// #[derive(Debug, Classify)]
/// #[transient]
/// struct Down;
///
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
/// #[retry(backoff = "none", when = values(|page: &String| if page.is_empty() { Class::Transient } else { Class::Success }))]
/// async fn page() -> Result<String, Down> {
///     # if ATTEMPTS.fetch_add(1, Ordering::Relaxed) == 1 { return Ok("text".to_owned()) }
///     Ok(String::new())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { assert_eq!(page().await.unwrap(), "text"); }
/// ```
pub const fn values<F>(class: F) -> Values<F> {
    Values(class)
}

/// The return value of [`values`].
#[derive(Debug, Clone, Copy)]
pub struct Values<F>(F);

/// Marks a [`When`] over the good value of a `Result`.
#[derive(Debug, Clone, Copy)]
pub struct ByGoodValue;

#[diagnostic::do_not_recommend]
impl<F, T, E, C> When<Result<T, E>, ByGoodValue> for Values<F>
where
    F: Fn(&T) -> C,
    C: Into<Classified<'static>>,
    E: Classify,
{
    fn class_of(&self, outcome: &Result<T, E>) -> Class {
        match outcome {
            Ok(value) => (self.0)(value).into().class,
            Err(error) => error.class(),
        }
    }

    fn rejection_in<'o>(&self, outcome: &'o Result<T, E>) -> Option<&'o Error> {
        outcome.as_ref().err().and_then(Classify::rejection)
    }

    fn hint_in(&self, outcome: &Result<T, E>) -> Option<Duration> {
        match outcome {
            Ok(value) => (self.0)(value).into().hint,
            Err(error) => error.hint(),
        }
    }
}

settled!(ByGoodValue);

/// The class of a value and the hint beside it if its type says them, and [`Class::Success`] otherwise.
///
/// It looks at the type where it is written: in a function that is generic over it, the class is success. That is what
/// an `Ok` means to everybody else.
///
/// ```
/// # use resilient::Class;
/// assert_eq!(resilient::classify_value!(&5).class, Class::Success);
/// ```
#[macro_export]
macro_rules! classify_value {
    ($value:expr) => {{
        use $crate::__values::AnyValue as _;
        $crate::__values::Value($value).classify()
    }};
}

/// The quota that a value says the server still allows, if its type knows one; as [`classify_value!`].
///
/// ```
/// # use resilient::Quota;
/// assert_eq!(resilient::quota_of_value!(&5), Quota::default());
/// ```
#[macro_export]
macro_rules! quota_of_value {
    ($value:expr) => {{
        use $crate::__values::AnyValue as _;
        $crate::__values::Value($value).quota()
    }};
}

/// The class of an outcome of any type: that of its [`Outcome`](crate::Outcome), if it is one. Of another `Result`, an `Ok` is a success and an `Err`
/// permanent; anything else is a success.
///
/// It looks at the type where it is written, as [`classify_value!`] does.
///
/// ```
/// # use resilient::{Class, class_of_outcome};
/// let refused: Result<u8, std::io::Error> = Err(std::io::ErrorKind::ConnectionRefused.into());
/// assert_eq!(class_of_outcome!(&refused), Class::Transient);
/// assert_eq!(class_of_outcome!(&Err::<u8, &str>("no class")), Class::Permanent);
/// assert_eq!(class_of_outcome!(&5), Class::Success);
/// ```
#[macro_export]
macro_rules! class_of_outcome {
    ($outcome:expr) => {{
        #[allow(unused_imports)]
        use $crate::__values::{AnyOutcome as _, AnyResult as _};
        (&$crate::__values::Ended($outcome)).class()
    }};
}

/// The class of an outcome of any type, as [`class_of_outcome!`], and the rejection that it is or wraps.
#[doc(hidden)]
#[macro_export]
macro_rules! classified {
    ($outcome:expr) => {{
        #[allow(unused_imports)]
        use $crate::__values::{AnyOutcome as _, AnyResult as _};
        (&$crate::__values::Ended($outcome)).classified()
    }};
}

/// Tells [`classify_value!`] whether a type is a [`ClassifyValue`]: a method of the type itself goes before one of
/// a trait.
#[doc(hidden)]
pub mod probe {
    use super::{Class, ClassifyValue, Quota};
    use crate::{Classified, Classify, Outcome, Settled};

    #[derive(Debug)]
    pub struct Ended<'a, O>(pub &'a O);

    impl<O: Outcome> Ended<'_, O> {
        pub fn class(&self) -> Class {
            self.0.class()
        }
    }

    impl<'a, O: Outcome> Ended<'a, O> {
        pub fn classified(&self) -> Classified<'a> {
            Classified::of(self.0)
        }
    }

    pub trait AnyResult<'a> {
        fn class(&self) -> Class;

        fn classified(&self) -> Classified<'a> {
            Classified::from(self.class())
        }
    }

    impl<'a, T, E> AnyResult<'a> for Ended<'a, Settled<Result<T, E>>> {
        fn class(&self) -> Class {
            match self.0 {
                Settled::Outcome(Ok(_)) => Class::Success,
                Settled::Outcome(Err(_)) => Class::Permanent,
                Settled::Rejected(rejection) => rejection.class(),
            }
        }

        fn classified(&self) -> Classified<'a> {
            let rejection = if let Settled::Rejected(rejection) = self.0 { Some(rejection) } else { None };
            Classified { rejection, ..Classified::from(self.class()) }
        }
    }

    impl<'a, T, E> AnyResult<'a> for Ended<'a, Result<T, E>> {
        fn class(&self) -> Class {
            if self.0.is_ok() { Class::Success } else { Class::Permanent }
        }
    }

    /// For a reference, so that it comes after the others.
    pub trait AnyOutcome<'a> {
        fn class(&self) -> Class;
        fn classified(&self) -> Classified<'a>;
    }

    impl<'a, O> AnyOutcome<'a> for &Ended<'a, O> {
        fn class(&self) -> Class {
            Class::Success
        }

        fn classified(&self) -> Classified<'a> {
            Classified::from(Class::Success)
        }
    }

    #[derive(Debug)]
    pub struct Value<'a, T>(pub &'a T);

    impl<T: ClassifyValue> Value<'_, T> {
        pub fn classify(&self) -> Classified<'static> {
            Classified { hint: self.0.hint_of_value(), ..self.0.class_of_value().into() }
        }

        pub fn quota(&self) -> Quota {
            self.0.quota_of_value()
        }
    }

    pub trait AnyValue {
        fn classify(&self) -> Classified<'static>;
        fn quota(&self) -> Quota;
    }

    impl<T> AnyValue for Value<'_, T> {
        fn classify(&self) -> Classified<'static> {
            Class::Success.into()
        }

        fn quota(&self) -> Quota {
            Quota::default()
        }
    }
}
