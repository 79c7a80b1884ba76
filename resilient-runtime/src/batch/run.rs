//! One caller of a batch, from joining to its outcome.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

use super::members::{Members, Turn};
use super::open::Group;
use super::{Batch, BatchItem, BatchKey, BatchOutcome};
use crate::book::Ended;
use crate::notes::batch::OBSERVED;
use crate::sync::atomic::Ordering::Relaxed;
use crate::wake::{for_a_lead, wake_all};
use crate::{Deadline, Event, Mode, clock};

/// A caller that asks for one key: what [`Batch::run`] returns.
///
/// # Cancel safety
///
/// Dropped before its batch runs, it leaves it, and its key is not asked for unless somebody else wants it. Dropped while
/// it runs the batch, it drops what runs; another member runs the batch again, for the keys that are still wanted.
#[must_use = "futures do nothing unless polled"]
pub struct BatchFuture<'a, K, L, F, A> {
    batch: &'a Batch,
    same: u128,
    /// Until it has to run.
    load: Option<L>,
    stage: Stage<'a, K, F, A>,
    /// From the first poll until it has ended.
    runs: bool,
}

enum Stage<'a, K, F, A> {
    Start(K),
    Member(Place<'a, K, A>, Wait),
    Leader(Leading<'a, K, F, A>),
    Done,
}

/// The way in which a leader waits for others.
enum Wait {
    /// Not yet.
    Unset,
    /// Until the other tasks had their turn.
    Turn,
    Timer(Pin<Box<Sleep>>),
}

/// A batch while it runs. The future is dropped first, so that what it holds is free when the next leader begins.
struct Leading<'a, K, F, A> {
    future: Pin<Box<F>>,
    positions: Positions,
    place: Place<'a, K, A>,
}

/// The place of each member's key among those that were asked for.
struct Positions {
    /// Of each member; empty if each is where it was, since no two are equal.
    of: Vec<usize>,
    /// The number of keys that there are.
    distinct: usize,
}

/// A seat in a batch, which is left when this is dropped.
struct Place<'a, K, A> {
    batch: &'a Batch,
    group: Group,
    /// None once it has been left.
    members: Option<Arc<Members<K, A>>>,
    seat: u32,
    /// The keys, and who wants them, while it runs the batch.
    keys: Vec<(u32, K)>,
}

impl<'a, K, L, F, A> BatchFuture<'a, K, L, F, A> {
    pub(super) const fn new(batch: &'a Batch, same: u128, key: K, load: L) -> Self {
        Self { batch, same, load: Some(load), stage: Stage::Start(key), runs: false }
    }
}

impl<K, L, F, A> BatchFuture<'_, K, L, F, A> {
    /// Counts the end of the call.
    fn end(&mut self, answer: A) -> Poll<A> {
        self.runs = false;
        self.batch.shell.count(Ended::Success);
        Poll::Ready(answer)
    }
}

impl<K, L, F, A> Drop for BatchFuture<'_, K, L, F, A> {
    fn drop(&mut self) {
        if self.runs {
            self.batch.shell.count(Ended::Abandoned);
        }
    }
}

/// The future of the batch is in a box of its own.
impl<K, L, F, A> Unpin for BatchFuture<'_, K, L, F, A> {}

impl<K, L, F, A> Future for BatchFuture<'_, K, L, F, A>
where
    K: BatchKey,
    L: FnOnce(Vec<K>) -> F,
    F: Future<Output: BatchOutcome<K, One = A>>,
    A: Clone + Send + 'static,
{
    type Output = A;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<A> {
        let this = &mut *self;
        this.runs = true;
        loop {
            // Taken out, so that a panic drops it, and with it gives the place to another.
            match mem::replace(&mut this.stage, Stage::Done) {
                Stage::Start(key) => this.stage = Stage::Member(join(this.batch, this.same, key, context), Wait::Unset),
                Stage::Member(place, mut wait) => match place.poll(&mut wait, context) {
                    Turn::Go(answer) => {
                        place.vacate();
                        return this.end(answer);
                    }
                    Turn::Run(keys) => {
                        let load = this.load.take().expect("a member leads once");
                        this.stage = Stage::Leader(place.lead(keys, load));
                    }
                    Turn::Wait | Turn::Gather(_) => {
                        this.stage = Stage::Member(place, wait);
                        return Poll::Pending;
                    }
                },
                Stage::Leader(mut leading) => match leading.future.as_mut().poll(context) {
                    Poll::Ready(outcome) => return this.end(leading.answer(outcome)),
                    Poll::Pending => {
                        this.stage = Stage::Leader(leading);
                        return Poll::Pending;
                    }
                },
                Stage::Done => panic!("a batch was polled after it had finished"),
            }
        }
    }
}

