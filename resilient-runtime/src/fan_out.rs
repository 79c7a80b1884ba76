//! Fan-out: one async function over many items, a bounded number of them at a time.

use std::fmt;
use std::future::{Future, IntoFuture};

mod collect;
mod drive;
mod first_ok;
mod in_order;
mod ready;
mod set;
#[cfg(all(test, not(resilient_loom)))]
mod tests;
mod try_all;
mod unordered;

use self::drive::Drive;

pub use self::collect::Collect;
pub use self::first_ok::FirstOk;
pub use self::try_all::TryAll;
pub use self::unordered::Unordered;

/// Runs an async function for each item, a bounded number of them at a time.
///
/// Does nothing until it is awaited, or turned into one of the other forms:
///
/// | form | outputs | ends |
/// |---|---|---|
/// | `.await` ([`Collect`]) | all, in the order of the input | when every item has finished |
/// | [`.try_all()`](Self::try_all) | every success, in the order of the input | at the first error |
/// | [`.first_ok()`](Self::first_ok) | one | at the first success |
/// | [`.unordered()`](Self::unordered) | all, as they finish | when every item has finished |
///
/// # How it runs
///
/// The children run inside the task that polls the fan-out; nothing is spawned. That is concurrency and not
/// parallelism: a child that computes for long holds up the others.
///
/// An item is taken from the input only when there is room to run it, so the input may be endless or costly to
/// produce. A child that finishes makes room at once, also while the output of an earlier one is being waited for.
/// Only children that were woken are polled, and after a fixed number of polls the task gives way to others. Memory
/// is allocated for each place among the running children, when it is first needed, and not for each item.
///
/// # Panics
///
/// A panic in a child, in the function or in the input goes to whoever polls the fan-out. The other children are
/// dropped with the fan-out.
///
/// # Examples
///
/// ```
/// use resilient::FanOut;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let doubled = FanOut::new([1, 2, 3], |n| async move { n * 2 }).limit(2).await;
///
///     assert_eq!(doubled, [2, 4, 6]);
/// }
/// ```
#[must_use = "a fan-out does nothing unless it is awaited"]
#[derive(Clone)]
pub struct FanOut<I, L> {
    items: I,
    launch: L,
    limit: usize,
}

impl FanOut<(), ()> {
    /// How many children run at once when no [`limit`](FanOut::limit) is given.
    pub const DEFAULT_LIMIT: usize = 16;
}

impl<I: Iterator, L> FanOut<I, L> {
    /// Prepares to run `launch` for each of `items`, [`DEFAULT_LIMIT`](FanOut::DEFAULT_LIMIT) of them at a time.
    // Bounded by `FnMut`, and not by `Launch` as the rest is, so that the closure's argument needs no type.
    pub fn new<Fut>(items: impl IntoIterator<IntoIter = I>, launch: L) -> Self
    where
        L: FnMut(I::Item) -> Fut,
        Fut: Future,
    {
        Self { items: items.into_iter(), launch, limit: FanOut::DEFAULT_LIMIT }
    }
}

impl<I: Iterator, L: Launch<I::Item>> FanOut<I, L> {
    /// Sets how many children may exist at once; 0 counts as 1.
    ///
    /// A limit above the number of items costs nothing.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Returns a stream of the outputs in the order in which the children finish.
    ///
    /// Each output comes with the index of its item in the input.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures_util::StreamExt;
    /// use resilient::FanOut;
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() {
    ///     let mut finished = FanOut::new([20, 1], |ms| async move {
    ///         tokio::time::sleep(Duration::from_millis(ms)).await;
    ///         ms
    ///     })
    ///     .unordered();
    ///
    ///     assert_eq!(finished.next().await, Some((1, 1)));
    ///     assert_eq!(finished.next().await, Some((0, 20)));
    ///     assert_eq!(finished.next().await, None);
    /// }
    /// ```
    pub fn unordered(self) -> Unordered<I, L> {
        Unordered::new(self.start())
    }

    fn start(self) -> Drive<I, L> {
        Drive::new(self.items, self.launch, self.limit)
    }
}

impl<I, L, T, E> FanOut<I, L>
where
    I: Iterator,
    L: Launch<I::Item, Output = Result<T, E>>,
{
    /// Returns a future of every success, in the order of the input, or of the first error.
    ///
    /// The first error is the one that comes first in time. By then items may have run that come after the failed
    /// one in the input, and those that still run are dropped before the error is returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use resilient::FanOut;
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() {
    ///     let parsed = FanOut::new(["1", "2"], |text| async move { text.parse::<u32>() }).try_all().await;
    ///     assert_eq!(parsed, Ok(vec![1, 2]));
    ///
    ///     let parsed = FanOut::new(["1", "two"], |text| async move { text.parse::<u32>() }).try_all().await;
    ///     assert!(parsed.is_err());
    /// }
    /// ```
    pub fn try_all(self) -> TryAll<I, L, T> {
        TryAll::new(self.start())
    }

    /// Returns a future of the first success, or of every error in the order of the input when there is none.
    ///
    /// The first success is the one that comes first in time. The children that still run are dropped before it is
    /// returned. Without items the result is `Err` of an empty vector.
    ///
    /// # Examples
    ///
    /// ```
    /// use resilient::FanOut;
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() {
    ///     let parsed = FanOut::new(["one", "2"], |text| async move { text.parse::<u32>() }).first_ok().await;
    ///     assert_eq!(parsed, Ok(2));
    ///
    ///     let errors = FanOut::new(["one", "two"], |text| async move { text.parse::<u32>() }).first_ok().await;
    ///     assert_eq!(errors.unwrap_err().len(), 2);
    /// }
    /// ```
    pub fn first_ok(self) -> FirstOk<I, L, E> {
        FirstOk::new(self.start())
    }
}

impl<I: Iterator, L: Launch<I::Item>> IntoFuture for FanOut<I, L> {
    type Output = Vec<L::Output>;
    type IntoFuture = Collect<I, L>;

    fn into_future(self) -> Self::IntoFuture {
        Collect::new(self.start())
    }
}

impl<I, L> fmt::Debug for FanOut<I, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Starts the work for one item of a [`FanOut`].
///
/// Every `FnMut(T) -> impl Future` does; there is seldom a reason to implement it by hand. It gives names to what the
/// function returns, so that a signature can say `impl Launch<T, Output = O, Future = impl Future<Output = O>>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an async function of one `{T}`",
    label = "cannot run this for each item",
    note = "give the fan-out a closure such as `|item| async move {{ … }}`, or an `async fn` with one argument"
)]
pub trait Launch<T> {
    /// What the work for one item returns.
    type Output;
    /// The work for one item.
    type Future: Future<Output = Self::Output>;

    /// Starts the work for `item`. The future is polled as soon as this returns.
    fn launch(&mut self, item: T) -> Self::Future;
}

impl<F, T, Fut> Launch<T> for F
where
    F: FnMut(T) -> Fut,
    Fut: Future,
{
    type Output = Fut::Output;
    type Future = Fut;

    #[inline]
    fn launch(&mut self, item: T) -> Fut {
        self(item)
    }
}
