//! A limit on the children that follows how long they take.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::Input;
use super::input::{Source, as_its_input};
use crate::Outcome;
use crate::adaptive::{Adaptive, Sample};
use crate::bulkhead::ended;
use crate::sync::atomic::AtomicU32;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// A limit on the children of fan-outs that follows how long they take, and how many are refused.
///
/// It is a value for a `static`, shared by the fan-outs that call the same server; see
/// [`FanOut::adaptive`](super::FanOut::adaptive). The algorithms are those of a [`Bulkhead`](crate::Bulkhead). The limit
/// is for all of these fan-outs together, but each may always have one child.
///
/// ```
/// use resilient::{Error, FanOut, FanOutLimit};
///
/// static LIMIT: FanOutLimit = FanOutLimit::gradient(1, 200, 20);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let outcomes = FanOut::new(0..100, |n| async move { Ok::<_, Error>(n) }).adaptive(&LIMIT).await;
///
/// assert_eq!((outcomes.len(), LIMIT.current()), (100, 20));
/// # }
/// ```
#[derive(Debug)]
pub struct FanOutLimit {
    adaptive: Adaptive,
    /// The children of all fan-outs. Relaxed throughout: the number says all there is to know.
    in_flight: AtomicU32,
}

impl FanOutLimit {
    const_fn! {
        /// Adds one while all goes well, and loses a tenth when the server refuses or children time out.
        ///
        /// # Panics
        ///
        /// Unless `1 <= min <= initial <= max`; at compile time in a `static`.
        pub fn aimd(min: u32, max: u32, initial: u32) -> Self {
            Self { adaptive: Adaptive::aimd(min, max, initial), in_flight: AtomicU32::new(0) }
        }
    }

    const_fn! {
        /// Keeps the queue at the server short, as measured by how much longer children take than they did at their fastest.
        ///
        /// # Panics
        ///
        /// As [`aimd`](Self::aimd).
        pub fn vegas(min: u32, max: u32, initial: u32) -> Self {
            Self { adaptive: Adaptive::vegas(min, max, initial), in_flight: AtomicU32::new(0) }
        }
    }

    const_fn! {
        /// Shrinks when children take longer than they did over the last minutes.
        ///
        /// # Panics
        ///
        /// As [`aimd`](Self::aimd).
        pub fn gradient(min: u32, max: u32, initial: u32) -> Self {
            Self { adaptive: Adaptive::gradient(min, max, initial), in_flight: AtomicU32::new(0) }
        }
    }

    /// Returns how many children may run at once now.
    pub fn current(&self) -> u32 {
        self.adaptive.limit()
    }

    /// Returns how many children a fan-out of which so many are running may have.
    ///
    /// Two that look at the same moment may both take the last place: there is at most one too many for each of the others.
    fn room(&self, running: usize) -> usize {
        let all = self.in_flight.load(Relaxed) as usize;
        let elsewhere = all.saturating_sub(running);
        (self.current() as usize).saturating_sub(elsewhere).max(1)
    }
}

/// An input whose children run within a [`FanOutLimit`]; see [`FanOut::adaptive`](super::FanOut::adaptive).
#[derive(Debug, Clone)]
pub struct Adapting<I> {
    pub(super) input: I,
    pub(super) limit: &'static FanOutLimit,
}

impl<I: Input<Child: Future<Output: Outcome>>> Source for Adapting<I> {
    type Child = Measured<I::Child>;

    as_its_input!(listens, counting, children, finished, stopped);

    fn poll_child(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Child>> {
        let child = ready!(self.input.poll_child(cx));
        Poll::Ready(child.map(|future| Measured { future, place: Place::in_(self.limit), began: None }))
    }

    fn limit(&self, set: usize, running: usize) -> usize {
        self.input.limit(set, running).min(self.limit.room(running))
    }
}

pin_project! {
    /// A child of which it is known how long it takes.
    pub struct Measured<F> {
        #[pin]
        future: F,
        place: Place,
        // `None` before the first poll.
        began: Option<Sample>,
    }
}

impl<F: Future<Output: Outcome>> Future for Measured<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let limit = this.place.0;
        let began = *this.began.get_or_insert_with(|| limit.adaptive.begin());
        let outcome = ready!(this.future.poll(cx));
        let ended = ended(outcome.rejection(), || outcome.class());
        limit.adaptive.end(began, limit.in_flight.load(Relaxed), ended);
        Poll::Ready(outcome)
    }
}

impl<F> fmt::Debug for Measured<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured").field("began", &self.began).finish_non_exhaustive()
    }
}

/// A place among the children, given back when it is dropped.
struct Place(&'static FanOutLimit);

impl Place {
    fn in_(limit: &'static FanOutLimit) -> Self {
        limit.in_flight.fetch_add(1, Relaxed);
        Self(limit)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

#[cfg(all(test, resilient_loom))]
mod loom_models {
    use loom::thread;

    use super::*;

    #[test]
    fn loom_fan_outs_that_share_a_limit_exceed_it_by_one_each_at_most() {
        loom::model(|| {
            let limit: &'static FanOutLimit = Box::leak(Box::new(FanOutLimit::aimd(1, 2, 2)));
            let fan_out = move || {
                let mut places = Vec::new();
                while places.len() < 2 && limit.room(places.len()) > places.len() {
                    places.push(Place::in_(limit));
                    assert!(limit.in_flight.load(Relaxed) <= 2 + 1);
                }
                assert!(!places.is_empty(), "each may have one");
            };
            let other = thread::spawn(fan_out);
            fan_out();
            other.join().unwrap();

            assert_eq!(limit.in_flight.load(Relaxed), 0);
        });
    }
}