/// Joins the open batch of its group, or begins one.
fn join<'a, K, A>(batch: &'a Batch, same: u128, key: K, context: &Context<'_>) -> Place<'a, K, A>
where
    K: Send + 'static,
    A: Send + 'static,
{
    let group = Group::new::<K, A>(same);
    let by = Deadline::current().map(latest);
    let mut key = key;
    // one that does not enforce has each caller make its own call
    let mode = batch.current_mode();
    if mode == Mode::Observe {
        batch.shell.note(OBSERVED, 1);
    }
    let alone = (mode != Mode::Enforce).then(|| Arc::new(Members::new(1)));
    loop {
        let members = alone.clone().unwrap_or_else(|| batch.open.find(group, batch.most()));
        match members.join(key, context.waker().clone(), by, clock::now) {
            Ok(joined) => {
                if joined.leads {
                    members.close_by(Deadline::after(batch.config.max_wait).instant());
                }
                if joined.filled {
                    batch.open.remove(group, &members);
                }
                // made before the leader is woken, whose waker may panic: it is left then
                let place = Place { batch, group, members: Some(members), seat: joined.seat, keys: Vec::new() };
                wake_all(joined.leader);
                return place;
            }
            // It was closed since it was found, and whoever closed it may not have come to take it out.
            Err(returned) => {
                batch.open.remove(group, &members);
                key = returned;
            }
        }
    }
}

/// When a batch must have stopped gathering for a member with that deadline: half of what remains is left for the work.
fn latest(deadline: Deadline) -> Instant {
    deadline.instant() - deadline.remaining() / 2
}

impl<'a, K, A> Place<'a, K, A> {
    /// Returns what to do now. [`Turn::Gather`] is to wait, as [`Turn::Wait`] is.
    fn poll(&self, wait: &mut Wait, context: &mut Context<'_>) -> Turn<K, A> {
        let Some(members) = &self.members else { return Turn::Wait };
        let turn = members.poll(self.seat, context);
        let Turn::Gather(until) = turn else { return turn };
        if wait.poll(until, context).is_pending() {
            return turn;
        }
        let Some(keys) = members.close(self.seat) else { return Turn::Wait };
        self.batch.open.remove(self.group, members);
        Turn::Run(keys)
    }

    /// Begins to run the batch.
    fn lead<L, F>(mut self, keys: Vec<(u32, K)>, load: L) -> Leading<'a, K, F, A>
    where
        K: Hash + Eq + Clone,
        L: FnOnce(Vec<K>) -> F,
    {
        // From here on, a panic gives them back.
        self.keys = keys;
        let (distinct, positions) = distinct(&self.keys);
        let counts = &self.batch.counts;
        counts.batches.fetch_add(1, Relaxed);
        counts.keys.fetch_add(positions.distinct as u64, Relaxed);
        counts.duplicates.fetch_add((self.keys.len() - positions.distinct) as u64, Relaxed);
        let (policy, callers) = (self.batch.name(), self.keys.len());
        self.batch.shell.emit(Event::Batched { policy, keys: positions.distinct, callers });
        Leading { future: Box::pin(load(distinct)), positions, place: self }
    }

    /// Has nothing more to do: the seat is free already.
    fn vacate(mut self) {
        self.members = None;
    }
}

