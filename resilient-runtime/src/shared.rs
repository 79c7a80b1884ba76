//! Stores through which the machines of a service share limits and circuit breakers: the part that every store has in common.
//!
//! `resilient-redis` has the store for Redis and Valkey. A store for something else is an implementation of [`Store`].

mod circuit;
mod ledger;
#[cfg(any(test, feature = "test-util"))]
mod memory;
#[cfg(all(test, not(resilient_loom)))]
mod orders;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use once_cell::race::OnceBox;

use crate::list::Description;

pub use self::circuit::{CircuitAsk, CircuitLedger, CircuitView, ProbeTerms, SharedState};
pub use self::ledger::Ledger;
#[cfg(any(test, feature = "test-util"))]
pub use self::memory::InMemory;
pub use crate::vocabulary::WhenDown;

/// A store that all machines of a service ask for permits, and for the state of circuit breakers.
///
/// A [`RateLimit`](crate::RateLimit) that is [shared through](crate::RateLimit::shared_through) one asks it in the background, for as many permits at
/// a time as it is about to need. The store decides by its own clock: the clocks of machines may differ.
///
/// A [`CircuitBreaker`](crate::CircuitBreaker) that is [shared through](crate::CircuitBreaker::shared_through) one asks it in the background as well,
/// and no call of it waits for an answer.
///
/// A policy gives up an answer that takes longer than [`timeout`](Self::timeout), and asks again later.
pub trait Store: Send + Sync {
    /// Returns the name, for the list of policies.
    fn name(&self) -> &str;

    /// Returns the longest time in which an answer is of use.
    fn timeout(&self) -> Duration;

    /// Returns the number of machines that share the store, as far as is known: at least 1.
    ///
    /// It divides the rate while the store cannot be asked.
    fn machines(&self) -> u32;

    /// Asks for permits of the limit of that name, and passes on what a server said.
    fn lease<'a>(&'a self, limit: &'a str, ask: Ask) -> Leasing<'a>;

    /// Asks for the state of the circuit breaker of that name, and says what this machine knows of it.
    ///
    /// A store that has no circuit breakers answers with an error, as this does unless it is written anew.
    fn circuit<'a>(&'a self, _breaker: &'a str, _ask: CircuitAsk) -> Consulting<'a> {
        Box::pin(async { Err(StoreError::new("the store has no circuit breakers")) })
    }
}

/// An answer of a [`Store`] that is on its way.
pub type Leasing<'a> = Pin<Box<dyn Future<Output = Result<Lease, StoreError>> + Send + 'a>>;

/// An answer of a [`Store`] about a circuit breaker that is on its way.
pub type Consulting<'a> = Pin<Box<dyn Future<Output = Result<CircuitView, StoreError>> + Send + 'a>>;

/// A question to a [`Store`]: how many permits, at which pace, and what a server said since the last one.
///
/// The store keeps, for each limit, when the next call would be due if all came evenly. A permit moves that on by [`interval`](Self::interval), and is
/// granted if it was no further than [`slack`](Self::slack) ahead of the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ask {
    /// The number of permits that are of use; 0 if there is only something to say.
    pub wanted: u32,
    /// The number of permits below which none are of use.
    pub least: u32,
    /// The time that each permit takes up.
    pub interval: Duration,
    /// The time by which permits may run ahead of the rate.
    pub slack: Duration,
    /// The highest [`version`](Lease::version) that was seen of this limit; 0 if none was.
    ///
    /// A store that knows only an older one has lost something. It then takes all that can come at once for used up.
    pub seen: u64,
    /// The permits to charge beyond those that were granted, or to give back if it is negative.
    pub owed: i64,
    /// Uses up all but so many of the permits that could come at once.
    pub curbed: Option<u32>,
    /// A pause for so long that a server asked for.
    pub pause: Option<Duration>,
    /// Set if a server refused a call without a time.
    pub slowed: bool,
    /// The time between calls that a server's quota allows, and for how long; zero between calls ends the last one.
    pub spread: Option<(Duration, Duration)>,
    /// The longest time of a pause, and of a debt for what was charged.
    pub debt: Duration,
}

