//! The reply of a server to a call that one of its policies refused.

use std::time::Duration;

#[cfg(feature = "http-1")]
use crate::{Class, Classify};
use crate::{Error, Reason};

/// The reply to a refused call. It names no policy: that is the server's own business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply {
    /// The status of HTTP.
    pub(super) status: u16,
    /// The code of gRPC.
    pub(super) code: i32,
    pub(super) message: &'static str,
    /// The time that the caller is asked to wait.
    pub(super) retry_after: Option<Duration>,
}

impl Reply {
    pub(super) const fn to(rejection: &Error) -> Self {
        let (status, code, message) = match rejection.reason() {
            Reason::CircuitOpen { .. } => (503, UNAVAILABLE, "a server that is needed for this does not answer"),
            Reason::Paused { .. } => (503, UNAVAILABLE, "a server that is needed for this asks for a pause"),
            Reason::Cancelled => (503, UNAVAILABLE, "the server stops"),
            Reason::QueueFull | Reason::WaitedTooLong { .. } | Reason::Shed => {
                (503, RESOURCE_EXHAUSTED, "the server has too much to do")
            }
            Reason::RateLimited { .. } => (429, RESOURCE_EXHAUSTED, "too many calls"),
            Reason::TooHeavy { .. } => (413, INVALID_ARGUMENT, "the call is larger than is ever let through"),
            Reason::TimedOut { .. } | Reason::DeadlineExceeded => (504, DEADLINE_EXCEEDED, "the time was not enough"),
            Reason::Reentrant | Reason::NoRuntime | Reason::Unanswered => (500, INTERNAL, "the server has a fault"),
        };
        Self { status, code, message, retry_after: rejection.retry_after() }
    }

    /// The reply to a call that failed because a server behind this one did, or a policy refused.
    #[cfg(feature = "http-1")]
    pub(super) fn to_call_error(error: &crate::http::CallError) -> Self {
        if let Some(rejection) = error.rejection() {
            return Self::to(rejection);
        }
        let (status, message, retry_after) = match error.class() {
            Class::Throttled { after } => (503, "a server that is needed for this has too much to do", after),
            _ => (502, "a server that is needed for this has failed", error.hint()),
        };
        Self { status, code: UNAVAILABLE, message, retry_after }
    }

    /// The wait in whole seconds, rounded up, as `Retry-After` has it.
    #[cfg(feature = "axum-0-8")]
    pub(super) const fn retry_after_seconds(&self) -> Option<u64> {
        match self.retry_after {
            Some(wait) => Some(wait.as_secs().saturating_add(if wait.subsec_nanos() > 0 { 1 } else { 0 })),
            None => None,
        }
    }
}

const INVALID_ARGUMENT: i32 = 3;
const DEADLINE_EXCEEDED: i32 = 4;
const RESOURCE_EXHAUSTED: i32 = 8;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, Classify, PolicyKind};

    #[test]
    fn callers_take_a_reply_for_what_the_rejection_is() {
        let ms = Duration::from_millis;
        for (reason, status, code) in [
            (Reason::CircuitOpen { retry_after: Some(ms(1_001)), last: None }, 503, UNAVAILABLE),
            (Reason::Paused { retry_after: ms(1) }, 503, UNAVAILABLE),
            (Reason::Cancelled, 503, UNAVAILABLE),
            (Reason::QueueFull, 503, RESOURCE_EXHAUSTED),
            (Reason::WaitedTooLong { limit: ms(1) }, 503, RESOURCE_EXHAUSTED),
            (Reason::Shed, 503, RESOURCE_EXHAUSTED),
            (Reason::RateLimited { retry_after: ms(1) }, 429, RESOURCE_EXHAUSTED),
            (Reason::TooHeavy { weight: 2, burst: 1 }, 413, INVALID_ARGUMENT),
            (Reason::TimedOut { limit: ms(1) }, 504, DEADLINE_EXCEEDED),
            (Reason::DeadlineExceeded, 504, DEADLINE_EXCEEDED),
            (Reason::Reentrant, 500, INTERNAL),
            (Reason::NoRuntime, 500, INTERNAL),
            (Reason::Unanswered, 500, INTERNAL),
        ] {
            let rejection = Error::new(PolicyKind::Bulkhead, "secret", reason);
            let reply = Reply::to(&rejection);

            assert_eq!((reply.status, reply.code), (status, code), "{reason:?}");
            assert!(!reply.message.contains("secret"));
            if rejection.class() == Class::Permanent && status < 500 {
                assert!(reply.retry_after.is_none());
            }
        }
    }

    #[cfg(feature = "axum-0-8")]
    #[test]
    fn seconds_are_rounded_up() {
        let reply = |wait| {
            let reason = Reason::RateLimited { retry_after: wait };
            Reply::to(&Error::new(PolicyKind::RateLimit, "r", reason)).retry_after_seconds()
        };

        assert_eq!(reply(Duration::from_nanos(1)), Some(1));
        assert_eq!(reply(Duration::from_secs(2)), Some(2));
        assert_eq!(reply(Duration::from_millis(2_001)), Some(3));
        assert_eq!(reply(Duration::MAX), Some(u64::MAX / 1_000_000_000 + 1));
    }
}
