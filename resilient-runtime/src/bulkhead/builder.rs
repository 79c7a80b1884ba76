//! The configuration of a bulkhead, in a `static` or by hand.

use std::mem::ManuallyDrop;
use std::time::Duration;

use super::gate::Gate;
use super::level::MOST_PERMITS;
use super::{Bulkhead, Counters};
use crate::Mode;
use crate::adaptive::Adaptive;
use crate::shell::Shell;
use crate::sync::atomic::AtomicBool;
use crate::sync::const_fn;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) limit: Limit,
    pub(super) queue: Option<u32>,
    pub(super) max_wait: Option<Duration>,
}

/// The number of permits that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Fixed(u32),
    Aimd(Bounds),
    Vegas(Bounds),
    Gradient(Bounds),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    min: u32,
    max: u32,
    initial: u32,
}

impl Bulkhead {
    const_fn! {
        /// A bulkhead for 64 calls at once; the name is the one in rejections.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self {
                shell: Shell::named(name),
                config: Config { limit: Limit::Fixed(64), queue: None, max_wait: None },
                gate: Gate::new(64),
                adaptive: ManuallyDrop::new(None),
                is_told: AtomicBool::new(false),
                counts: Counters::new(),
            }
        }
    }

    const_fn! {
        /// Sets how many calls may run at once; 64 unless set. [`set_limit`](Self::set_limit) changes it later.
        ///
        /// # Panics
        ///
        /// Unless `1 <= calls <= 1_000_000`; at compile time in a `static`.
        pub fn limit(self, calls: u32) -> Self {
            assert!(calls >= 1, "`limit` must be at least 1, or every call is refused");
            assert!(calls <= MOST_PERMITS, "`limit` must be at most 1000000");
            self.limited(Limit::Fixed(calls))
        }
    }

    const_fn! {
        /// A limit between `min` and `max` that adds one while all goes well, and loses a tenth when the server refuses or calls
        /// time out. It begins at `initial`.
        ///
        /// # Panics
        ///
        /// Unless `1 <= min <= initial <= max <= 1_000_000`; at compile time in a `static`.
        pub fn aimd(self, min: u32, max: u32, initial: u32) -> Self {
            self.limited(Limit::Aimd(Bounds::new(min, max, initial)))
        }
    }

    const_fn! {
        /// A limit between `min` and `max` that keeps the queue at the server short, as measured by how much longer calls take
        /// than they did at their fastest. It begins at `initial`.
        ///
        /// # Panics
        ///
        /// As [`aimd`](Self::aimd).
        pub fn vegas(self, min: u32, max: u32, initial: u32) -> Self {
            self.limited(Limit::Vegas(Bounds::new(min, max, initial)))
        }
    }

    const_fn! {
        /// A limit between `min` and `max` that shrinks when calls take longer than they did over the last minutes. It begins at
        /// `initial`.
        ///
        /// # Panics
        ///
        /// As [`aimd`](Self::aimd).
        pub fn gradient(self, min: u32, max: u32, initial: u32) -> Self {
            self.limited(Limit::Gradient(Bounds::new(min, max, initial)))
        }
    }

    const_fn! {
        fn limited(mut self, limit: Limit) -> Self {
            self.config.limit = limit;
            self.gate.begin_at(limit.initial());
            self.adaptive = ManuallyDrop::new(limit.adaptive());
            self
        }
    }

    /// Sets how many callers may wait; as many as the limit unless set. With 0 nobody waits.
    pub const fn queue(mut self, callers: u32) -> Self {
        self.config.queue = Some(callers);
        self
    }

    /// Sets how long a caller waits at most. Unless set, until its [deadline](crate::Deadline), and without one for a second. A
    /// deadline that comes first ends the wait in any case. With zero nobody waits.
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.config.max_wait = Some(time);
        self
    }

    const_fn! {
        /// The mode that it begins in; [`Mode::Enforce`] unless set. [`set_mode`](Self::set_mode) changes it later.
        ///
        /// In [`Mode::Observe`], calls for which there is no room come in all the same, and are counted.
        pub fn mode(mut self, mode: Mode) -> Self {
            self.shell.begin_in(mode);
            self
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, Bounds { min, max, .. }) = match self {
            Self::Fixed(limit) => return write!(f, "{limit}"),
            Self::Aimd(bounds) => ("aimd", bounds),
            Self::Vegas(bounds) => ("vegas", bounds),
            Self::Gradient(bounds) => ("gradient", bounds),
        };
        write!(f, "{name} {min}..={max}")
    }
}

impl Limit {
    pub(super) const fn initial(self) -> u32 {
        match self {
            Self::Fixed(limit) => limit,
            Self::Aimd(bounds) | Self::Vegas(bounds) | Self::Gradient(bounds) => bounds.initial,
        }
    }

    const_fn! {
        pub(super) fn adaptive(self) -> Option<Adaptive> {
            match self {
                Self::Fixed(_) => None,
                Self::Aimd(Bounds { min, max, initial }) => Some(Adaptive::aimd(min, max, initial)),
                Self::Vegas(Bounds { min, max, initial }) => Some(Adaptive::vegas(min, max, initial)),
                Self::Gradient(Bounds { min, max, initial }) => Some(Adaptive::gradient(min, max, initial)),
            }
        }
    }
}

impl Bounds {
    const fn new(min: u32, max: u32, initial: u32) -> Self {
        assert!(max <= MOST_PERMITS, "`max` must be at most 1000000");
        Self { min, max, initial }
    }
}
