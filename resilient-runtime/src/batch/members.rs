//! Who is in a batch: its members, the one of them that leads it, and what each is told.

use std::sync::PoisonError;
use std::task::{Context, Waker};

use tokio::time::Instant;

use crate::sync::{Mutex, MutexGuard};

/// The members of one batch: at most `most`, until it is closed.
///
/// One of them leads: it closes the batch, takes the keys, and comes back with the answers. When it leaves before
/// that, another leads. All of it changes under the one lock, under which nothing of the user's runs: keys and answers are
/// moved in and out, and what is left over is dropped after it.
#[derive(Debug)]
pub(super) struct Members<K, A>(Mutex<State<K, A>>);

#[derive(Debug)]
struct State<K, A> {
    most: usize,
    /// Whether others may still join. Once it is not, no seat is given to anybody else.
    is_open: bool,
    /// When the leader closes it, if that is known.
    until: Option<Instant>,
    present: usize,
    seats: Vec<Option<Seat<K, A>>>,
}

#[derive(Debug)]
struct Seat<K, A> {
    /// Its owner's key, unless a leader has it.
    key: Option<K>,
    fate: Fate<A>,
    waker: Option<Waker>,
}

/// What has become of a member.
#[derive(Debug)]
enum Fate<A> {
    Waits,
    Leads,
    Has(A),
}

/// What a member is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn<K, A> {
    /// Wait until it is woken.
    Wait,
    /// Wait for others until then, and close the batch.
    Gather(Option<Instant>),
    /// Ask for these keys; each with the seat that wants it.
    Run(Vec<(usize, K)>),
    /// Go, with this answer.
    Go(A),
}

/// A seat that was given to somebody who joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) seat: usize,
    pub(super) leads: bool,
    /// Whether it was the last one, so that the batch is closed.
    pub(super) filled: bool,
}

/// What it means to the others that a member has left.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// Whether another one leads now.
    pub(super) handed_over: bool,
    /// Whether the batch was open, and is closed since nobody is in it.
    pub(super) emptied: bool,
}

impl<K, A> Members<K, A> {
    /// An open batch with nobody in it.
    pub(super) fn new(most: usize) -> Self {
        Self(Mutex::new(State { most, is_open: true, until: None, present: 0, seats: Vec::new() }))
    }

    /// Takes a seat, or gives the key back because the batch is closed.
    ///
    /// The batch is closed no later than `by`.
    pub(super) fn join(&self, key: K, waker: Waker, by: Option<Instant>) -> Result<Joined, K> {
        let mut state = self.lock();
        if !state.is_open {
            drop(state);
            drop(waker);
            return Err(key);
        }
        let leads = state.present == 0;
        let fate = if leads { Fate::Leads } else { Fate::Waits };
        let seat = state.sit(Seat { key: Some(key), fate, waker: Some(waker) });
        let sooner = state.close_by(by);
        let filled = state.present == state.most;
        state.is_open = !filled;
        let leader = if (filled || sooner) && !leads { state.leader() } else { None };
        drop(state);
        wake(leader);
        Ok(Joined { seat, leads, filled })
    }

    /// Has the batch closed no later than that.
    pub(super) fn close_by(&self, instant: Instant) {
        self.lock().close_by(Some(instant));
    }

