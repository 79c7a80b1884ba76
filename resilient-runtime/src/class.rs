//! What an outcome means: the classes and the trait that assigns them.

use std::time::Duration;

use crate::Error;

/// What an outcome means to the policies.
///
/// Every policy of a stack decides on the class alone, never on the error itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It worked.
    Success,
    /// It failed, and may work when tried again: a lost connection, a time-out, a 503.
    Transient,
    /// The server is well and asked for less: a 429, an exhausted quota.
    Throttled {
        /// How long the server asked callers to stay away, where it said so.
        after: Option<Duration>,
    },
    /// It failed and will fail again: the caller's own mistake, or a thing that does not exist.
    Permanent,
}

impl Class {
    /// Whether another attempt might do better.
    ///
    /// ```
    /// use resilient::Class;
    ///
    /// assert!(Class::Transient.is_retryable());
    /// assert!(Class::Throttled { after: None }.is_retryable());
    /// assert!(!Class::Permanent.is_retryable());
    /// ```
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled { .. })
    }

    /// The class's name as it appears in events: one lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Transient => "transient",
            Self::Throttled { .. } => "throttled",
            Self::Permanent => "permanent",
        }
    }
}

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

    /// Whether the server asks for no further attempt, though the failure by itself would allow one; `false` unless implemented.
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

/// By [`ErrorKind`](std::io::ErrorKind): what a network or an interrupted call causes is transient, the rest permanent.
///
/// | kinds | class |
/// |---|---|
/// | `ConnectionRefused`, `ConnectionReset`, `ConnectionAborted`, `NotConnected`, `BrokenPipe`, `HostUnreachable`, `NetworkUnreachable`, `NetworkDown`, `AddrNotAvailable` | transient |
/// | `TimedOut`, `WouldBlock`, `Interrupted`, `UnexpectedEof`, `WriteZero`, `ResourceBusy` | transient |
/// | every other | permanent |
impl Classify for std::io::Error {
    fn class(&self) -> Class {
        use std::io::ErrorKind as Kind;
        match self.kind() {
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::BrokenPipe
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrNotAvailable
            | Kind::TimedOut
            | Kind::WouldBlock
            | Kind::Interrupted
            | Kind::UnexpectedEof
            | Kind::WriteZero
            | Kind::ResourceBusy => Class::Transient,
            _ => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        self.get_ref()?.downcast_ref()
    }
}
