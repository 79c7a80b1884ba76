//! The members of a batch, the one of them that leads it, and what each is told.

use std::iter;
use std::sync::PoisonError;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

use crate::line::Line;
use crate::sync::{Mutex, MutexGuard};

/// The members of one batch: at most `most`, until it is closed.
///
/// One of them leads: it closes the batch, takes the keys, and comes back with the answers. When it leaves before
/// that, whichever of the others looks first leads; when it is late to close it, whoever joins next. All of it changes under the one lock, under which nothing of the user's
/// runs: keys and answers are moved in and out, and what is left over is dropped after it, as are wakers.
#[derive(Debug)]
pub(super) struct Members<K, A>(Mutex<State<K, A>>);

#[derive(Debug)]
struct State<K, A> {
    most: usize,
    /// Set if others may still join. Once it is not, no seat is given to anybody else.
    is_open: bool,
    /// When the leader closes it, if that is known.
    until: Option<Instant>,
    /// The seat of the leader. Without one, all members have been woken, and none of them has looked since.
    leader: Option<u32>,
    /// One for each member; those who wait, and whose waker has not been used, stand in line.
    seats: Line<Seat<K, A>>,
}

#[derive(Debug)]
struct Seat<K, A> {
    /// Its owner's key, unless a leader has it.
    key: Option<K>,
    /// Once there is one.
    answer: Option<A>,
    waker: Option<Waker>,
}

/// The next step of a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn<K, A> {
    /// Wait until it is woken.
    Wait,
    /// Wait for others until then, and close the batch.
    Gather(Option<Instant>),
    /// Ask for these keys; each with the seat that wants it.
    Run(Vec<(u32, K)>),
    /// Go, with this answer.
    Go(A),
}

/// A seat that was given to somebody who joined.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) seat: u32,
    pub(super) leads: bool,
    /// Set if it was the last one, so that the batch is closed.
    pub(super) filled: bool,
    /// The tasks to wake, once somebody answers for the seat: that can panic.
    pub(super) leader: Option<Waker>,
}

/// Consequence for the others when a member has left without an answer.
#[derive(Debug)]
pub(super) struct Left<K, A> {
    /// Set if another one is to lead.
    pub(super) handed_over: bool,
    /// Set if the batch was open, and is closed since nobody is in it.
    pub(super) emptied: bool,
    /// The tasks to wake, once all else is done: that can panic.
    pub(super) successors: Vec<Waker>,
    _unwanted: Unwanted<K, A>,
}

/// The tasks to wake, now that there are answers.
#[derive(Debug)]
#[must_use = "they wait"]
pub(super) struct Answered<K, A> {
    pub(super) wakers: Vec<Waker>,
    _unwanted: Unwanted<K, A>,
}

/// The rest, for the caller to drop after the others were woken: it is the user's, whose drop can panic.
#[derive(Debug)]
struct Unwanted<K, A> {
    _seat: Option<Seat<K, A>>,
    _keys: Vec<K>,
    _answers: Vec<A>,
}

impl<K, A> Members<K, A> {
    /// An open batch with nobody in it.
    pub(super) fn new(most: usize) -> Self {
        Self(Mutex::new(State { most, is_open: true, until: None, leader: None, seats: Line::new() }))
    }

