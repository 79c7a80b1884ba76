//! The rejection: what a policy returns instead of the body's outcome.

use std::fmt;
use std::time::Duration;

use crate::clock::nanos;
use crate::vocabulary::PolicyKind;
use crate::{Class, Classify};

/// A policy's refusal: it produced this outcome without the body, or instead of it.
///
/// An annotated function returns it through `From`, so its error type needs `impl From<resilient::Error>`:
///
/// ```
/// enum SearchError {
///     Refused(resilient::Error),
///     Http(u16),
/// }
///
/// impl From<resilient::Error> for SearchError {
///     fn from(rejection: resilient::Error) -> Self {
///         SearchError::Refused(rejection)
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    name: &'static str,
    /// Nanoseconds: the time of the reason, if it has one.
    time: u64,
    policy: PolicyKind,
    kind: Kind,
    last: Last,
}

/// A [`Reason`] without its time: together they take a quarter of its room, and every annotated function has
/// room for an error in what it returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    CircuitOpen,
    HeldOpen,
    QueueFull,
    WaitedTooLong,
    Reentrant,
    RateLimited,
    Paused,
    Shed,
    TimedOut,
    DeadlineExceeded,
    Cancelled,
    NoRuntime,
    Unanswered,
}

/// A breaker's last class, without the time of a throttle, which is the server's and not the breaker's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Unknown,
    Success,
    Transient,
    Throttled,
    Permanent,
}

/// Why a policy refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The breaker is open, half-open with all its probes under way, or recovering and not yet letting everything through.
    CircuitOpen {
        /// When the next call may be let through, counted from the refusal; `None` if an operator holds it open.
        retry_after: Option<Duration>,
        /// The class of the last failure that it counted, which is [`Class::Success`] for a call that was only slow;
        /// `None` if that was a panic, or an operator opened it.
        last: Option<Class>,
    },
    /// All permits were taken, and so were all places in the queue.
    QueueFull,
    /// All permits were taken, and none came free in the time that the call was given to wait.
    WaitedTooLong {
        /// The time that it was given.
        limit: Duration,
    },
    /// The call waited for a permit that it holds itself: it came back to the same bulkhead from inside.
    Reentrant,
    /// The rate was used up, or the wait for the next free place would have been too long.
    RateLimited {
        /// When there will be room, counted from the refusal.
        retry_after: Duration,
    },
    /// The server asked for less, and the pause that it named is not over.
    Paused {
        /// How much of the pause is left.
        retry_after: Duration,
    },
    /// The server refuses so many calls that this one was dropped before it was made.
    Shed,
    /// The body did not end in time.
    TimedOut {
        /// The time it was given.
        limit: Duration,
    },
    /// The deadline of the call around it had passed, and the body was not started or did not go on.
    DeadlineExceeded,
    /// A cancellation signal came.
    Cancelled,
    /// There is no tokio runtime with a timer on this thread, so the time could not be measured.
    NoRuntime,
    /// The batch was answered with more or fewer outcomes than it had keys, so that nobody can tell whose is whose.
    Unanswered,
}

impl Error {
    pub(crate) const fn new(policy: PolicyKind, name: &'static str, reason: Reason) -> Self {
        let time = match reason {
            Reason::CircuitOpen { retry_after: Some(time), .. }
            | Reason::WaitedTooLong { limit: time }
            | Reason::RateLimited { retry_after: time }
            | Reason::Paused { retry_after: time }
            | Reason::TimedOut { limit: time } => nanos(time),
            _ => 0,
        };
        let kind = match reason {
            Reason::CircuitOpen { retry_after: Some(_), .. } => Kind::CircuitOpen,
            Reason::CircuitOpen { retry_after: None, .. } => Kind::HeldOpen,
            Reason::QueueFull => Kind::QueueFull,
            Reason::WaitedTooLong { .. } => Kind::WaitedTooLong,
            Reason::Reentrant => Kind::Reentrant,
            Reason::RateLimited { .. } => Kind::RateLimited,
            Reason::Paused { .. } => Kind::Paused,
            Reason::Shed => Kind::Shed,
            Reason::TimedOut { .. } => Kind::TimedOut,
            Reason::DeadlineExceeded => Kind::DeadlineExceeded,
            Reason::Cancelled => Kind::Cancelled,
            Reason::NoRuntime => Kind::NoRuntime,
            Reason::Unanswered => Kind::Unanswered,
        };
        let last = match reason {
            Reason::CircuitOpen { last: Some(class), .. } => match class {
                Class::Success => Last::Success,
                Class::Transient => Last::Transient,
                Class::Throttled { .. } => Last::Throttled,
                Class::Permanent => Last::Permanent,
            },
            _ => Last::Unknown,
        };
        Self { name, time, policy, kind, last }
    }

