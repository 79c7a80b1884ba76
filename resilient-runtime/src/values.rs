//! Good values that are failures all the same: a response with status 503 is an `Ok`.

use std::time::Duration;

use crate::{Class, Classified, Classify, Error, Quota, When};

/// A good value that can mean a failure.
///
/// The responses of HTTP clients implement it (features `http` and `reqwest`). A function that returns a `Result` of something
/// named `…Response` is classified by it without a `when`; for others, write `when = resilient::values(…)`.
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
/// use resilient::{Class, Classify, retry, values};
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

/// Tells [`classify_value!`] whether a type is a [`ClassifyValue`]: a method of the type itself goes before one of
/// a trait.
#[doc(hidden)]
pub mod probe {
    use super::{Class, Classified, ClassifyValue, Quota};

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