    /// What the owner of the seat is to do now; it is woken when that changes.
    pub(super) fn poll(&self, seat: usize, context: &Context<'_>) -> Turn<K, A> {
        // declared before the lock is taken, and so dropped after it is released
        let mut fresh: Option<Waker> = None;
        loop {
            let mut state = self.lock();
            let is_open = state.is_open;
            let until = state.until;
            let Some(owner) = &mut state.seats[seat] else { return Turn::Wait };
            let turn = match owner.fate {
                Fate::Waits => Turn::Wait,
                Fate::Leads if is_open => Turn::Gather(until),
                Fate::Leads => return Turn::Run(state.take_keys()),
                Fate::Has(_) => {
                    let left = state.stand_up(seat);
                    drop(state);
                    return match left.map(|left| left.fate) {
                        Some(Fate::Has(answer)) => Turn::Go(answer),
                        _ => Turn::Wait,
                    };
                }
            };
            if owner.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                return turn;
            }
            let Some(waker) = fresh.take() else {
                drop(state);
                fresh = Some(context.waker().clone());
                continue;
            };
            let replaced = owner.waker.replace(waker);
            drop(state);
            drop(replaced);
            return turn;
        }
    }

    /// Closes the batch, and takes the keys.
    pub(super) fn close(&self) -> Vec<(usize, K)> {
        let mut state = self.lock();
        state.is_open = false;
        state.take_keys()
    }

    /// Gives the answers to those who are still there.
    ///
    /// The leader has its own already, and leaves.
    pub(super) fn answer(&self, leader: usize, answers: Vec<(usize, A)>) {
        let mut state = self.lock();
        let left = state.stand_up(leader);
        let mut unwanted = Vec::new();
        let mut wakers = Vec::with_capacity(answers.len());
        for (seat, answer) in answers {
            match &mut state.seats[seat] {
                Some(owner) => {
                    owner.fate = Fate::Has(answer);
                    wakers.extend(owner.waker.take());
                }
                None => unwanted.push(answer),
            }
        }
        drop(state);
        wake(wakers);
        drop((left, unwanted));
    }

    /// Leaves without an answer, and gives back the keys that a leader has taken. Another member leads, if this one did.
    ///
    /// A batch that was open and has nobody left in it is closed.
    pub(super) fn leave(&self, seat: usize, keys: Vec<(usize, K)>) -> Left {
        let mut state = self.lock();
        let Some(left) = state.stand_up(seat) else { return Left::default() };
        let mut unwanted = Vec::new();
        for (wanted_by, key) in keys {
            match &mut state.seats[wanted_by] {
                Some(owner) => owner.key = Some(key),
                None => unwanted.push(key),
            }
        }
        let (mut successor, mut handed_over) = (None, false);
        if let Fate::Leads = left.fate
            && let Some(next) = state.seats.iter_mut().flatten().find(|next| matches!(next.fate, Fate::Waits))
        {
            next.fate = Fate::Leads;
            successor = next.waker.take();
            handed_over = true;
        }
        let emptied = state.is_open && state.present == 0;
        state.is_open &= !emptied;
        drop(state);
        wake(successor);
        drop((left, unwanted));
        Left { handed_over, emptied }
    }

    /// Poisoned or not: nothing that runs under it panics between two changes that belong together.
    fn lock(&self) -> MutexGuard<'_, State<K, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, A> State<K, A> {
    fn sit(&mut self, owner: Seat<K, A>) -> usize {
        // Somebody who left while it was open has left a seat, which is taken before there are more.
        let free = (self.present < self.seats.len()).then(|| self.seats.iter().position(Option::is_none)).flatten();
        self.present += 1;
        match free {
            Some(seat) => {
                self.seats[seat] = Some(owner);
                seat
            }
            None => {
                self.seats.push(Some(owner));
                self.seats.len() - 1
            }
        }
    }

    fn stand_up(&mut self, seat: usize) -> Option<Seat<K, A>> {
        let left = self.seats.get_mut(seat)?.take()?;
        self.present -= 1;
        Some(left)
    }

    /// Whether that was sooner than anybody had asked for.
    fn close_by(&mut self, instant: Option<Instant>) -> bool {
        let Some(instant) = instant else { return false };
        let sooner = self.until.is_none_or(|until| instant < until);
        if sooner {
            self.until = Some(instant);
        }
        sooner
    }

    fn leader(&mut self) -> Option<Waker> {
        let leader = self.seats.iter_mut().flatten().find(|owner| matches!(owner.fate, Fate::Leads))?;
        leader.waker.take()
    }

    fn take_keys(&mut self) -> Vec<(usize, K)> {
        let seats = self.seats.iter_mut().enumerate();
        seats.filter_map(|(seat, owner)| Some((seat, owner.as_mut()?.key.take()?))).collect()
    }
}

fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}