    /// Takes a seat, or gives the key back because the batch is closed.
    ///
    /// The batch is closed no later than `by`. If its leader should have closed it a while ago, and so is kept and not polled, the new
    /// member leads in its place; `clock` is read only where there is a leader.
    pub(super) fn join(
        &self,
        key: K,
        waker: Waker,
        by: Option<Instant>,
        clock: impl FnOnce() -> Instant,
    ) -> Result<Joined, K> {
        let mut state = self.lock();
        if !state.is_open {
            drop(state);
            drop(waker);
            return Err(key);
        }
        let seat = state.seats.push(Seat { key: Some(key), answer: None, waker: Some(waker) });
        let leads = match (state.leader, state.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(until)) => clock().saturating_duration_since(until) > LATE,
        };
        if leads {
            state.leader = Some(seat);
        }
        let sooner = state.close_by(by);
        let filled = state.seats.len() == state.most;
        state.is_open = !filled;
        let leader = if (filled || sooner) && !leads { state.leaders_waker() } else { None };
        Ok(Joined { seat, leads, filled, leader })
    }

    /// Has the batch closed no later than that.
    pub(super) fn close_by(&self, instant: Instant) {
        self.lock().close_by(Some(instant));
    }

    /// Returns what the owner of the seat is to do now; it is woken when that changes.
    pub(super) fn poll(&self, seat: u32, context: &Context<'_>) -> Turn<K, A> {
        // declared before the lock is taken, and so dropped after it is released
        let mut fresh: Option<Waker> = None;
        loop {
            let mut state = self.lock();
            let Some(owner) = state.seats.get_mut(seat) else { return Turn::Wait };
            if owner.answer.is_some() {
                let left = state.seats.remove(seat);
                drop(state);
                return left.and_then(|left| left.answer).map_or(Turn::Wait, Turn::Go);
            }
            let leader = *state.leader.get_or_insert(seat);
            let turn = match leader {
                leader if leader != seat => Turn::Wait,
                _ if state.is_open => Turn::Gather(state.until),
                _ => return Turn::Run(state.take_keys()),
            };
            let Some(owner) = state.seats.get_mut(seat) else { return Turn::Wait };
            if owner.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                return turn;
            }
            let Some(waker) = fresh.take() else {
                drop(state);
                fresh = Some(context.waker().clone());
                continue;
            };
            let replaced = owner.waker.replace(waker);
            state.seats.enter(seat);
            drop(state);
            drop(replaced);
            return turn;
        }
    }

    /// Closes the batch and takes the keys, for the owner of the seat; none if another leads by now.
    pub(super) fn close(&self, seat: u32) -> Option<Vec<(u32, K)>> {
        let mut state = self.lock();
        if state.leader != Some(seat) {
            return None;
        }
        state.is_open = false;
        Some(state.take_keys())
    }

    /// Gives the answers to those who are still there, who are for the caller to wake.
    ///
    /// The leader has its own already, and leaves.
    pub(super) fn answer(&self, leader: u32, answers: Vec<(u32, A)>) -> Answered<K, A> {
        let mut state = self.lock();
        let left = state.seats.remove(leader);
        let (mut unwanted, mut wakers) = (Vec::new(), Vec::with_capacity(answers.len()));
        for (seat, answer) in answers {
            match state.seats.get_mut(seat) {
                Some(owner) => {
                    owner.answer = Some(answer);
                    wakers.extend(owner.waker.take());
                }
                None => unwanted.push(answer),
            }
        }
        Answered { wakers, _unwanted: Unwanted { _seat: left, _keys: Vec::new(), _answers: unwanted } }
    }

    /// Leaves without an answer, and gives back the keys that a leader has taken. Another member leads, if this one did:
    /// whichever looks first. All are woken, since nobody knows which of them is still polled.
    ///
    /// A batch that was open and has nobody left in it is closed.
    pub(super) fn leave(&self, seat: u32, keys: Vec<(u32, K)>) -> Option<Left<K, A>> {
        let mut state = self.lock();
        let left = state.seats.remove(seat)?;
        let mut unwanted = Vec::new();
        for (wanted_by, key) in keys {
            match state.seats.get_mut(wanted_by) {
                Some(owner) => owner.key = Some(key),
                None => unwanted.push(key),
            }
        }
        let is_empty = state.seats.len() == 0;
        let led = state.leader == Some(seat);
        if led {
            state.leader = None;
        }
        let successors = if led { state.wakers() } else { Vec::new() };
        let emptied = state.is_open && is_empty;
        state.is_open &= !emptied;
        let unwanted = Unwanted { _seat: Some(left), _keys: unwanted, _answers: Vec::new() };
        Some(Left { handed_over: led && !is_empty, emptied, successors, _unwanted: unwanted })
    }

    /// Poisoned or not: nothing that runs under it panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, State<K, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, A> State<K, A> {
    /// Returns whether that was sooner than anybody had asked for.
    fn close_by(&mut self, instant: Option<Instant>) -> bool {
        let Some(instant) = instant else { return false };
        let sooner = self.until.is_none_or(|until| instant < until);
        if sooner {
            self.until = Some(instant);
        }
        sooner
    }

    fn leaders_waker(&mut self) -> Option<Waker> {
        let leader = self.leader?;
        self.seats.step_out(leader);
        self.seats.get_mut(leader)?.waker.take()
    }

    /// The wakers of all who have left one.
    fn wakers(&mut self) -> Vec<Waker> {
        iter::from_fn(|| self.seats.next().map(|owner| owner.waker.take())).flatten().collect()
    }

    fn take_keys(&mut self) -> Vec<(u32, K)> {
        self.seats.iter_mut().filter_map(|(seat, owner)| Some((seat, owner.key.take()?))).collect()
    }
}

/// Timers and threads may be so late: a leader that has not closed its batch by then is not polled.
const LATE: Duration = Duration::from_millis(100);