    /// Which mechanism refused.
    pub const fn policy(&self) -> PolicyKind {
        self.policy
    }

    /// The name of the policy that refused: the function's, unless the attribute says `name = "…"`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Why it refused.
    pub const fn reason(&self) -> Reason {
        let time = Duration::from_nanos(self.time);
        match self.kind {
            Kind::CircuitOpen => Reason::CircuitOpen { retry_after: Some(time), last: self.last.class() },
            Kind::HeldOpen => Reason::CircuitOpen { retry_after: None, last: self.last.class() },
            Kind::QueueFull => Reason::QueueFull,
            Kind::WaitedTooLong => Reason::WaitedTooLong { limit: time },
            Kind::Reentrant => Reason::Reentrant,
            Kind::RateLimited => Reason::RateLimited { retry_after: time },
            Kind::Paused => Reason::Paused { retry_after: time },
            Kind::Shed => Reason::Shed,
            Kind::TimedOut => Reason::TimedOut { limit: time },
            Kind::DeadlineExceeded => Reason::DeadlineExceeded,
            Kind::Cancelled => Reason::Cancelled,
            Kind::NoRuntime => Reason::NoRuntime,
            Kind::Unanswered => Reason::Unanswered,
        }
    }

    /// How long to stay away, where that is known.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.reason() {
            Reason::CircuitOpen { retry_after, .. } => retry_after,
            Reason::RateLimited { retry_after } | Reason::Paused { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// Whether a retry around the policy could do better.
    ///
    /// An attempt that ran out of time, or found no room, may be tried again; an open breaker or a deadline that has
    /// passed ends the call.
    pub const fn is_retryable(&self) -> bool {
        match self.reason() {
            Reason::TimedOut { .. }
            | Reason::QueueFull
            | Reason::WaitedTooLong { .. }
            | Reason::RateLimited { .. }
            | Reason::Paused { .. }
            | Reason::Shed => true,
            Reason::CircuitOpen { .. }
            | Reason::Reentrant
            | Reason::DeadlineExceeded
            | Reason::Cancelled
            | Reason::NoRuntime
            | Reason::Unanswered => false,
        }
    }
}

/// A time-out is transient; an open breaker or a limit asks to stay away for a while; the rest is permanent.
impl Classify for Error {
    fn class(&self) -> Class {
        match self.reason() {
            Reason::TimedOut { .. } | Reason::DeadlineExceeded => Class::Transient,
            Reason::CircuitOpen { .. }
            | Reason::QueueFull
            | Reason::WaitedTooLong { .. }
            | Reason::RateLimited { .. }
            | Reason::Paused { .. }
            | Reason::Shed => Class::Throttled { after: self.retry_after() },
            Reason::Reentrant | Reason::Cancelled | Reason::NoRuntime | Reason::Unanswered => Class::Permanent,
        }
    }

