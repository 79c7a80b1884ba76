//! Items that come more than once, and run once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::wake::wake_all;

/// Has `function` run once for equal items: the first of them runs, and the others get clones of what it returns.
///
/// A place whose item is running already waits for it, and counts in the fan-out's [`limit`](crate::FanOut::limit) while it
/// does. The outcome of every different item is kept until the fan-out ends, since its equal may still come: for an
/// endless input that is without bound.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use resilient::{FanOut, fan::deduplicated};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let runs = Cell::new(0);
/// let double = async |n: u32| {
///     runs.set(runs.get() + 1);
///     n * 2
/// };
///
/// assert_eq!(FanOut::new([1, 2, 1, 1], deduplicated(double)).await, [2, 4, 2, 2]);
/// assert_eq!(runs.get(), 2);
/// # }
/// ```
pub fn deduplicated<T, F, Fut>(mut function: F) -> impl FnMut(T) -> Deduplicated<Fut>
where
    T: Distinct,
    F: FnMut(T) -> Fut,
    Fut: Future<Output: Clone>,
{
    let mut known: HashMap<T, Arc<Kept<Fut::Output>>> = HashMap::new();
    move |item| match known.entry(item) {
        Entry::Occupied(entry) => Deduplicated { first: None, kept: Arc::clone(entry.get()) },
        Entry::Vacant(entry) => {
            let first = Some(function(entry.key().clone()));
            Deduplicated { first, kept: Arc::clone(entry.insert(Arc::new(Kept::new()))) }
        }
    }
}

/// Keys that can be told apart: anything that is `Hash`, `Eq` and `Clone`.
#[diagnostic::on_unimplemented(
    message = "`dedup` runs equal items once, and nothing says when two `{Self}` are equal",
    label = "is not `Hash + Eq + Clone`",
    note = "derive `Hash`, `PartialEq`, `Eq` and `Clone` for the item, or leave out `dedup`"
)]
pub trait Distinct: Hash + Eq + Clone {}

#[diagnostic::do_not_recommend]
impl<T: Hash + Eq + Clone> Distinct for T {}

pin_project! {
    /// A future that runs, or waits for an equal one that does; what the function of [`deduplicated`] returns.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Deduplicated<F: Future> {
        // `None` if another runs.
        #[pin]
        first: Option<F>,
        kept: Arc<Kept<F::Output>>,
    }
}

/// The outcome, and who waits for it.
struct Kept<O> {
    outcome: OnceLock<O>,
    waiting: Mutex<Vec<Waker>>,
}

impl<O> Kept<O> {
    fn new() -> Self {
        Self { outcome: OnceLock::new(), waiting: Mutex::new(Vec::new()) }
    }

    fn keep(&self, outcome: O) {
        // `Err` only if it is polled again after its end, and then the first outcome stays.
        _ = self.outcome.set(outcome);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        wake_all(waiting);
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<&O> {
        if self.outcome.get().is_none() {
            let waker = cx.waker().clone();
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
        }
        // Asked again: `keep` may have looked for whom to wake before the waker was there.
        self.outcome.get().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<F: Future<Output: Clone>> Future for Deduplicated<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.first.as_pin_mut() {
            Some(future) => {
                let outcome = ready!(future.poll(cx));
                this.kept.keep(outcome.clone());
                Poll::Ready(outcome)
            }
            None => this.kept.poll(cx).map(Clone::clone),
        }
    }
}

impl<F: Future> fmt::Debug for Deduplicated<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deduplicated").field("runs", &self.first.is_some()).finish_non_exhaustive()
    }
}
