//! The loop that all forms of a fan-out share: launch, poll what was woken, give way.

use std::fmt;
use std::ops::ControlFlow;
use std::task::{Context, Poll};

use tokio::task::coop;

use super::input::{OutputOf, Refusal};
use super::policy::Tally;
use super::set::Set;
use super::{Input, Progress};

/// Runs a bounded number of children at a time, and hands out what they return as they finish.
pub(super) struct Drive<I: Input> {
    input: I,
    /// Set if the input has said that there is nothing more.
    exhausted: bool,
    limit: usize,
    /// The number of places that are taken by outputs that a form keeps back.
    held: usize,
    /// The number of items that were launched: the index of the next.
    launched: usize,
    set: Set<I::Child>,
    /// Set if the last step launched a child, or could have. Woken and new children take turns, so that neither can
    /// starve the other.
    launched_last: bool,
    /// The number of polls that are left before other tasks have their turn.
    allowance: u32,
    /// The items of the children that were dropped when the input said stop, last first.
    stopped: Vec<usize>,
    /// The number of items that come after the launched ones, once the input has said stop.
    rest: usize,
    /// The count of the items, for the policy that asks for it.
    tally: Tally,
}

impl<I: Input> Drive<I> {
    pub(super) fn new(input: I, limit: usize) -> Self {
        let tally = Tally::of(input.policy(), limit);
        Self {
            input,
            tally,
            exhausted: false,
            limit: limit.max(1),
            held: 0,
            launched: 0,
            set: Set::new(),
            launched_last: true,
            allowance: POLLS_PER_TURN,
            stopped: Vec::new(),
            rest: 0,
        }
    }

    /// Gives every output to `each` until it breaks, or until all have finished: then returns `None`.
    ///
    /// Either way the children and the rest of the input are dropped before it returns, and also when a
    /// panic passes through.
    ///
    /// # Panics
    ///
    /// When it has returned before.
    #[inline]
    pub(super) fn poll_each<B>(
        drive: &mut Option<Self>,
        cx: &mut Context<'_>,
        mut each: impl FnMut(usize, OutputOf<I>) -> ControlFlow<B>,
    ) -> Poll<Option<B>> {
        let mut running = Running::of(drive).expect(FINISHED);
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

    /// Returns how many children run at present.
    pub(super) fn running(&self) -> usize {
        self.set.len()
    }

    /// Returns how many outputs are still to come, as far as the input can tell.
    pub(super) fn remaining(&self) -> (usize, Option<usize>) {
        let under_way = self.running() + self.stopped.len() + self.rest;
        let (least, most) = if self.exhausted { (0, Some(0)) } else { self.input.children_left() };
        (least.saturating_add(under_way), most.and_then(|most| most.checked_add(under_way)))
    }

    /// Returns how many items there are in all, those that were never launched included as far as they can be counted.
    pub(super) fn count_items(&mut self) -> usize {
        if !self.exhausted {
            self.exhausted = true;
            self.rest = self.input.count_rest();
        }
        self.launched + self.rest
    }

    /// Takes or frees places for outputs that are kept back: together with the running children they stay below the limit.
    pub(super) fn hold(&mut self, held: usize) {
        self.held = held;
    }

    /// The output of the next child that finishes, with the index of its item; `None` when the input is used up and
    /// every child has finished.
    #[inline]
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, OutputOf<I>)>> {
        if let Some(refusal) = self.input.stopped(cx) {
            return Poll::Ready(self.next_stopped(refusal));
        }
        // An input that has nothing yet is asked once a turn: it wakes the task when that changes.
        let mut input_waits = false;
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
                None => self.launch_one(cx, &mut input_waits),
            };
            let Some(polled) = step else {
                // Nothing to launch, and the woken have not been asked yet.
                if !woken_first {
                    continue;
                }
                if self.exhausted && self.set.is_empty() {
                    return Poll::Ready(None);
                }
                if self.set.sleep(cx.waker()) {
                    self.allowance = POLLS_PER_TURN;
                    if I::COUNTS {
                        self.tally.wait();
                    }
                    return Poll::Pending;
                }
                continue;
            };

            self.allowance -= 1;
            if let Poll::Ready(finished) = polled {
                if I::COUNTS {
                    self.tally.end(self.input.class_of(&finished.1));
                }
                self.report(finished.0);
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
    fn launch_one(&mut self, cx: &mut Context<'_>, input_waits: &mut bool) -> Option<Poll<(usize, OutputOf<I>)>> {
        let running = self.set.len();
        if running + self.held >= self.input.limit(self.limit, running) || self.exhausted || *input_waits {
            return None;
        }
        let Poll::Ready(child) = self.input.poll_child(cx) else {
            *input_waits = true;
            return None;
        };
        let Some(future) = child else {
            self.exhausted = true;
            return None;
        };
        let index = self.launched;
        self.launched += 1;
        if I::COUNTS {
            self.tally.begin();
        }
        Some(self.set.launch(index, future))
    }

    /// Tells the input that a child has finished, if it wants to know.
    #[inline]
    fn report(&mut self, item: usize) {
        if !I::LISTENS {
            return;
        }
        let left = if self.exhausted { Some(self.rest) } else { exactly(self.input.children_left()) };
        self.input.finished(Progress {
            item,
            finished: self.launched - self.set.len() - self.stopped.len(),
            launched: self.launched,
            total: left.and_then(|left| self.launched.checked_add(left)),
        });
    }

    /// The next item that has not finished, for which the input has a refusal.
    #[cold]
    fn next_stopped(&mut self, refusal: Refusal<I>) -> Option<(usize, OutputOf<I>)> {
        if !self.set.is_empty() {
            self.stopped = self.set.indexes();
            self.stopped.sort_unstable_by(|a, b| b.cmp(a));
            self.set = Set::new();
            self.tally.stop();
        }
        self.count_items();
        let index = match self.stopped.pop() {
            Some(index) => index,
            None => {
                self.rest = self.rest.checked_sub(1)?;
                self.launched += 1;
                self.launched - 1
            }
        };
        self.tally.refuse();
        self.report(index);
        Some((index, refusal()))
    }
}

/// The number that a size hint says, if it says one.
fn exactly((least, most): (usize, Option<usize>)) -> Option<usize> {
    most.filter(|most| *most == least)
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

impl<I: Input> fmt::Debug for Drive<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive")
            .field("limit", &self.limit)
            .field("launched", &self.launched)
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

/// As many as tokio lets a task use its resources in one turn.
pub(super) const POLLS_PER_TURN: u32 = 128;

pub(super) const FINISHED: &str = "a fan-out was polled after it had finished";
