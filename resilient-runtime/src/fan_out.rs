//! Fan-out: one async function over many items, a bounded number of them at a time.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::iter::Map;
use std::time::Duration;

use futures_core::Stream;

mod adapting;
mod collect;
mod deduplicated;
mod drive;
mod first_ok;
mod in_order;
mod input;
mod ordered;
mod policy;
mod quorum;
mod ready;
mod set;
mod settle_within;
mod streamed;
mod task;
#[cfg(all(test, not(resilient_loom)))]
mod tests;
mod try_all;
mod unordered;
mod watched;

use self::drive::Drive;
use self::input::OutputOf;
use self::streamed::Calls;
use crate::{Class, FromRejection, Outcome};

pub use self::adapting::{Adapting, FanOutLimit};
pub use self::collect::Collect;
pub use self::deduplicated::{Deduplicated, Distinct, deduplicated};
pub use self::first_ok::FirstOk;
pub use self::input::Input;
pub use self::ordered::Ordered;
pub use self::policy::{Counted, FanOutPolicy};
pub use self::quorum::Quorum;
pub use self::settle_within::{SettleWithin, Settlement};
pub use self::streamed::Streamed;
pub use self::task::{Task, spawned, spawned_blocking};
pub use self::try_all::TryAll;
pub use self::unordered::Unordered;
pub use self::watched::{Cancellable, Observed, Progress};

/// Runs an async function for each item, a bounded number of them at a time.
///
/// Does nothing until it is awaited, or turned into one of the other forms:
///
/// | form | outputs | ends |
/// |---|---|---|
/// | `.await` ([`Collect`]) | all, in the order of the input | when every item has finished |
/// | [`.try_all()`](Self::try_all) | every success, in the order of the input | at the first error |
/// | [`.first_ok()`](Self::first_ok) | one | at the first success |
/// | [`.quorum(n)`](Self::quorum) | the first `n` successes | when they are there, or can no longer come |
/// | [`.settle_within(time)`](Self::settle_within) | what has finished in time, in the order of the input | when every item has finished, or the time is over |
/// | [`.unordered()`](Self::unordered) | all, as they finish | when every item has finished |
/// | [`.ordered()`](Self::ordered) | all, one by one in the order of the input | when every item has finished |
///
/// Before that, [`.limit(n)`](Self::limit) sets how many run at once, [`.progress(f)`](Self::progress) listens, and
/// [`.cancel_on(signal)`](Self::cancel_on) can end it early. What is done for each item can be changed before it is handed to
/// [`new`](FanOut::new): [`deduplicated`] runs equal items once, [`spawned`] and [`spawned_blocking`] run them as tasks.
///
/// # How it runs
///
/// The children run inside the task that polls the fan-out; nothing is spawned unless the function does it. That is
/// concurrency and not parallelism: a child that computes for long holds up the others.
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
pub struct FanOut<I> {
    input: I,
    limit: usize,
}

impl FanOut<()> {
    /// The number of children that run at once when no [`limit`](FanOut::limit) is given.
    pub const DEFAULT_LIMIT: usize = 16;
}

impl<I, F, T, Fut> FanOut<Map<I, F>>
where
    I: Iterator<Item = T>,
    F: FnMut(T) -> Fut,
    Fut: Future,
{
    /// Prepares to run `function` for each of `items`, [`DEFAULT_LIMIT`](FanOut::DEFAULT_LIMIT) of them at a time.
    ///
    /// The function is called for an item only when there is room to run what it returns.
    pub fn new(items: impl IntoIterator<IntoIter = I>, function: F) -> Self {
        // An iterator of futures, and not the items and the function: a type made of both, with a future that is found
        // through a trait, is not recognised as its own inside a spawned task when the items are borrowed.
        Self { input: items.into_iter().map(function), limit: FanOut::DEFAULT_LIMIT }
    }
}

