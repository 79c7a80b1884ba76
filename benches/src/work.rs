//! The functions that every case calls. They do next to nothing, so that the cost of the code around them shows.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use resilient::Classify;

/// The failure of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Classify)]
#[transient]
pub(crate) struct Busy;

/// The failure of a call, or its rejection by a policy.
#[derive(Debug, Clone, Classify)]
pub(crate) enum Failure {
    #[transient]
    Busy,
    #[transparent]
    Refused(resilient::Error),
}

impl From<resilient::Error> for Failure {
    fn from(refusal: resilient::Error) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Busy> for Failure {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

/// An error that implements `Error`, which tower requires.
#[derive(Debug)]
pub(crate) struct Unwell;

impl Error for Unwell {}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("busy")
    }
}

impl From<Busy> for Unwell {
    fn from(Busy: Busy) -> Self {
        Self
    }
}

/// Returns the answer of the work.
pub(crate) const fn answer(id: u64) -> u64 {
    id + 1
}

/// Ends at once. It succeeds, but the compiler cannot know: it would fail for [`FAILING`].
pub(crate) async fn attempt<E: From<Busy>>(id: u64) -> Result<u64, E> {
    outcome(id)
}

/// Is like [`attempt`], for functions that block.
pub(crate) fn attempt_blocking<E: From<Busy>>(id: u64) -> Result<u64, E> {
    outcome(id)
}

/// Is like [`attempt`], but ends at the second poll.
pub(crate) async fn attempt_later<E: From<Busy>>(id: u64) -> Result<u64, E> {
    yield_once().await;
    outcome(id)
}

#[inline]
fn outcome<E: From<Busy>>(id: u64) -> Result<u64, E> {
    match black_box(id) {
        FAILING => Err(Busy.into()),
        id => Ok(answer(id)),
    }
}

/// The identifier for which every attempt fails.
pub(crate) const FAILING: u64 = u64::MAX;

/// Fails twice, then succeeds, and so on. It keeps its own count, because not every peer can hand a counter in.
pub(crate) async fn fail_twice<E: From<Busy>>(id: u64) -> Result<u64, E> {
    static ATTEMPT: AtomicU64 = AtomicU64::new(0);

    let attempt = ATTEMPT.load(Relaxed);
    if attempt < 2 {
        ATTEMPT.store(attempt + 1, Relaxed);
        Err(Busy.into())
    } else {
        ATTEMPT.store(0, Relaxed);
        Ok(answer(id))
    }
}

fn yield_once() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}
