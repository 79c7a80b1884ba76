//! A call whose outcome is kept for later ones.

use std::any::TypeId;
use std::hash::Hash;

use tokio::time::Instant;

use super::Fallback;
use super::kept::Identity;
use crate::keyed::fingerprint::fingerprint;
use crate::notes::fallback::KEPT;
use crate::{Mode, clock};

/// A call of a [`Fallback`], with its key and its beginning; from [`Fallback::call`].
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use resilient::{Fallback, call::Rescue};
///
/// static LOOKUP: Fallback = Fallback::named("lookup");
///
/// fn lookup(word: &str, found: Result<usize, Error>) -> Result<usize, Error> {
///     let call = LOOKUP.call(word);
///     match LOOKUP.settle(found) {
///         Rescue::Accept(outcome) => call.keep(outcome),
///         Rescue::FallBack(failure) => match call.recall() {
///             Some(value) => failure.stale(value),
///             None => failure.unanswered(),
///         },
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(lookup("tide", Ok(4)).unwrap(), 4);
/// assert_eq!(lookup("tide", Err(ErrorKind::TimedOut.into())).unwrap(), 4);
/// assert!(lookup("moon", Err(ErrorKind::TimedOut.into())).is_err());
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "it does nothing unless it keeps or recalls something"]
pub struct FallbackCall<'a> {
    policy: &'a Fallback,
    identity: Identity,
    began: Instant,
}

/// A good value that can stand in for later ones: one that is `Clone`, `Send`, `Sync` and `'static`. The error need not be.
#[diagnostic::on_unimplemented(
    message = "`#[fallback(stale = …)]` keeps a clone of each good value, and `{Self}` cannot be kept",
    label = "is not `Clone + Send + Sync + 'static`",
    note = "derive `Clone` for the value, or return an `Arc` of it; the error need not be `Clone`"
)]
pub trait Keepable: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Keepable for T {}

impl<'a> FallbackCall<'a> {
    pub(super) fn new<K: Hash + ?Sized>(policy: &'a Fallback, key: &K) -> Self {
        let identity = Identity { key: fingerprint(key), instance: TypeId::of::<()>() };
        Self { policy, identity, began: clock::now() }
    }

    /// Keeps apart the values of calls with arguments of other types here. A closure that is written in a generic function,
    /// such as `|| ()`, has a type of its own in each instance of that function.
    pub fn instance<F>(mut self, _of: F) -> Self {
        self.identity.instance = typeid::of::<F>();
        self
    }

    /// Keeps a clone of a good value, and gives the outcome back.
    ///
    /// A call that began earlier than the one whose value is kept already keeps nothing: its value would be older.
    ///
    /// # Errors
    ///
    /// The value of `outcome`.
    pub fn keep<T, E>(&self, outcome: Result<T, E>) -> Result<T, E>
    where
        T: Keepable,
    {
        if let Ok(value) = &outcome
            && self.policy.current_mode() != Mode::Off
        {
            self.policy.kept.insert(self.identity, self.began, value.clone());
            self.policy.shell.note(KEPT, 1);
        }
        outcome
    }

    /// A clone of the value that is kept under this call's key, unless it is too old.
    pub fn recall<T>(&self) -> Option<T>
    where
        T: Keepable,
    {
        self.policy.kept.get(self.identity, self.policy.config.max_age)
    }
}