    fn rejection(&self) -> Option<&Error> {
        Some(self)
    }
}

impl Last {
    const fn class(self) -> Option<Class> {
        match self {
            Self::Unknown => None,
            Self::Success => Some(Class::Success),
            Self::Transient => Some(Class::Transient),
            Self::Throttled => Some(Class::Throttled { after: None }),
            Self::Permanent => Some(Class::Permanent),
        }
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "the reason is made of the others")]
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("policy", &self.policy)
            .field("name", &self.name)
            .field("reason", &self.reason())
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        match self.reason() {
            Reason::CircuitOpen { retry_after, last } => {
                let state = if retry_after.is_some() { "open" } else { "held open" };
                write!(f, "circuit breaker `{name}` is {state}")?;
                match last {
                    Some(Class::Success) => f.write_str(" after a slow call")?,
                    Some(class) => write!(f, " after a {} failure", class.as_str())?,
                    None => {}
                }
                match retry_after {
                    Some(time) => write!(f, ", try again in {:?}", in_millis(time)),
                    None => Ok(()),
                }
            }
            Reason::QueueFull => write!(f, "bulkhead `{name}` is full, and so is its queue"),
            Reason::WaitedTooLong { limit } => write!(f, "bulkhead `{name}` had no room within {limit:?}"),
            Reason::Reentrant => {
                write!(f, "bulkhead `{name}` is full, and the call that waits for it holds one of its permits")
            }
            Reason::RateLimited { retry_after } => {
                write!(f, "rate limit `{name}` is used up, try again in {:?}", in_millis(retry_after))
            }
            Reason::Paused { retry_after } => {
                write!(f, "`{name}` is paused by the server, try again in {:?}", in_millis(retry_after))
            }
            Reason::Shed => write!(f, "`{name}` dropped the call, since the server refuses too many"),
            Reason::TimedOut { limit } => write!(f, "`{name}` did not end within {limit:?}"),
            Reason::DeadlineExceeded => {
                write!(f, "`{name}` ran into the deadline of the call around it")
            }
            Reason::Cancelled => write!(f, "`{name}` was cancelled"),
            Reason::NoRuntime => {
                write!(f, "`{name}` needs a tokio runtime with a timer, and there is none on this thread")
            }
            Reason::Unanswered => write!(f, "`{name}` did not answer a batch with one outcome for each of its keys"),
        }
    }
}

impl std::error::Error for Error {}

/// As `TimedOut` where the time was over, and `Other` for the rest, with the rejection inside.
impl From<Error> for std::io::Error {
    fn from(rejection: Error) -> Self {
        let kind = match rejection.reason() {
            Reason::TimedOut { .. } | Reason::DeadlineExceeded => std::io::ErrorKind::TimedOut,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, rejection)
    }
}

/// The time in whole milliseconds, rounded up: whoever reads the message does not come too early.
fn in_millis(time: Duration) -> Duration {
    let millis = time.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_reason_says_what_happened() {
        let retry_after = Duration::from_nanos(8_953_117_051);
        let table = [
            (
                Reason::CircuitOpen { retry_after: Some(retry_after), last: Some(Class::Transient) },
                "circuit breaker `pay` is open after a transient failure, try again in 8.954s",
            ),
            (
                Reason::CircuitOpen { retry_after: Some(retry_after), last: Some(Class::Success) },
                "circuit breaker `pay` is open after a slow call, try again in 8.954s",
            ),
            (Reason::CircuitOpen { retry_after: None, last: None }, "circuit breaker `pay` is held open"),
            (Reason::QueueFull, "bulkhead `pay` is full, and so is its queue"),
            (Reason::WaitedTooLong { limit: Duration::from_millis(50) }, "bulkhead `pay` had no room within 50ms"),
            (Reason::Reentrant, "bulkhead `pay` is full, and the call that waits for it holds one of its permits"),
            (Reason::RateLimited { retry_after }, "rate limit `pay` is used up, try again in 8.954s"),
            (Reason::Paused { retry_after }, "`pay` is paused by the server, try again in 8.954s"),
            (Reason::Shed, "`pay` dropped the call, since the server refuses too many"),
            (Reason::TimedOut { limit: Duration::from_millis(400) }, "`pay` did not end within 400ms"),
            (Reason::DeadlineExceeded, "`pay` ran into the deadline of the call around it"),
            (Reason::Cancelled, "`pay` was cancelled"),
            (Reason::NoRuntime, "`pay` needs a tokio runtime with a timer, and there is none on this thread"),
            (Reason::Unanswered, "`pay` did not answer a batch with one outcome for each of its keys"),
        ];
        for (reason, message) in table {
            let rejection = Error::new(PolicyKind::Timeout, "pay", reason);
            assert_eq!((rejection.to_string().as_str(), rejection.reason()), (message, reason));
        }
    }

    #[test]
    fn weighs_little() {
        assert_eq!(size_of::<Error>(), 32);
    }

    #[test]
    fn an_io_error_made_of_it_shows_it_again() {
        let rejection = Error::new(PolicyKind::CircuitBreaker, "pay", Reason::Cancelled);

        let error = std::io::Error::from(rejection.clone());

        assert_eq!(error.rejection(), Some(&rejection));
    }
}
