//! The instant after which nobody wants the answer, as everything below a time-out can read it.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

/// The instant after which the caller no longer wants the answer.
///
/// A [`Timeout`](crate::Timeout) sets it for everything that runs under it in the same task, and an inner one can only
/// bring it forward. A retry starts nothing that could not begin before it; hand what remains of it to a client
/// that has a time-out of its own.
///
/// ```
/// use resilient::Deadline;
///
/// # fn connect(_: std::time::Duration) {}
/// if let Some(deadline) = Deadline::current() {
///     connect(deadline.remaining());
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline of the call that is being polled, if it has one.
    pub fn current() -> Option<Self> {
        let instant = CURRENT.get().instant()?;
        // whoever asks next, and the time-out itself, get the same answer
        CURRENT.set(Limit::At(instant));
        Some(Self(instant))
    }

    /// The instant itself.
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// How long is left; zero if it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(clock::now())
    }

    /// Whether it has passed.
    pub fn is_over(self) -> bool {
        clock::now() >= self.0
    }
}

/// The deadline in force while a future is polled.
///
/// A time-out starts to count without reading the clock; the instant is worked out when somebody asks for it or
/// when the body first has to wait.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    None,
    /// So long from now, and nobody has asked yet.
    Within(Duration),
    At(Instant),
}

impl Limit {
    /// The limit that is in force on this thread.
    #[inline]
    pub(crate) fn current() -> Self {
        CURRENT.get()
    }

    /// Both limits at once, and whether the new one ends first.
    ///
    /// Two that have not been worked out yet compare without the clock.
    #[inline]
    pub(crate) fn tighten(self, limit: Duration) -> (Self, bool) {
        match self {
            Self::None => (Self::Within(limit), true),
            Self::Within(outer) => (Self::Within(limit.min(outer)), limit < outer),
            Self::At(outer) => {
                let inner = far(clock::now(), limit);
                (Self::At(inner.min(outer)), inner < outer)
            }
        }
    }

    /// The earlier of the limit and a known instant.
    #[inline]
    pub(crate) fn tighten_to(self, instant: Instant) -> Self {
        match self {
            Self::At(outer) => Self::At(instant.min(outer)),
            Self::None | Self::Within(_) => Self::At(instant),
        }
    }

    /// Whether the limit is known to have passed.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::At(instant) if clock::now() >= instant)
    }

    /// Runs `poll` with this limit in force, and puts back what was in force before, even if it panics.
    #[inline]
    pub(crate) fn scope<R>(self, poll: impl FnOnce() -> R) -> R {
        struct Restore(Limit);
        impl Drop for Restore {
            #[inline]
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }

        let _restore = Restore(CURRENT.replace(self));
        poll()
    }

    /// The instant, if there is a limit at all.
    pub(crate) fn instant(self) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::At(instant) => Some(instant),
            Self::Within(limit) => Some(far(clock::now(), limit)),
        }
    }
}

/// `start + limit`, or thirty years on where that cannot be represented.
fn far(start: Instant, limit: Duration) -> Instant {
    start.checked_add(limit).unwrap_or_else(|| start + Duration::from_secs(86_400 * 365 * 30))
}

thread_local! {
    static CURRENT: Cell<Limit> = const { Cell::new(Limit::None) };
}
