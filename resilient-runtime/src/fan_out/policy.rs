//! The fan-outs of one function as a policy: their name, their limit, and the ends of their items.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

#[cfg(doc)]
use super::FanOut;
use super::input::{OutputOf, Source, as_its_input};
use super::{FanOutLimit, Input};
use crate::book::Ended;
use crate::error::number_of::CANCELLED;
#[cfg(feature = "config")]
use crate::list::Described;
use crate::list::{Bound, Description};
use crate::shell::{Shell, shell};
use crate::sync::const_fn;
use crate::tune::Live;
#[cfg(feature = "config")]
use crate::tune::{Given, Kept, Key, Settings};
use crate::{Class, Mode};

/// The fan-outs of one function: counts the ends of their items, and how many are under way.
///
/// It is a value for a `static`, and limits nothing itself: [`FanOut::counted`] tells it of the items of one fan-out.
/// `#[fan_out]` makes one for each function that it adds.
///
/// ```
/// use resilient::{Error, FanOut, FanOutPolicy, Outcome};
///
/// static SEARCHES: FanOutPolicy = FanOutPolicy::named("search").limit(2);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// FanOut::new([1, 2, 3], |n| async move { Ok::<u32, Error>(n) }).limit(2).counted(&SEARCHES, |outcome| outcome.class()).await;
///
/// # resilient::list(&SEARCHES);
/// let listed = resilient::policies().others;
/// assert_eq!((listed[0].outcomes[0].name.as_str(), listed[0].outcomes[0].value), ("success", 3.0));
/// # }
/// ```
#[must_use = "it counts only what it is told of"]
pub struct FanOutPolicy {
    shell: Shell<Self>,
    config: Live<Config>,
    /// The limit of the last fan-out.
    last: AtomicUsize,
    adaptive: Option<&'static FanOutLimit>,
    /// The children of all fan-outs that are not being polled at the moment.
    in_flight: AtomicUsize,
}

/// The settings of the fan-outs of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    /// The limit that is compiled in; 0 if none is known before the first fan-out.
    compiled: usize,
    /// The limit that stands in place of the one that a fan-out brings.
    limit: Option<u32>,
}

impl FanOutPolicy {
    const_fn! {
        /// The fan-outs under that name. The list of policies shows the limit of the last one.
        #[track_caller]
        pub fn named(name: &'static str) -> Self {
            Self {
                shell: Shell::named(name),
                config: Live::new(Config { compiled: 0, limit: None }),
                last: AtomicUsize::new(0),
                adaptive: None,
                in_flight: AtomicUsize::new(0),
            }
        }
    }

    const_fn! {
        /// Sets the limit that the list of policies shows before the first fan-out, and beside another that one has.
        pub fn limit(mut self, items: usize) -> Self {
            self.config.built.compiled = items;
            self.last = AtomicUsize::new(items);
            self
        }
    }

    const_fn! {
        /// Has the list of policies show how many items this limit lets run at the moment.
        pub fn adaptive(mut self, limit: &'static FanOutLimit) -> Self {
            self.adaptive = Some(limit);
            self
        }
    }

    /// Returns how many items are under way, in all fan-outs.
    ///
    /// It is exact while none of them is being polled: each says how many it has when it begins to wait.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// The limit that settings say, or the one that the fan-out brings.
    fn limit_in_place_of(&self, set: usize) -> usize {
        self.config.limit.map_or(set, |limit| limit as usize)
    }

    /// It is in one mode only, and has nothing to reset.
    #[expect(clippy::unused_self, reason = "every policy has it")]
    const fn set_mode(&self, _mode: Mode) {}

    /// Says what it is told and what it does, for the list of policies.
    fn describe_to(&self, description: &mut Description) {
        let Config { compiled, limit } = *self.config;
        let last = limit.map_or_else(|| self.last.load(Relaxed), |limit| limit as usize);
        match self.adaptive {
            Some(limit) => description.fixed("limit", format_args!("adaptive, {} now", limit.current())),
            None if compiled == 0 => description.optional("limit", Some(last).filter(|limit| *limit > 0)),
            None => description.changing("limit", last, compiled),
        }
        description.level("items_in_flight", self.in_flight() as f64);
        // as long as there are items
        description.bound = Bound::Attempts(None);
    }
}

#[cfg(feature = "config")]
impl Described for Config {
    fn describe_to(&self, description: &mut Description) {
        let compiled = u32::try_from(self.compiled).ok().filter(|limit| *limit > 0);
        description.optional("limit", self.limit.or(compiled));
    }
}