impl<S, F, Fut> FanOut<Streamed<Calls<S, F>>>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    /// Prepares to run `function` for each of the items that come from a stream, as [`new`](FanOut::new) does for those of
    /// an iterator.
    ///
    /// The stream is asked for an item only when there is room to run it. While it has none, the children go on.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::stream;
    /// use resilient::FanOut;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let doubled = FanOut::from_stream(stream::iter([1, 2, 3]), |n| async move { n * 2 }).await;
    ///
    /// assert_eq!(doubled, [2, 4, 6]);
    /// # }
    /// ```
    pub fn from_stream(items: S, function: F) -> Self {
        Self { input: Streamed::new(Calls::new(items, function)), limit: FanOut::DEFAULT_LIMIT }
    }
}

impl<I> FanOut<I> {
    /// Has `policy` count how the items end, by the class that `judge` gives to an output.
    ///
    /// An item that the fan-out drops before it has ended, because it is dropped itself or needs no more outputs, counts as abandoned. One that is
    /// [cancelled](Self::cancel_on) counts as a rejection, launched or not, since it has an outcome then. What else was never launched is not counted.
    ///
    /// Nothing is written that other threads write, but where the fan-out waits with more or fewer items than the last time.
    pub fn counted(self, policy: &'static FanOutPolicy, judge: fn(&OutputOf<I>) -> Class) -> FanOut<Counted<I>>
    where
        I: Input,
    {
        FanOut { input: Counted { input: self.input, policy, judge }, limit: self.limit }
    }
}

impl<I: Input> FanOut<I> {
    /// Sets how many children may exist at once; 0 counts as 1.
    ///
    /// A limit above the number of items costs nothing.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Has `limit` set how many children may exist at once, from how long they take and how many are refused.
    ///
    /// A [`limit`](Self::limit) that is set after this one is the most that it can be.
    pub fn adaptive(self, limit: &'static FanOutLimit) -> FanOut<Adapting<I>>
    where
        I: Input<Child: Future<Output: Outcome>>,
    {
        FanOut { input: Adapting { input: self.input, limit }, limit: usize::MAX }
    }

    /// Calls `observer` after each item that has finished.
    ///
    /// A second observer is called after the first.
    ///
    /// # Panics
    ///
    /// A panic in the observer is one in a child: it goes to whoever polls the fan-out, and drops the children.
    ///
    /// # Examples
    ///
    /// ```
    /// use resilient::FanOut;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut seen = Vec::new();
    /// FanOut::new([1, 2], |n| async move { n })
    ///     .progress(|progress| seen.push((progress.finished, progress.total)))
    ///     .await;
    ///
    /// assert_eq!(seen, [(1, Some(2)), (2, Some(2))]);
    /// # }
    /// ```
    pub fn progress<F: FnMut(Progress)>(self, observer: F) -> FanOut<Observed<I, F>> {
        FanOut { input: Observed { input: self.input, observer }, limit: self.limit }
    }

    /// Ends it when `signal` does, such as `tokio_util::sync::CancellationToken::cancelled`.
    ///
    /// The children that run are then dropped, and no more are launched. Every item that has not finished has a
    /// rejection as its outcome ([`Reason::Cancelled`](crate::Reason::Cancelled)), those that had not been launched
    /// included: all forms treat it as they treat any error. An endless input ends, and what a stream had not yet given
    /// is no item. An input that does not know how many items it has left is gone through, without running them.
    ///
    /// The signal is asked first: if it has come before the first poll, nothing is launched.
    ///
    /// # Examples
    ///
    /// ```
    /// use resilient::{Error, FanOut, Reason};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let signal = std::future::ready(());
    /// let outcomes = FanOut::new([1, 2], |n| async move { Ok::<u32, Error>(n) }).cancel_on(signal).await;
    ///
    /// assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap_err().reason() == Reason::Cancelled));
    /// # }
    /// ```
    pub fn cancel_on<S: Future>(self, signal: S) -> FanOut<Cancellable<I, S>>
    where
        I: Input<Child: Future<Output: FromRejection>>,
    {
        FanOut { input: Cancellable { input: self.input, signal: Some(Box::pin(signal)) }, limit: self.limit }
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
    pub fn unordered(self) -> Unordered<I> {
        Unordered::new(self.start())
    }

    /// Returns a stream of the outputs in the order of the input.
    ///
    /// An output that comes before an earlier one waits for it, and keeps its place in the limit meanwhile: children that
    /// run and outputs that wait are never more than the limit together.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures_util::StreamExt;
    /// use resilient::FanOut;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let mut outputs = FanOut::new([20, 1], |ms| async move {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    ///     ms
    /// })
    /// .ordered();
    ///
    /// assert_eq!(outputs.next().await, Some(20));
    /// assert_eq!(outputs.next().await, Some(1));
    /// assert_eq!(outputs.next().await, None);
    /// # }
    /// ```
    pub fn ordered(self) -> Ordered<I> {
        Ordered::new(self.start())
    }

    fn start(self) -> Drive<I> {
        Drive::new(self.input, self.limit)
    }
}

impl<I, T, E> FanOut<I>
where
    I: Input<Child: Future<Output = Result<T, E>>>,
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
    pub fn try_all(self) -> TryAll<I, T> {
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
    pub fn first_ok(self) -> FirstOk<I, E> {
        FirstOk::new(self.start())
    }

    /// Returns a future of the first `needed` successes, or of the errors when there can no longer be so many.
    ///
    /// Both are in the order in which they came. The children that still run are dropped before it returns. With 0 it
    /// succeeds at once and with nothing; more than there are items fails as soon as that is known, which for an input
    /// that knows its length is before anything is launched.
    ///
    /// # Examples
    ///
    /// ```
    /// use resilient::FanOut;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let parse = |text: &'static str| async move { text.parse::<u32>() };
    ///
    /// assert_eq!(FanOut::new(["1", "two", "3", "4"], parse).quorum(2).await, Ok(vec![1, 3]));
    /// assert_eq!(FanOut::new(["1", "two", "three"], parse).quorum(2).await.unwrap_err().len(), 2);
    /// # }
    /// ```
    pub fn quorum(self, needed: usize) -> Quorum<I, T, E> {
        Quorum::new(self.start(), needed)
    }

    /// Returns a future of what the items have come to when all have finished, or when `time` is over.
    ///
    /// One [`Settlement`] for each item, in the order of the input. Items that have not been launched by then are
    /// `Unfinished`, like those that were running, which are dropped before it returns. Those left in an endless input are
    /// not listed, nor is what a stream had not yet given; an input that does not know how many items it has left is gone
    /// through, without running them.
    ///
    /// The time counts from the first poll, and neither the clock is read nor a timer set if that finishes everything. It
    /// is the [`Deadline`](crate::Deadline) of the children. A deadline that comes sooner ends it as well; one that
    /// has passed before the first poll lets nothing start. Off a tokio runtime the time cannot be measured: then it is over
    /// after the first poll.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use resilient::{FanOut, fan::Settlement};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let settled = FanOut::new([1, 2_000, 3], |ms| async move {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    ///     if ms == 3 { Err("broken") } else { Ok(ms) }
    /// })
    /// .settle_within(Duration::from_secs(1))
    /// .await;
    ///
    /// assert_eq!(settled, [Settlement::Ok(1), Settlement::Unfinished, Settlement::Err("broken")]);
    /// # }
    /// ```
    pub fn settle_within(self, time: Duration) -> SettleWithin<I, T, E> {
        SettleWithin::new(self.start(), time)
    }
}

impl<I: Input> IntoFuture for FanOut<I> {
    type Output = Vec<OutputOf<I>>;
    type IntoFuture = Collect<I>;

    fn into_future(self) -> Self::IntoFuture {
        Collect::new(self.start())
    }
}

impl<I> fmt::Debug for FanOut<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut").field("limit", &self.limit).finish_non_exhaustive()
    }
}
