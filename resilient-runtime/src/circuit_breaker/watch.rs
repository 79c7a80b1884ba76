//! The changes of state, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::epoch::{Epoch, MAX_EPOCH};
use super::{CircuitBreaker, CircuitBreakerState};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{AcqRel, Acquire};

/// A change of a breaker's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The state that it left.
    pub from: CircuitBreakerState,
    /// The state that it entered.
    pub to: CircuitBreakerState,
    /// The number of changes before this one that were too long ago to be told; 0 unless the stream was not polled for 16 of
    /// them.
    pub missed: u32,
}

/// The changes of a breaker's state from [`transitions`](CircuitBreaker::transitions) on, in order; it never ends.
///
/// # Cancel safety
///
/// A change that was not received yet is received at the next poll.
pub struct Transitions<'a> {
    breaker: &'a CircuitBreaker,
    seen: Epoch,
    notified: Pin<Box<Notified<'a>>>,
}

/// The last changes of state, and who waits for the next.
#[derive(Debug)]
pub(super) struct History {
    changes: [AtomicU64; KEPT],
    added: Notify,
}

/// A change's word: epoch 17 bits, the states 8 each, and a one to tell it from none at all.
#[derive(Debug, Clone, Copy)]
struct Change {
    epoch: Epoch,
    from: CircuitBreakerState,
    to: CircuitBreakerState,
}

impl CircuitBreaker {
    /// The changes of its state from now on.
    ///
    /// ```
    /// use resilient::{CircuitBreaker, CircuitBreakerState};
    ///
    /// static PAYMENTS: CircuitBreaker = CircuitBreaker::named("payments");
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut transitions = PAYMENTS.transitions();
    ///
    /// PAYMENTS.force_open();
    ///
    /// let transition = transitions.next().await;
    /// assert_eq!((transition.from, transition.to), (CircuitBreakerState::Closed, CircuitBreakerState::ForcedOpen));
    /// # }
    /// ```
    pub fn transitions(&self) -> Transitions<'_> {
        let notified = Box::pin(self.history().added.notified());
        Transitions { breaker: self, seen: self.storage.fence_epoch(), notified }
    }
}

impl CircuitBreaker {
    /// The last changes since somebody asked for the first time.
    fn history(&self) -> &History {
        self.storage.past().history.get_or_make(History::new)
    }
}

impl Transitions<'_> {
    /// The next change.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Transition {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Transition> {
        let history = self.breaker.history();
        loop {
            if let Some(transition) = history.after(&mut self.seen) {
                return Poll::Ready(transition);
            }
            ready!(self.notified.as_mut().poll(context));
            // It is told of what comes from here on; what came before, the history holds.
            self.notified.set(history.added.notified());
        }
    }
}

impl Stream for Transitions<'_> {
    type Item = Transition;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Transition>> {
        self.get_mut().poll(context).map(Some)
    }
}

impl fmt::Debug for Transitions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transitions").field("breaker", &self.breaker.name()).finish_non_exhaustive()
    }
}

impl History {
    #[cfg(not(resilient_loom))]
    pub(super) const fn new() -> Self {
        Self { changes: [const { AtomicU64::new(0) }; KEPT], added: Notify::const_new() }
    }

    #[cfg(resilient_loom)]
    pub(super) fn new() -> Self {
        Self { changes: std::array::from_fn(|_| AtomicU64::new(0)), added: Notify::new() }
    }

    /// Adds the change that began the epoch. Each has one thread that adds it, but they may come in another order.
    pub(super) fn add(&self, epoch: Epoch, from: CircuitBreakerState, to: CircuitBreakerState) {
        let change = Change { epoch, from, to }.pack();
        // AcqRel keeps the chain of changes unbroken for the Acquire in `after`. One that comes so late that its place
        // was taken by a later one is left out.
        let _ = self.changes[place(epoch)].fetch_update(AcqRel, Acquire, |there| {
            let older = Change::unpack(there).is_none_or(|there| epoch.is_after(there.epoch));
            older.then_some(change)
        });
        self.added.notify_waiters();
    }

    /// The first change after the epoch, which becomes that of the change.
    fn after(&self, seen: &mut Epoch) -> Option<Transition> {
        let mut missed = 0;
        loop {
            let next = seen.next();
            let there = Change::unpack(self.changes[place(next)].load(Acquire))?;
            if there.epoch == next {
                *seen = next;
                if there.from == there.to {
                    continue;
                }
                return Some(Transition { from: there.from, to: there.to, missed });
            }
            if !there.epoch.is_after(next) {
                return None;
            }
            // Its place was taken by one that came sixteen, or a multiple of that, later: go on behind what is lost.
            let oldest = Epoch(there.epoch.0.wrapping_sub(KEPT as u32) & MAX_EPOCH);
            missed += oldest.0.wrapping_sub(seen.0) & MAX_EPOCH;
            *seen = oldest;
        }
    }
}