#[cfg(feature = "config")]
impl Settings for Config {
    const KEYS: &'static [Key<Self>] = &[
        Key::count("limit", "16", refuses_limit, |config, limit| config.limit = Some(limit)),
        Key::own("min_limit", "", range),
        Key::own("max_limit", "", range),
        Key::own("initial_limit", "", range),
    ];

    fn kept() -> &'static Kept<Self> {
        static KEPT: Kept<Config> = Kept::new();
        &KEPT
    }
}

/// Refuses the range of a limit that adapts.
#[cfg(feature = "config")]
fn range(_: &mut Config, given: &Given<'_>) -> Result<(), String> {
    Err(format!(
        "`{}` is a part of the code in a fan-out: write `limit`, the most that its limit may rise to",
        given.key
    ))
}

/// Returns why that is no limit, if it is none.
#[cfg(feature = "config")]
const fn refuses_limit(items: u32) -> Option<&'static str> {
    if items > 0 { None } else { Some("`limit` must be at least 1, or no item would begin") }
}

shell!(
    FanOutPolicy is FanOut, agrees: |one, other| one.config.built == other.config.built
        && one.adaptive.map(std::ptr::from_ref) == other.adaptive.map(std::ptr::from_ref),
    shows: |this| { in_flight: this.in_flight() }, tunes: Config, modes: false
);

/// An input whose items are counted; see [`FanOut::counted`].
pub struct Counted<I: Input> {
    pub(super) input: I,
    pub(super) policy: &'static FanOutPolicy,
    pub(super) judge: fn(&OutputOf<I>) -> Class,
}

impl<I: Input + Clone> Clone for Counted<I> {
    fn clone(&self) -> Self {
        Self { input: self.input.clone(), ..*self }
    }
}

impl<I: Input + fmt::Debug> fmt::Debug for Counted<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("input", &self.input).field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl<I: Input> Source for Counted<I> {
    type Child = I::Child;

    as_its_input!(listens, poll_child, children, finished, stopped);

    #[inline]
    fn limit(&self, set: usize, running: usize) -> usize {
        let set = if cfg!(feature = "config") { self.policy.limit_in_place_of(set) } else { set };
        self.input.limit(set, running)
    }

    const COUNTS: bool = true;

    fn policy(&self) -> Option<&'static FanOutPolicy> {
        Some(self.policy)
    }

    #[inline]
    fn class_of(&self, output: &OutputOf<I>) -> Class {
        (self.judge)(output)
    }
}

/// The items of one fan-out that have begun, and what its policy knows of them. A fan-out that is not counted tells nobody.
///
/// Items that have begun and not ended when this is dropped were abandoned: with the fan-out, or by a panic.
#[derive(Debug)]
pub(super) struct Tally {
    policy: Option<&'static FanOutPolicy>,
    under_way: usize,
    /// The part of the policy's items in flight that are this one's.
    said: usize,
}

impl Tally {
    /// The tally of a fan-out that begins, with that limit.
    pub(super) fn of(policy: Option<&'static FanOutPolicy>, limit: usize) -> Self {
        if let Some(policy) = policy
            && policy.last.load(Relaxed) != limit
        {
            policy.last.store(limit, Relaxed);
        }
        Self { policy, under_way: 0, said: 0 }
    }

    /// An item begins.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.under_way += 1;
    }

    /// An item that had begun has an outcome of that class.
    #[inline]
    pub(super) fn end(&mut self, class: Class) {
        self.under_way -= 1;
        if let Some(policy) = self.policy {
            policy.shell.count(Ended::of(class));
        }
    }

    /// The items that have begun are refused the rest of their time.
    #[cold]
    pub(super) fn stop(&mut self) {
        self.under_way = 0;
    }

    /// An item is refused.
    #[cold]
    pub(super) fn refuse(&mut self) {
        if let Some(policy) = self.policy {
            policy.shell.record().reject(CANCELLED);
        }
    }

    /// The fan-out waits, with that many items under way.
    #[inline]
    pub(super) fn wait(&mut self) {
        if self.said != self.under_way {
            self.say(self.under_way);
        }
    }

    fn say(&mut self, under_way: usize) {
        if let Some(policy) = self.policy {
            // Relaxed, and wrapping where it falls: the number says all there is to know.
            policy.in_flight.fetch_add(under_way.wrapping_sub(self.said), Relaxed);
            self.said = under_way;
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if self.said != 0 {
            self.say(0);
        }
        if let Some(policy) = self.policy {
            (0..self.under_way).for_each(|_| policy.shell.count(Ended::Abandoned));
        }
    }
}
