//! The configuration of a bulkhead, in a `static` or by hand.

use std::time::Duration;

use once_cell::race::OnceBox;

use super::gate::Gate;
use super::level::MOST_PERMITS;
use super::{Bulkhead, Counters};
use crate::Mode;
use crate::adaptive::Adaptive;
use crate::length::Length;
use crate::list::{Described, Description};
use crate::rare::Rare;
use crate::shell::Shell;
use crate::sync::const_fn;
#[cfg(feature = "config")]
use crate::tune::{Given, Kept, Key, Settings, every_value};
use crate::tune::{Live, accept};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    pub(super) limit: Limit,
    pub(super) queue: Option<u32>,
    pub(super) max_wait: Option<Length>,
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
                config: Live::new(Config { limit: Limit::Fixed(64), queue: None, max_wait: None }),
                gate: Gate::new(64),
                adaptive: OnceBox::new(),
                counts: Rare::new(Counters::new),
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
            accept(refuses_limit(calls));
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
            self.config.built.limit = limit;
            self.gate.begin_at(limit.initial());
            self
        }
    }

    /// Sets how many callers may wait; as many as the limit unless set. With 0 nobody waits.
    pub const fn queue(mut self, callers: u32) -> Self {
        self.config.built.queue = Some(callers);
        self
    }

    /// Sets how long a caller waits at most. Unless set, until its [deadline](crate::Deadline), and without one for a second. A
    /// deadline that comes first ends the wait in any case. With zero nobody waits.
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.config.built.max_wait = Some(Length::of(time));
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

/// Returns why that is no limit, if it is none.
const fn refuses_limit(calls: u32) -> Option<&'static str> {
    match calls {
        0 => Some("`limit` must be at least 1, or every call is refused"),
        1..=MOST_PERMITS => None,
        _ => Some("`limit` must be at most 1000000"),
    }
}

impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        description.fixed("limit", self.limit);
        if let Some(Bounds { min, max, initial }) = self.limit.bounds() {
            description.fixed("min_limit", min);
            description.fixed("max_limit", max);
            description.fixed("initial_limit", initial);
        }
        description.fixed("queue", self.queue.unwrap_or(self.limit.initial()));
        match self.max_wait {
            Some(wait) => description.time("max_wait", wait.time()),
            None => description.fixed("max_wait", "deadline, or 1s"),
        }
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::own("limit", "64", |config, given| config.limit.set(given)),
        Key::own("min_limit", "4", |config, given| config.limit.set_bound(given, |bounds| &mut bounds.min)),
        Key::own("max_limit", "200", |config, given| config.limit.set_bound(given, |bounds| &mut bounds.max)),
        // after the two, which would otherwise move it
        Key::own("initial_limit", "20", |config, given| config.limit.set_bound(given, |bounds| &mut bounds.initial)),
        Key::count("queue", "64", every_value, |config, callers| config.queue = Some(callers)),
        Key::time("max_wait", "\"50ms\"", every_value, |config, time| config.max_wait = Some(Length::of(time))),
    ];

    fn agree(&self) -> Result<(), String> {
        match self.limit.bounds() {
            Some(Bounds { min, max, .. }) if min > max => {
                Err(format!("`min_limit` ({min}) is more than `max_limit` ({max})"))
            }
            Some(Bounds { min, max, initial }) if initial < min || initial > max => {
                Err(format!("`initial_limit` ({initial}) must lie between `min_limit` ({min}) and `max_limit` ({max})"))
            }
            _ => Ok(()),
        }
    }

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

#[cfg(feature = "config")]
impl Limit {
    fn set(&mut self, given: &Given<'_>) -> Result<(), String> {
        let Self::Fixed(limit) = self else {
            return Err("this limit adapts: write `min_limit` or `max_limit`, between which it moves".to_owned());
        };
        let calls = given.count()?;
        refuses_limit(calls).map_or(Ok(()), |reason| Err(reason.to_owned()))?;
        *limit = calls;
        Ok(())
    }

    /// Changes the range of a limit that adapts, or where it begins in it.
    fn set_bound(&mut self, given: &Given<'_>, bound: fn(&mut Bounds) -> &mut u32) -> Result<(), String> {
        let (Self::Aimd(bounds) | Self::Vegas(bounds) | Self::Gradient(bounds)) = self else {
            return Err(format!("this limit does not adapt, so it has no `{}`: write `limit`", given.key));
        };
        let calls = given.count()?;
        refuses_limit(calls).map_or(Ok(()), |reason| Err(reason.replace("limit", given.key)))?;
        *bound(bounds) = calls;
        if given.key != "initial_limit" {
            bounds.initial = bounds.initial.min(bounds.max).max(bounds.min);
        }
        Ok(())
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
    /// The range of a limit that adapts.
    const fn bounds(self) -> Option<Bounds> {
        match self {
            Self::Fixed(_) => None,
            Self::Aimd(bounds) | Self::Vegas(bounds) | Self::Gradient(bounds) => Some(bounds),
        }
    }

    pub(super) const fn initial(self) -> u32 {
        match self {
            Self::Fixed(limit) => limit,
            Self::Aimd(bounds) | Self::Vegas(bounds) | Self::Gradient(bounds) => bounds.initial,
        }
    }

    pub(super) fn adaptive(self) -> Option<Adaptive> {
        match self {
            Self::Fixed(_) => None,
            Self::Aimd(Bounds { min, max, initial }) => Some(Adaptive::aimd(min, max, initial)),
            Self::Vegas(Bounds { min, max, initial }) => Some(Adaptive::vegas(min, max, initial)),
            Self::Gradient(Bounds { min, max, initial }) => Some(Adaptive::gradient(min, max, initial)),
        }
    }
}

impl Bounds {
    const fn new(min: u32, max: u32, initial: u32) -> Self {
        assert!(max <= MOST_PERMITS, "`max` must be at most 1000000");
        Adaptive::check(min, max, initial);
        Self { min, max, initial }
    }
}
