//! The outcome of a batch, and each caller's part of it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use crate::{Error, PolicyKind, Reason};

/// The outcome of a function over many keys, if each caller can be given the outcome of its own key.
///
/// It is implemented for `Result<C, E>` where `C` is a [`BatchAnswers`], such as a `HashMap<K, V>`, and for
/// `Vec<Result<V, E>>` in the order of the keys.
#[diagnostic::on_unimplemented(
    message = "nobody can find the answer to a key of type `{K}` in `{Self}`",
    label = "not what a batch returns",
    note = "return a `Result<HashMap<K, V>, E>`, or a `Vec<Result<V, E>>` in the order of the keys"
)]
pub trait BatchOutcome<K>: Sized {
    /// The outcome for one caller; callers that ask for the same key get clones.
    type One: Clone;

    /// The outcome of one key. Each key of the batch is asked for once.
    fn one(&mut self, item: BatchItem<'_, K>) -> Self::One;
}

/// The answers of a batch that went well as a whole.
///
/// In a map, a key that is absent is `None` to those who asked for it. In a `Vec<Result<V, E>>`, the answers are in the order
/// of the keys. Implement it for a map of another crate:
///
/// ```
/// use resilient::call::{BatchAnswers, BatchItem};
///
/// #[derive(Clone, PartialEq)]
/// struct UserId(u64);
/// struct Pairs<V>(Vec<(UserId, V)>);
///
/// impl<V: Clone, E: Clone> BatchAnswers<UserId, E> for Pairs<V> {
///     type Answer = Option<V>;
///
///     fn find(&mut self, item: BatchItem<'_, UserId>) -> Result<Option<V>, E> {
///         Ok(self.0.iter().find(|(id, _)| id == item.key()).map(|(_, value)| value.clone()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "nobody can find the answer to a key of type `{K}` in `{Self}`",
    label = "not what a batch returns",
    note = "return a `Result<HashMap<K, V>, E>`, or a `Vec<Result<V, E>>` in the order of the keys"
)]
pub trait BatchAnswers<K, E> {
    /// The answer for one key.
    type Answer: Clone;

    /// The answer for one key. Each key of the batch is asked for once.
    ///
    /// # Errors
    ///
    /// The key's own error, where there is one.
    fn find(&mut self, item: BatchItem<'_, K>) -> Result<Self::Answer, E>;
}

/// One of the keys of a batch.
#[derive(Debug)]
pub struct BatchItem<'a, K> {
    pub(super) key: &'a K,
    pub(super) position: usize,
    pub(super) of: usize,
    pub(super) name: &'static str,
}

impl<K> BatchItem<'_, K> {
    /// The key.
    pub const fn key(&self) -> &K {
        self.key
    }

    /// Its place among the keys that the function was given, from 0.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Returns how many keys the function was given.
    pub const fn of(&self) -> usize {
        self.of
    }

    /// The rejection for a key that has no outcome.
    pub const fn unanswered(&self) -> Error {
        Error::new(PolicyKind::Batch, self.name, Reason::Unanswered)
    }
}

impl<K, C, E> BatchOutcome<K> for Result<C, E>
where
    C: BatchAnswers<K, E>,
    E: Clone,
{
    type One = Result<C::Answer, E>;

    fn one(&mut self, item: BatchItem<'_, K>) -> Self::One {
        match self {
            Ok(answers) => answers.find(item),
            Err(error) => Err(error.clone()),
        }
    }
}

impl<K, V, E> BatchOutcome<K> for Vec<Result<V, E>>
where
    V: Clone,
    E: Clone + From<Error>,
{
    type One = Result<V, E>;

    fn one(&mut self, item: BatchItem<'_, K>) -> Self::One {
        self.find(item)
    }
}

/// As many as there were keys, and in their order; if there are more or fewer, nobody can tell whose is whose, and all get
/// [`Reason::Unanswered`].
impl<K, V, E> BatchAnswers<K, E> for Vec<Result<V, E>>
where
    V: Clone,
    E: Clone + From<Error>,
{
    type Answer = V;

    fn find(&mut self, item: BatchItem<'_, K>) -> Result<V, E> {
        match self.get(item.position) {
            Some(answer) if self.len() == item.of => answer.clone(),
            _ => Err(item.unanswered().into()),
        }
    }
}

impl<K, V, S, E> BatchAnswers<K, E> for HashMap<K, V, S>
where
    K: Hash + Eq,
    V: Clone,
    S: BuildHasher,
{
    type Answer = Option<V>;

    fn find(&mut self, item: BatchItem<'_, K>) -> Result<Option<V>, E> {
        Ok(self.remove(item.key))
    }
}

impl<K, V, E> BatchAnswers<K, E> for BTreeMap<K, V>
where
    K: Ord,
    V: Clone,
{
    type Answer = Option<V>;

    fn find(&mut self, item: BatchItem<'_, K>) -> Result<Option<V>, E> {
        Ok(self.remove(item.key))
    }
}
