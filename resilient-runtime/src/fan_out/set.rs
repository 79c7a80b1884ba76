//! The children that run at present, each in a slot that is used again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::ready::ReadySet;

/// A set of futures of which only those that were woken are polled.
///
/// A slot is allocated when all others are taken, and kept until the set is dropped.
pub(super) struct Set<F> {
    slots: Vec<Slot<F>>,
    /// The slots without a future.
    free: Vec<usize>,
    ready: ReadySet,
}

impl<F: Future> Set<F> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), ready: ReadySet::new() }
    }

    /// Returns how many futures are in the set.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Polls `future` for the first time, and keeps it when it is not ready yet.
    ///
    /// A future that is ready at once leaves the free slots as they were.
    #[inline]
    pub(super) fn launch(&mut self, index: usize, future: F) -> Poll<(usize, F::Output)> {
        let number = self.free.last().copied().unwrap_or_else(|| self.add_slot());
        let slot = &mut self.slots[number];
        slot.future.set(Some(future));
        if let Poll::Ready(output) = slot.poll() {
            slot.future.set(None);
            return Poll::Ready((index, output));
        }
        slot.index = index;
        self.free.pop();
        Poll::Pending
    }

    /// Takes the next slot that was woken.
    #[inline]
    pub(super) fn next_woken(&mut self) -> Option<usize> {
        self.ready.next()
    }

    /// Arranges for `waker` to be woken by the next child, unless one was woken already: then returns `false`.
    pub(super) fn sleep(&self, waker: &Waker) -> bool {
        self.ready.sleep(waker)
    }

    /// Polls the future in a slot. One that is ready is dropped before its output is returned, with its index.
    #[inline]
    pub(super) fn poll(&mut self, number: usize) -> Poll<(usize, F::Output)> {
        let slot = &mut self.slots[number];
        let output = ready!(slot.poll());
        // In this order: the slot is free afterwards even when the drop panics.
        self.free.push(number);
        slot.future.set(None);
        Poll::Ready((slot.index, output))
    }

    /// The indexes of the futures that are in the set.
    pub(super) fn indexes(&self) -> Vec<usize> {
        self.slots.iter().filter(|slot| slot.future.is_some()).map(|slot| slot.index).collect()
    }

    #[cold]
    fn add_slot(&mut self) -> usize {
        let number = self.slots.len();
        self.slots.push(Slot { future: Box::pin(None), index: 0, waker: self.ready.add() });
        self.free.push(number);
        number
    }
}

struct Slot<F> {
    future: Pin<Box<Option<F>>>,
    /// The place of the future's item in the input.
    index: usize,
    waker: Waker,
}

impl<F: Future> Slot<F> {
    /// Pending too when the slot is empty, because a waker outlived the future it was made for.
    #[inline]
    fn poll(&mut self) -> Poll<F::Output> {
        let Some(future) = self.future.as_mut().as_pin_mut() else { return Poll::Pending };
        future.poll(&mut Context::from_waker(&self.waker))
    }
}
