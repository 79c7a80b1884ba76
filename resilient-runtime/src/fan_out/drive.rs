//! The loop that all forms of a fan-out share: launch, poll what was woken, give way.

use std::fmt;
use std::iter::Fuse;
use std::ops::ControlFlow;
use std::task::{Context, Poll};

use tokio::task::coop;

use super::Launch;
use super::set::Set;

/// Runs a bounded number of children at a time, and hands out what they return as they finish.
pub(super) struct Drive<I: Iterator, L: Launch<I::Item>> {
    items: Fuse<I>,
    launch: L,
    limit: usize,
    /// How many items were launched: the index of the next.
    launched: usize,
    set: Set<L::Future>,
    /// Whether the last step launched a child, or could have. Woken and new children take turns, so that neither can
    /// starve the other.
    launched_last: bool,
    /// How many polls are left before other tasks have their turn.
    allowance: u32,
}

impl<I: Iterator, L: Launch<I::Item>> Drive<I, L> {
    pub(super) fn new(items: I, launch: L, limit: usize) -> Self {
        Self {
            items: items.fuse(),
            launch,
            limit: limit.max(1),
            launched: 0,
            set: Set::new(),
            launched_last: true,
            allowance: POLLS_PER_TURN,
        }
    }

    /// Gives every output to `each` until it breaks, or until all have finished: then returns `None`.
    ///
    /// Either way the children, the launcher and the rest of the input are dropped before it returns, and also when a
    /// panic passes through.
    ///
    /// # Panics
    ///
    /// When it has returned before.
    #[inline]
    pub(super) fn poll_each<B>(
        drive: &mut Option<Self>,
        cx: &mut Context<'_>,
        mut each: impl FnMut(usize, L::Output) -> ControlFlow<B>,
    ) -> Poll<Option<B>> {
        let mut running = Running::of(drive).expect("a fan-out was polled after it had finished");
        loop {
            let Poll::Ready(next) = running.drive().poll_next(cx) else {
                running.goes_on();
                return Poll::Pending;
            };
            let Some((index, output)) = next else { return Poll::Ready(None) };
            if let ControlFlow::Break(end) = each(index, output) {
                return Poll::Ready(Some(end));
            }
        }
    }

    /// How many children run at present.
    pub(super) fn running(&self) -> usize {
        self.set.len()
    }

    /// How many outputs are still to come, as far as the input can tell.
    pub(super) fn remaining(&self) -> (usize, Option<usize>) {
        let (least, most) = self.items.size_hint();
        let running = self.running();
        (least.saturating_add(running), most.and_then(|most| most.checked_add(running)))
    }

    /// The output of the next child that finishes, with the index of its item; `None` when the input is used up and
    /// every child has finished.
    #[inline]
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, L::Output)>> {
        loop {
            if self.allowance == 0 {
                self.allowance = POLLS_PER_TURN;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }

            let woken_first = self.launched_last;
            let woken = if woken_first { self.set.next_woken() } else { None };
            self.launched_last = woken.is_none();
            let step = match woken {
                Some(slot) => Some(self.set.poll(slot)),
                None => self.launch_one(),
            };
            let Some(polled) = step else {
                // Nothing to launch, and the woken have not been asked yet.
                if !woken_first {
                    continue;
                }
                if self.set.is_empty() {
                    return Poll::Ready(None);
                }
                if self.set.sleep(cx.waker()) {
                    self.allowance = POLLS_PER_TURN;
                    return Poll::Pending;
                }
                continue;
            };

            self.allowance -= 1;
            if let Poll::Ready(finished) = polled {
                return Poll::Ready(Some(finished));
            }
            // Without budget every child that uses tokio would be polled in vain.
            if !coop::has_budget_remaining() {
                self.allowance = 0;
            }
        }
    }

    /// Launches the next item and polls it, if there is an item and room for it.
    #[inline]
    fn launch_one(&mut self) -> Option<Poll<(usize, L::Output)>> {
        if self.set.len() >= self.limit {
            return None;
        }
        let item = self.items.next()?;
        let index = self.launched;
        self.launched += 1;
        Some(self.set.launch(index, self.launch.launch(item)))
    }
}

/// Empties the place of a drive when it goes out of scope: at the end, or when a panic passes through.
pub(super) struct Running<'a, D>(&'a mut Option<D>);

impl<'a, D> Running<'a, D> {
    /// `None` when the place is empty.
    #[inline]
    pub(super) fn of(place: &'a mut Option<D>) -> Option<Self> {
        place.is_some().then(|| Self(place))
    }

    #[inline]
    pub(super) fn drive(&mut self) -> &mut D {
        self.0.as_mut().expect("checked when this was made")
    }

    /// Leaves the drive where it is.
    #[inline]
    pub(super) fn goes_on(self) {
        std::mem::forget(self);
    }
}

impl<D> Drop for Running<'_, D> {
    fn drop(&mut self) {
        *self.0 = None;
    }
}

impl<I: Iterator, L: Launch<I::Item>> fmt::Debug for Drive<I, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive")
            .field("limit", &self.limit)
            .field("launched", &self.launched)
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

/// As many as tokio lets a task use its resources in one turn.
const POLLS_PER_TURN: u32 = 128;