impl<K, A> Drop for Place<'_, K, A> {
    fn drop(&mut self) {
        let Some(members) = self.members.take() else { return };
        let Some(left) = members.leave(self.seat, mem::take(&mut self.keys)) else { return };
        if left.emptied {
            self.batch.open.remove(self.group, &members);
        }
        wake_all(for_a_lead(left.successors));
        if left.handed_over {
            self.batch.counts.handed_over.fetch_add(1, Relaxed);
            self.batch.shell.emit(Event::HandedOver { policy: self.batch.name() });
        }
    }
}

/// The keys without repetitions, in the order in which they came.
fn distinct<K: Hash + Eq + Clone>(keys: &[(u32, K)]) -> (Vec<K>, Positions) {
    if let [(_, only)] = keys {
        return (vec![only.clone()], Positions { of: Vec::new(), distinct: 1 });
    }
    let mut distinct = Vec::with_capacity(keys.len());
    let mut known = HashMap::with_capacity(keys.len());
    let of: Vec<usize> = keys
        .iter()
        .map(|(_, key)| match known.entry(key) {
            Entry::Occupied(position) => *position.get(),
            Entry::Vacant(place) => {
                distinct.push(key.clone());
                *place.insert(distinct.len() - 1)
            }
        })
        .collect();
    let count = distinct.len();
    (distinct, Positions { of: if count == keys.len() { Vec::new() } else { of }, distinct: count })
}

impl<K, F, A> Leading<'_, K, F, A>
where
    F: Future<Output: BatchOutcome<K, One = A>>,
    A: Clone,
{
    /// Tells each member its outcome, and returns the leader's own.
    fn answer(self, outcome: F::Output) -> A {
        let Self { future, positions, place } = self;
        // declared after the place, and so dropped before it is left
        let mut outcome = outcome;
        // The user's code comes first, and so does the end of what runs: a panic there hands the batch over.
        drop(future);
        let mut own = None;
        let mut others = Vec::with_capacity(place.keys.len() - 1);
        let mut give = |seat: u32, answer: A| {
            if seat == place.seat { own = Some(answer) } else { others.push((seat, answer)) }
        };
        let mut ask = |position: usize, key: &K| {
            outcome.one(BatchItem { key, position, of: positions.distinct, name: place.batch.name() })
        };
        if positions.of.is_empty() {
            for (position, (seat, key)) in place.keys.iter().enumerate() {
                give(*seat, ask(position, key));
            }
        } else {
            let mut answers: Vec<A> = Vec::with_capacity(positions.distinct);
            for ((seat, key), &position) in place.keys.iter().zip(&positions.of) {
                if position == answers.len() {
                    answers.push(ask(position, key));
                }
                give(*seat, answers[position].clone());
            }
        }
        drop(outcome);
        place.settle(others);
        own.expect("the leader wants its own key")
    }
}

impl<K, A> Place<'_, K, A> {
    /// Ends the batch with these answers for the others.
    fn settle(mut self, others: Vec<(u32, A)>) {
        if let Some(members) = self.members.take() {
            let answered = members.answer(self.seat, others);
            wake_all(answered.wakers);
        }
    }
}

impl Wait {
    /// Ready when the batch is to be closed.
    ///
    /// Gives other tasks a turn each where the time is over at once, or cannot be measured.
    fn poll(&mut self, until: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        if let Self::Unset = self {
            let now = clock::now();
            let Some(timer) = until.filter(|until| *until > now).and_then(clock::sleep_until) else {
                *self = Self::Turn;
                context.waker().wake_by_ref();
                return Poll::Pending;
            };
            *self = Self::Timer(Box::pin(timer));
        }
        let Self::Timer(timer) = self else { return Poll::Ready(()) };
        if let Some(until) = until.filter(|until| *until != timer.deadline()) {
            timer.as_mut().reset(until);
        }
        ready!(timer.as_mut().poll(context));
        Poll::Ready(())
    }
}

impl<K, L, F, A> fmt::Debug for BatchFuture<'_, K, L, F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Start(_) => "start",
            Stage::Member(..) => "member",
            Stage::Leader(_) => "leader",
            Stage::Done => "done",
        };
        f.debug_struct("BatchFuture").field("batch", &self.batch.name()).field("stage", &stage).finish_non_exhaustive()
    }
}