impl Change {
    fn pack(self) -> u64 {
        u64::from(self.epoch.0) << 17 | (self.from as u64) << 9 | (self.to as u64) << 1 | 1
    }

    fn unpack(word: u64) -> Option<Self> {
        let state = |bits: u64| STATES[bits as usize & 7];
        let epoch = Epoch((word >> 17) as u32);
        (word != 0).then(|| Self { epoch, from: state(word >> 9), to: state(word >> 1) })
    }
}

fn place(epoch: Epoch) -> usize {
    epoch.0 as usize % KEPT
}

/// By their discriminants.
const STATES: [CircuitBreakerState; 8] = [
    CircuitBreakerState::Closed,
    CircuitBreakerState::Open,
    CircuitBreakerState::HalfOpen,
    CircuitBreakerState::Recovering,
    CircuitBreakerState::ForcedOpen,
    CircuitBreakerState::Disabled,
    CircuitBreakerState::Disabled,
    CircuitBreakerState::Disabled,
];
/// The number of changes that are kept for those who are late to ask.
const KEPT: usize = 16;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;
    use crate::Mode;

    /// Changes so many times, forth and back.
    fn change(breaker: &CircuitBreaker, times: u32) {
        for _ in 0..times {
            if breaker.state() == CircuitBreakerState::Closed { breaker.force_open() } else { breaker.force_close() }
        }
    }

    /// The next change, if it has happened.
    fn now(transitions: &mut Transitions<'_>) -> Option<Transition> {
        match transitions.poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(transition) => Some(transition),
            Poll::Pending => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn tells_every_change_in_order() {
        let breaker = CircuitBreaker::named("told");
        change(&breaker, 3);
        let mut transitions = breaker.transitions();

        change(&breaker, 5);

        for to in [
            CircuitBreakerState::Closed,
            CircuitBreakerState::ForcedOpen,
            CircuitBreakerState::Closed,
            CircuitBreakerState::ForcedOpen,
            CircuitBreakerState::Closed,
        ] {
            let transition = transitions.next().await;
            assert_eq!((transition.to, transition.missed), (to, 0));
        }
        assert!(now(&mut transitions).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn changes_are_a_stream() {
        use futures_util::StreamExt;

        let breaker = CircuitBreaker::named("told");
        let transitions = breaker.transitions();
        change(&breaker, 2);

        let told: Vec<_> = transitions.map(|transition| transition.to).take(2).collect().await;

        assert_eq!(told, [CircuitBreakerState::ForcedOpen, CircuitBreakerState::Closed]);
    }

    #[tokio::test(start_paused = true)]
    async fn switched_off_twice_is_one_change() {
        let breaker = CircuitBreaker::named("told");
        let epoch = || breaker.circuit().epoch;

        breaker.set_mode(Mode::Off);
        let off = epoch();
        breaker.set_mode(Mode::Off);

        assert_eq!(epoch(), off);
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_every_listener() {
        let breaker = std::sync::Arc::new(CircuitBreaker::named("told"));
        let listeners: Vec<_> = (0..3)
            .map(|_| {
                let breaker = breaker.clone();
                tokio::spawn(async move {
                    let mut transitions = breaker.transitions();
                    (transitions.next().await.to, transitions.next().await.to)
                })
            })
            .collect();
        tokio::task::yield_now().await;

        change(&breaker, 1);
        tokio::task::yield_now().await;
        change(&breaker, 1);

        for listener in listeners {
            assert_eq!(listener.await.unwrap(), (CircuitBreakerState::ForcedOpen, CircuitBreakerState::Closed));
        }
    }

    #[test]
    fn whoever_listens_while_it_changes_misses_nothing() {
        for _ in 0..2_000 {
            let breaker = CircuitBreaker::named("told");
            let (mut transitions, began) = std::thread::scope(|scope| {
                scope.spawn(|| change(&breaker, 3));
                let transitions = breaker.transitions();
                let began = transitions.seen;
                (transitions, began)
            });

            let told = std::iter::from_fn(|| now(&mut transitions)).count();

            assert_eq!(told as u32, breaker.circuit().epoch.0 - began.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn says_how_many_it_missed() {
        for changes in [16, 17, 18, 40, 60_000] {
            let breaker = CircuitBreaker::named("told");
            let mut transitions = breaker.transitions();

            change(&breaker, changes);

            let mut told = Vec::new();
            while let Some(transition) = now(&mut transitions) {
                told.push(transition.missed);
            }
            assert_eq!(told.iter().sum::<u32>() + told.len() as u32, changes, "{told:?}");
            assert_eq!(told.len(), 16, "{changes}");
            assert!(told[1..].iter().all(|missed| *missed == 0));
        }
    }
}
