//! The trait that says what an error means, and its implementations for errors of this crate and of tokio.

use std::time::Duration;

use crate::class::Class;
use crate::error::Error;

/// Says what an error means.
///
/// Derive it and mark each variant, or implement it by hand where the class depends on the value:
///
/// ```
/// use resilient::{Class, Classify};
///
/// struct HttpError {
///     status: u16,
/// }
///
/// impl Classify for HttpError {
///     fn class(&self) -> Class {
///         match self.status {
///             429 => Class::Throttled { after: None },
///             500..=599 => Class::Transient,
///             _ => Class::Permanent,
///         }
///     }
/// }
/// ```
///
/// # With `thiserror`
///
/// Both derive on one type. `#[from]` makes the conversion, and then the mark is `#[transparent]` without `(from)`:
///
#[cfg_attr(feature = "macros", doc = "```")]
#[cfg_attr(not(feature = "macros"), doc = "```text")]
/// use std::io::{Error, ErrorKind};
/// use resilient::{Classify, timeout};
///
/// #[derive(Debug, thiserror::Error, Classify)]
/// enum ShopError {
///     #[error("the shelf cannot be read")]
///     #[transparent]
///     Shelf(#[from] Error),
///     #[error("no such item")]
///     #[permanent]
///     Missing,
///     #[error(transparent)]
///     #[transparent]
///     Refused(#[from] resilient::Error),
/// }
///
/// #[timeout("1s")]
/// async fn look(item: u32) -> Result<u32, ShopError> {
///     match item {
///         0 => Err(Error::from(ErrorKind::ConnectionReset))?,
///         1 => Err(ShopError::Missing),
///         _ => Ok(item),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use resilient::Class;
///
/// assert_eq!(look(0).await.unwrap_err().class(), Class::Transient);
/// assert_eq!(look(1).await.unwrap_err().class(), Class::Permanent);
/// # }
/// ```
///
/// # Errors that are not `Clone`
///
/// `Arc<E>` and `Box<E>` have the class of `E`. But a rejection does not convert into them, which Rust's rules forbid, so a shared error stands beside the rejection, in a
/// type of its own:
///
#[cfg_attr(feature = "macros", doc = "```")]
#[cfg_attr(not(feature = "macros"), doc = "```text")]
/// use std::sync::Arc;
/// use resilient::{Classify, coalesce, fallback, retry, timeout};
///
/// #[derive(Debug, Clone, thiserror::Error, Classify)]
/// enum PriceError {
///     #[error(transparent)]
///     #[transparent]
///     Shelf(Arc<std::io::Error>),
///     #[error(transparent)]
///     #[transparent(from)]
///     Refused(resilient::Error),
/// }
///
/// impl From<std::io::Error> for PriceError {
///     fn from(error: std::io::Error) -> Self {
///         Self::Shelf(Arc::new(error))
///     }
/// }
///
/// #[coalesce(key = item)]
/// #[timeout("1s")]
/// #[retry]
/// async fn price(item: u32) -> Result<u32, PriceError> {
///     let text = std::fs::read_to_string(format!("/no such shelf/{item}"))?;
///     Ok(text.len() as u32)
/// }
///
/// // or, with an error as it is: the callers get an `Arc` of it
/// #[coalesce(key = item, share)]
/// #[retry]
/// async fn weight(item: u32) -> Result<u32, std::io::Error> {
///     Ok(item)
/// }
///
/// // for a fallback, the value has to be `Clone`, and not the error
/// #[fallback(stale = "1m", key = item)]
/// #[timeout("1s")]
/// async fn colour(item: u32) -> Result<String, std::io::Error> {
///     Ok(format!("blue {item}"))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert!(matches!(price(7).await, Err(PriceError::Shelf(_))));
/// assert_eq!(*weight(7).await.unwrap(), 7);
/// assert_eq!(colour(7).await.unwrap(), "blue 7");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which errors are worth another attempt",
    label = "this error is not classified",
    note = "derive `resilient::Classify` on it and mark each variant, implement the trait by hand, or give the attribute a `when = |error| …`",
    note = "an error of another crate is classified by the feature with its name and version, such as `reqwest-0-13` or `anyhow-1`"
)]
pub trait Classify {
    /// The class of this error; never [`Class::Success`].
    fn class(&self) -> Class;

    /// The rejection inside, when this error wraps one that a policy of another function produced.
    ///
    /// A retry that meets an open breaker further down ends the call instead of trying again, and can tell only if
    /// the wrapping error forwards this. `#[transparent]` in the derive does.
    fn rejection(&self) -> Option<&Error> {
        None
    }

    /// Returns how long the server asked callers to stay away from a failure that is [`Class::Transient`] all the same; nothing unless
    /// implemented.
    ///
    /// A 502 with `Retry-After` has one: a breaker counts the failure, and a retry waits for as long as is said, up to its `max_hint`.
    /// [`Class::Throttled`] has its own.
    fn hint(&self) -> Option<Duration> {
        None
    }

    /// Returns whether the server asks for no further attempt, though the failure by itself would allow one; `false` unless implemented.
    ///
    /// gRPC's negative pushback does, with a [`Class::Permanent`] for that reason alone. A hedge then starts no further attempt, and
    /// leaves those that run, which may succeed; any other permanent failure ends the call.
    fn forbids_attempts(&self) -> bool {
        false
    }
}

impl<E: Classify + ?Sized> Classify for &E {
    fn class(&self) -> Class {
        (**self).class()
    }

    fn rejection(&self) -> Option<&Error> {
        (**self).rejection()
    }

    fn hint(&self) -> Option<Duration> {
        (**self).hint()
    }

    fn forbids_attempts(&self) -> bool {
        (**self).forbids_attempts()
    }
}

impl<E: Classify + ?Sized> Classify for Box<E> {
    fn class(&self) -> Class {
        (**self).class()
    }

    fn rejection(&self) -> Option<&Error> {
        (**self).rejection()
    }

    fn hint(&self) -> Option<Duration> {
        (**self).hint()
    }

    fn forbids_attempts(&self) -> bool {
        (**self).forbids_attempts()
    }
}

impl<E: Classify + ?Sized> Classify for std::sync::Arc<E> {
    fn class(&self) -> Class {
        (**self).class()
    }

    fn rejection(&self) -> Option<&Error> {
        (**self).rejection()
    }

    fn hint(&self) -> Option<Duration> {
        (**self).hint()
    }

    fn forbids_attempts(&self) -> bool {
        (**self).forbids_attempts()
    }
}

impl Classify for std::convert::Infallible {
    fn class(&self) -> Class {
        match *self {}
    }
}

/// Always [`Class::Transient`].
impl Classify for tokio::time::error::Elapsed {
    fn class(&self) -> Class {
        Class::Transient
    }
}

/// By the reason: a time-out is transient; an open breaker or a limit asks to stay away for a while; the rest is permanent.
impl Classify for Error {
    fn class(&self) -> Class {
        self.own_class()
    }

    fn rejection(&self) -> Option<&Error> {
        Some(self)
    }
}