impl Ask {
    /// A question for so many permits, of which one is of use, by a machine that has seen nothing and has nothing to say.
    pub const fn new(wanted: u32, interval: Duration, slack: Duration) -> Self {
        Self {
            wanted,
            least: 1,
            interval,
            slack,
            seen: 0,
            owed: 0,
            curbed: None,
            pause: None,
            slowed: false,
            spread: None,
            debt: Duration::from_secs(60),
        }
    }
}

/// The answer of a [`Store`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The number of permits: at most as many as were wanted, and none if the least could not be had.
    pub granted: u32,
    /// The time until the least could be had; zero if they were granted.
    pub wait: Duration,
    /// The number of changes of the limit, which rises with each answer.
    pub version: u64,
    /// The rest of a pause that holds for all machines.
    pub pause: Duration,
    /// The number of times that a server has slowed the limit, ever; one a second at most.
    pub slowdowns: u64,
    /// The time between calls that a server's quota allows, and for how much longer; zero for none.
    pub spread: (Duration, Duration),
}

/// The reason for which a [`Store`] gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    message: Cow<'static, str>,
}

impl StoreError {
    /// An error with that message.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for StoreError {}

/// The store of a policy that machines share, and what this machine knows of it.
pub(crate) struct Link<T> {
    pub(crate) store: &'static dyn Store,
    local: OnceBox<Arc<T>>,
}

/// One machine's part of a policy that machines share.
pub(crate) trait Local {
    /// A new one, for that key if it is for one.
    fn new(key: Option<Box<str>>) -> Self;

    /// The text of the key that it is for.
    fn key(&self) -> Option<&str>;

    fn is_down(&self) -> bool;

    /// Returns why the store does not answer, while it does not.
    fn failure(&self) -> Option<StoreError>;
}

impl<T: Local> Link<T> {
    pub(crate) const fn new(store: &'static dyn Store) -> Self {
        Self { store, local: OnceBox::new() }
    }

    /// One through the same store, of which this machine knows nothing yet.
    pub(crate) const fn again(&self) -> Self {
        Self::new(self.store)
    }

    /// Returns whether both are through the same store, or neither through any.
    pub(crate) fn agree(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => std::ptr::addr_eq(one.store, other.store),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    /// This machine's part, which is made at its first use.
    #[inline]
    pub(crate) fn local(&self) -> &Arc<T> {
        self.local.get_or_init(|| Box::new(Arc::new(T::new(None))))
    }

    /// The text of the key that it is for.
    pub(crate) fn key(&self) -> Option<&str> {
        self.local.get()?.key()
    }

    /// Says for which key it is, before it is used.
    pub(crate) fn share_as(&mut self, key: Box<str>) {
        self.local = OnceBox::with_value(Box::new(Arc::new(T::new(Some(key)))));
    }

    /// Says what it goes through and whether that answers, for the list of policies.
    pub(crate) fn describe_to(&self, description: &mut Description) {
        let (store, local) = (self.store.name(), self.local());
        description.fixed("shared", store);
        if let Some(failure) = local.failure() {
            description.now("shared", format_args!("{store}, which does not answer: {failure}"));
        }
        description.level("shared_down", if local.is_down() { 1.0 } else { 0.0 });
    }
}

impl<T> fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("store", &self.store.name()).finish_non_exhaustive()
    }
}

/// The name by which a store knows the policy of that name, for that key if it is for one.
pub(crate) fn name(policy: &'static str, key: Option<&str>) -> Cow<'static, str> {
    match key {
        None => Cow::Borrowed(policy),
        Some(key) => Cow::Owned(format!("{policy}:{key}")),
    }
}
