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
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which errors are worth another attempt",
    label = "this error is not classified",
    note = "derive `resilient::Classify` on it and mark each variant, implement the trait by hand, or give the attribute a `when = |error| …`"
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
