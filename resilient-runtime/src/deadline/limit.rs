//! The deadline in force while a future is polled.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

/// The deadline in force on this thread.
///
/// A time-out starts to count without reading the clock; the instant is worked out when somebody asks for it or
/// when the body first has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    None,
    /// So long from now, and nobody has asked yet. A time-out watches over it.
    Within(Duration),
    At {
        instant: Instant,
        /// Set if a time-out further out has a timer for it.
        watched: bool,
    },
}

/// The limit that ends first, of a time-out's own and the one from further out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Own,
    Outer,
    /// The one from further out, and the own one ends then.
    OuterBefore(Instant),
}

impl Limit {
    #[inline]
    pub(crate) fn current() -> Self {
        CURRENT.get()
    }

    /// Both limits at once, and which of them ends first. A time-out watches over the result.
    ///
    /// Two that have not been worked out yet compare without the clock.
    #[inline]
    pub(crate) fn tighten(self, limit: Duration) -> (Self, First) {
        match self {
            Self::None => (Self::Within(limit), First::Own),
            Self::Within(outer) if limit < outer => (Self::Within(limit), First::Own),
            Self::Within(_) => (self, First::Outer),
            Self::At { instant: outer, .. } => {
                let instant = far(clock::now(), limit);
                if instant < outer {
                    (Self::At { instant, watched: true }, First::Own)
                } else {
                    (Self::At { instant: outer, watched: true }, First::OuterBefore(instant))
                }
            }
        }
    }

    /// When a time-out's own limit ends, of which this is what [`tighten`](Self::tighten) made, after the first poll.
    #[inline]
    pub(crate) fn own_instant(self, first: First, limit: Duration) -> Instant {
        match (first, self) {
            (First::OuterBefore(own), _) | (First::Own, Self::At { instant: own, .. }) => own,
            _ => far(clock::now(), limit),
        }
    }

    /// When a time-out under this limit must wake: at `deadline`, where its own ends, or before that if no time-out further out has a
    /// timer for what ends first.
    #[inline]
    pub(crate) fn first_unwatched(self, deadline: Instant) -> Instant {
        match self {
            Self::At { instant, watched: false } => instant.min(deadline),
            _ => deadline,
        }
    }

    /// The earlier of the limit and a known instant.
    #[inline]
    pub(crate) fn tighten_to(self, instant: Instant, watched: bool) -> Self {
        match self {
            Self::At { instant: outer, .. } if outer <= instant => self,
            Self::None | Self::At { .. } => Self::At { instant, watched },
            Self::Within(outer) => {
                let outer = far(clock::now(), outer);
                let sooner = instant < outer;
                Self::At { instant: instant.min(outer), watched: watched || !sooner }
            }
        }
    }

    /// Returns whether its instant has been worked out.
    #[inline]
    pub(crate) fn is_known(self) -> bool {
        matches!(self, Self::At { .. })
    }

    /// Returns whether the limit is known to have passed.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::At { instant, .. } if clock::now() >= instant)
    }

    /// Returns whether it has passed at the instant `at`, which is not before the present, `now`.
    #[inline]
    pub(crate) fn ends_by(self, now: Instant, at: Instant) -> bool {
        match self {
            Self::None => false,
            Self::Within(limit) => at.saturating_duration_since(now) >= limit,
            Self::At { instant, .. } => instant <= at,
        }
    }

    /// The instant, if there is a limit at all.
    pub(crate) fn instant(self) -> Option<Instant> {
        match self {
            Self::None => None,
            Self::At { instant, .. } => Some(instant),
            Self::Within(limit) => Some(far(clock::now(), limit)),
        }
    }

    /// The instant of the current limit, from now on the same for whoever asks next, the time-out included.
    pub(super) fn settle(self) -> Option<Instant> {
        let instant = self.instant()?;
        if let Self::Within(_) = self {
            CURRENT.set(Self::At { instant, watched: true });
        }
        Some(instant)
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
}

/// `start + time`, or thirty years on where that cannot be represented.
pub(super) fn far(start: Instant, time: Duration) -> Instant {
    start.checked_add(time).unwrap_or_else(|| start + Duration::from_secs(86_400 * 365 * 30))
}

thread_local! {
    static CURRENT: Cell<Limit> = const { Cell::new(Limit::None) };
}
