//! The keys whose calls are under way, and those whose outcome is held: who leads, and who waits.

use std::any::{Any, TypeId};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
// std's under loom too: it is read and written under the locks only
use std::mem;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::CoalesceCounts;
use super::waiters::Waiters;
use crate::clock::{Ticks, nanos};
use crate::keyed::fingerprint::{Fingerprint, Unchanged};
use crate::nested;
use crate::striped::Padded;
use crate::sync::{Mutex, MutexGuard, const_fn};
use crate::wake::{for_a_lead, wake_all};

/// All keys of one policy, in parts that each have a lock.
///
/// Nothing of the user's runs under a lock: a key was hashed before, an outcome is cloned and dropped and a waker is
/// called and dropped after. A waker is cloned under it, which is an `Arc`'s clone for all that safe code can make.
#[derive(Debug)]
pub(super) struct Flights([Padded<Mutex<Shard>>; SHARDS]);

/// The identity of a call: two calls of one identity are one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) key: Fingerprint,
    /// The address of the object that they are calls of, or 0.
    pub(super) owner: usize,
    /// Identity of the type of the future, without its lifetimes. That has the function in it, and the types of a generic one,
    /// which neither the key nor the outcome need show. A pointer is half of a `TypeId`.
    pub(super) future: fn() -> TypeId,
}

/// An outcome on its way to those who wait.
#[derive(Debug)]
pub(super) struct Flight<O> {
    outcome: OnceLock<O>,
    /// The time until which an outcome that is held is fresh. It is read and written under the lock of its key.
    fresh_until: AtomicU64,
}

/// An outcome that was held, found by a call that may have it renewed.
#[derive(Debug)]
pub(super) struct Found<O> {
    pub(super) flight: Arc<Flight<O>>,
    pub(super) freshness: Freshness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    /// Somebody renews it.
    Stale,
    /// The call that found it is to renew it, in that turn.
    ToRenew(Turn),
}

/// The next step of a call.
#[derive(Debug)]
pub(super) enum Joined<O> {
    /// Run, and give the outcome to those who join.
    Lead(Turn),
    /// Wait in this place, where the waker is, for the leader of that turn.
    Follow(Arc<Flight<O>>, u32, Turn),
    /// Take the outcome that is held.
    Landed(Arc<Flight<O>>),
    /// Run, for itself only.
    Alone,
    /// The same, because there are too many keys.
    Overflowed,
}

/// The time for which outcomes are held at present.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    now: Ticks,
    /// Nanoseconds.
    time: u64,
    /// Set if an outcome may be stale before that time is over.
    goes_stale: bool,
}

/// The times for which an outcome is held from its end on, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) fresh: u64,
    /// So long after that, it is given out while it is renewed.
    pub(super) stale: u64,
    /// The longest for any outcome.
    pub(super) longest: u64,
}

/// A value that was held for long enough.
#[derive(Debug)]
pub(super) struct Forgotten(Vec<Slot>);

/// The end of a wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Landed,
    /// The one who led is gone or was overtaken, and the waiter, now without a place, leads.
    Lead(Turn),
    StillWaiting,
}

/// One lead of a key, told from those before it and after it.
pub(super) type Turn = u32;

/// Address of the seat of a call at its first poll, by which it is known while it leads.
///
/// Nothing else is there, unless its future is `Unpin` and was moved since. Another call that leads at that address is then
/// taken for it too, and a call inside of that one only runs by itself.
pub(super) type Mark = usize;

#[derive(Debug)]
struct Shard {
    slots: HashMap<Identity, Slot, BuildHasherDefault<Unchanged>>,
    /// The outcomes that are held, in order; one that has been replaced since is in it still.
    held: VecDeque<(Ticks, Identity)>,
    /// The leads that there were.
    turns: Turn,
    counts: CoalesceCounts,
}

/// One key.
#[derive(Debug)]
struct Slot {
    stage: Stage,
    /// The first lead of those whose outcome is for the calls that wait.
    first: Turn,
    /// The `Flight` of the outcome, once somebody needs one.
    flight: Option<Arc<dyn Any + Send + Sync>>,
    /// Behind a pointer, since most keys have none, and all are moved in and out.
    waiters: Option<Box<Waiters>>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Somebody runs, who has that mark.
    Led { by: Mark, turn: Turn },
    /// The next call that looks runs. All that wait have been woken for that, and none has looked since.
    Free,
    /// The outcome is there until then, and is renewed in that turn, unless it is [none](NOBODY).
    Held { until: Ticks, renewal: Turn },
}

/// The turn of no renewal.
const NOBODY: Turn = 0;

impl Flights {
    const_fn! {
        pub(super) fn new() -> Self {
            Self(shards())
        }
    }

    /// Begins a call.
    ///
    /// `observes` is for one that runs whatever it finds, and gives way to nobody.
    #[inline]
    pub(super) fn join<O>(&self, identity: &Identity, by: Mark, waker: &Waker, observes: bool) -> Joined<O>
    where
        O: Send + Sync + 'static,
    {
        // dropped after the lock is released
        let _held;
        let mut shard = self.shard(identity);
        let mut joined = shard.join(identity, by, waker, observes);
        if let Joined::Landed(_) = joined {
            // by a run that ended while the settings changed
            _held = mem::replace(&mut joined, shard.join_anew(identity, by, waker, observes));
        }
        joined
    }

    /// As [`join`](Self::join), where outcomes are held. What no longer is, is the user's, and to be dropped when the
    /// caller knows what it is to do.
    pub(super) fn join_held<O>(
        &self,
        hold: Hold,
        identity: &Identity,
        by: Mark,
        waker: &Waker,
        observes: bool,
    ) -> (Joined<O>, Forgotten)
    where
        O: Send + Sync + 'static,
    {
        let mut shard = self.shard(identity);
        let mut forgotten = shard.forget(hold);
        if hold.goes_stale {
            forgotten.0.extend(shard.take_stale::<O>(identity, hold));
        }
        (shard.join_apart(identity, by, waker, observes), forgotten)
    }

    /// The outcome of that key that is held, if there is one. The first call that finds it stale is told to renew it.
    pub(super) fn held<O>(&self, hold: Hold, identity: &Identity) -> (Option<Found<O>>, Forgotten)
    where
        O: Send + Sync + 'static,
    {
        let mut shard = self.shard(identity);
        let mut forgotten = shard.forget(hold);
        let found = shard.held(identity, hold, &mut forgotten);
        (found, forgotten)
    }

    /// Puts an outcome in the place of the one that it renews, unless that is gone or was replaced.
    pub(super) fn renew<O>(&self, identity: &Identity, turn: Turn, outcome: O, lease: Option<Lease>)
    where
        O: Send + Sync + 'static,
    {
        let flight = Flight::new();
        let _ = flight.outcome.set(outcome);
        let flight: Arc<Flight<O>> = Arc::new(flight);

        // what is replaced is dropped after the lock is released
        let _before;
        let mut shard = self.shard(identity);
        let shard = &mut *shard;
        let slot = shard.slots.get_mut(identity).filter(|slot| slot.is_renewed_in(turn));
        if let (Some(slot), Some(lease)) = (slot, lease) {
            let (until, end) = flight.lease(lease);
            slot.stage = Stage::Held { until, renewal: NOBODY };
            shard.held.push_back((end, *identity));
            _before = slot.flight.replace(flight);
        }
    }

    /// Ends a renewal that came to nothing. What is held counts as fresh for `hold` from now on, and ends when it would have.
    pub(super) fn not_renewed<O>(&self, identity: &Identity, turn: Turn, hold: Duration)
    where
        O: Send + Sync + 'static,
    {
        // dropped after the lock is released, since it may be the last one
        let flight: Arc<Flight<O>>;
        let mut shard = self.shard(identity);
        shard.counts.renewals_failed += 1;
        let Some(slot) = shard.slots.get_mut(identity).filter(|slot| slot.is_renewed_in(turn)) else { return };
        if let Stage::Held { renewal, .. } = &mut slot.stage {
            *renewal = NOBODY;
        }
        flight = slot.flight();
        flight.fresh_until.store(Ticks::now().0.saturating_add(nanos(hold)), Relaxed);
    }

    /// Ends the wait in that place if it is over, or leaves the waker there. The one before it comes back: it is to
    /// be dropped when the caller knows what has become of its wait, since that is the user's code.
    pub(super) fn wait<O>(
        &self,
        identity: &Identity,
        by: Mark,
        place: u32,
        flight: &Flight<O>,
        waker: &Waker,
    ) -> (Waited, Option<Waker>) {
        let mut shard = self.shard(identity);
        if flight.outcome().is_some() {
            return (Waited::Landed, None);
        }
        let shard = &mut *shard;
        let slot = shard.slots.get_mut(identity).expect("a key stays while somebody waits");
        if let Stage::Free = slot.stage {
            let before = slot.waiters().remove(place);
            let turn = slot.led(by, &mut shard.turns);
            shard.counts.handed_over += 1;
            return (Waited::Lead(turn), before);
        }
        (Waited::StillWaiting, slot.waiters().leave_waker(place, waker))
    }

    /// Takes the lead from the leader of that turn, which goes on, if it still leads. Whichever of them ends first gives its outcome to all. Otherwise `Err` has the
    /// turn of the present leader, or the outcome is there.
    pub(super) fn overtake<O>(
        &self,
        identity: &Identity,
        by: Mark,
        place: u32,
        flight: &Flight<O>,
        turn: Turn,
    ) -> Result<Waited, Turn> {
        // dropped after the lock is released
        let _waker;
        let mut shard = self.shard(identity);
        if flight.outcome().is_some() {
            return Ok(Waited::Landed);
        }
        let shard = &mut *shard;
        let slot = shard.slots.get_mut(identity).expect("a key stays while somebody waits");
        match slot.stage {
            Stage::Led { turn: present, .. } if present != turn => return Err(present),
            Stage::Led { .. } | Stage::Free => {}
            Stage::Held { .. } => unreachable!("an outcome that is held is there"),
        }
        _waker = slot.waiters().remove(place);
        shard.counts.handed_over += 1;
        Ok(Waited::Lead(slot.led(by, &mut shard.turns)))
    }

    /// Leaves that place before the outcome is there.
    pub(super) fn leave<O>(&self, identity: &Identity, place: u32, flight: &Flight<O>) {
        let mut shard = self.shard(identity);
        if flight.outcome().is_some() {
            return;
        }
        let slot = shard.slots.get_mut(identity).expect("a key stays while somebody waits");
        let waiters = slot.waiters();
        let waker = waiters.remove(place);
        let nobody_is_left = waiters.len() == 0 && matches!(slot.stage, Stage::Free);
        let slot = if nobody_is_left { shard.slots.remove(identity) } else { None };
        drop(shard);
        drop((slot, waker));
    }

    /// Counts a call that does not take the outcome that it waited for.
    pub(super) fn decline(&self, identity: &Identity) {
        self.shard(identity).counts.declined += 1;
    }

    /// Gives up the lead without an outcome: to whoever of those who wait looks first, if there is one.
    ///
    /// All are woken. Nobody knows which of them is still polled, and they would wait for one that is not.
    pub(super) fn release(&self, identity: &Identity, turn: Turn) {
        let mut shard = self.shard(identity);
        let Some(slot) = shard.slots.get_mut(identity).filter(|slot| slot.is_led_in(turn)) else { return };
        match &mut slot.waiters {
            Some(waiters) if waiters.len() > 0 => {
                let wakers: Vec<_> = waiters.wakers().collect();
                slot.stage = Stage::Free;
                drop(shard);
                wake_all(for_a_lead(wakers));
            }
            _ => {
                let slot = shard.slots.remove(identity);
                drop(shard);
                drop(slot);
            }
        }
    }

    /// Ends the lead, if nobody has joined and nothing is to be held, or the outcome of another lead was sooner; otherwise the
    /// outcome is to be [delivered](Self::deliver) to the flight. A lead that was overtaken may still be the first to end.
    #[inline]
    pub(super) fn land<O>(&self, identity: &Identity, turn: Turn, lease: Option<Lease>) -> Option<Arc<Flight<O>>>
    where
        O: Send + Sync + 'static,
    {
        let mut shard = self.shard(identity);
        let Entry::Occupied(mut slot) = shard.slots.entry(*identity) else { return None };
        if !slot.get().waits_for(turn) {
            return None;
        }
        if lease.is_none() && slot.get().flight.is_none() {
            // nobody has joined, so nothing else is in it
            slot.remove();
            return None;
        }
        Some(slot.get_mut().flight())
    }

    /// Ends the lead with a clone of the outcome. Those who wait are for the caller to wake.
    ///
    /// It is made visible, and the key taken out or held, under one lock: a call that begins after any other was given the
    /// outcome finds no run to join. If the `Clone` panics, nothing has changed.
    pub(super) fn deliver<O: Clone>(
        &self,
        identity: &Identity,
        turn: Turn,
        flight: &Flight<O>,
        outcome: &O,
        lease: Option<Lease>,
    ) -> Option<Box<Waiters>> {
        let outcome = outcome.clone();

        let mut shard = self.shard(identity);
        if !shard.slots.get(identity).is_some_and(|slot| slot.waits_for(turn)) {
            // another was sooner while it was cloned, and the clone is dropped after the lock is released
            drop(shard);
            return None;
        }
        // whoever sets it takes the slot out, or marks it, under the same lock
        let _ = flight.outcome.set(outcome);
        match lease {
            // the flight in it is the caller's too, so that no outcome is dropped here
            None => shard.slots.remove(identity).and_then(|slot| slot.waiters),
            Some(lease) => {
                // read under the lock, so that `held` is in order
                let (until, end) = flight.lease(lease);
                shard.held.push_back((end, *identity));
                let slot = shard.slots.get_mut(identity).expect("a key stays while it is led");
                slot.stage = Stage::Held { until, renewal: NOBODY };
                slot.waiters.take()
            }
        }
    }

    /// Takes out all that is held.
    pub(super) fn forget(&self) {
        for Padded(shard) in &self.0 {
            let forgotten = shard.lock().unwrap_or_else(PoisonError::into_inner).forget(Hold::NOTHING);
            drop(forgotten);
        }
    }

    /// The counts, and how many keys there are, without those that need no longer be held.
    pub(super) fn counts(&self, hold: Hold) -> CoalesceCounts {
        let mut sum = CoalesceCounts::default();
        for Padded(shard) in &self.0 {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let forgotten = shard.forget(hold);
            sum.add(&shard.counts);
            sum.keys += shard.slots.len() as u64;
            drop(shard);
            drop(forgotten);
        }
        sum
    }

    /// Poisoned or not: nothing that runs under it can panic between two changes that belong together.
    #[inline]
    fn shard(&self, identity: &Identity) -> MutexGuard<'_, Shard> {
        self.0[identity.key.shard(SHARDS)].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    /// Begins a call, as the code of its caller.
    #[expect(
        clippy::inline_always,
        reason = "what is moved out of a function of its own is read in other pieces than it was written in"
    )]
    #[inline(always)]
    fn join<O: Send + Sync + 'static>(
        &mut self,
        identity: &Identity,
        by: Mark,
        waker: &Waker,
        observes: bool,
    ) -> Joined<O> {
        // not by the map's entry, which copies the identity before it looks for it
        let Some(slot) = self.slots.get_mut(identity) else { return self.lead_alone(*identity, by) };
        let leader = match slot.stage {
            Stage::Free => {
                self.counts.leaders += 1;
                return Joined::Lead(slot.led(by, &mut self.turns));
            }
            Stage::Led { by, .. } if nested::is_inside(by) => {
                self.counts.reentrant += 1;
                return Joined::Alone;
            }
            Stage::Led { turn, .. } => Some(turn),
            Stage::Held { .. } => None,
        };
        if observes {
            self.counts.observed += 1;
            return Joined::Alone;
        }
        self.counts.followers += 1;
        let flight = slot.flight::<O>();
        match leader {
            Some(turn) => Joined::Follow(flight, slot.waiters().add(waker.clone()), turn),
            None => Joined::Landed(flight),
        }
    }

    /// Takes out the outcome that is held, if it is not fresh.
    fn take_stale<O: Send + Sync + 'static>(&mut self, identity: &Identity, hold: Hold) -> Option<Slot> {
        let slot = self.slots.get_mut(identity)?;
        let Stage::Held { until, .. } = slot.stage else { return None };
        let is_fresh = !hold.is_over(until) && slot.flight::<O>().is_fresh(hold);
        if is_fresh { None } else { self.slots.remove(identity) }
    }

    fn held<O: Send + Sync + 'static>(
        &mut self,
        identity: &Identity,
        hold: Hold,
        forgotten: &mut Forgotten,
    ) -> Option<Found<O>> {
        let slot = self.slots.get_mut(identity)?;
        let Stage::Held { until, renewal } = &mut slot.stage else { return None };
        if hold.is_over(*until) {
            forgotten.0.extend(self.slots.remove(identity));
            return None;
        }
        let is_renewed = *renewal != NOBODY;
        let flight = slot.flight::<O>();
        self.counts.followers += 1;
        if flight.is_fresh(hold) {
            return Some(Found { flight, freshness: Freshness::Fresh });
        }
        self.counts.stale += 1;
        if is_renewed {
            return Some(Found { flight, freshness: Freshness::Stale });
        }
        self.turns = self.turns.wrapping_add(1).max(1);
        self.counts.renewals += 1;
        if let Stage::Held { renewal, .. } = &mut slot.stage {
            *renewal = self.turns;
        }
        Some(Found { flight, freshness: Freshness::ToRenew(self.turns) })
    }

    /// Begins a call with an identity that no other has, unless there are too many.
    #[inline]
    fn lead_alone<O>(&mut self, identity: Identity, by: Mark) -> Joined<O> {
        if self.slots.len() >= MOST_KEYS / SHARDS_OF_A_PROCESS {
            self.counts.overflowed += 1;
            return Joined::Overflowed;
        }
        self.turns = self.turns.wrapping_add(1);
        let stage = Stage::Led { by, turn: self.turns };
        self.slots.insert(identity, Slot { stage, first: self.turns, flight: None, waiters: None });
        self.counts.leaders += 1;
        Joined::Lead(self.turns)
    }

    /// As [`join`](Self::join), for the less usual calls.
    #[inline(never)]
    fn join_apart<O: Send + Sync + 'static>(
        &mut self,
        identity: &Identity,
        by: Mark,
        waker: &Waker,
        observes: bool,
    ) -> Joined<O> {
        self.join(identity, by, waker, observes)
    }

    /// As [`join`](Self::join), without the outcome that is held.
    #[cold]
    fn join_anew<O: Send + Sync + 'static>(
        &mut self,
        identity: &Identity,
        by: Mark,
        waker: &Waker,
        observes: bool,
    ) -> Joined<O> {
        self.counts.followers -= 1;
        self.slots.remove(identity);
        self.join_apart(identity, by, waker, observes)
    }

    /// Takes out what was held for long enough; to be dropped outside the lock.
    fn forget(&mut self, hold: Hold) -> Forgotten {
        let mut forgotten = Forgotten(Vec::new());
        while let Some(&(until, identity)) = self.held.front()
            && hold.is_over(until)
        {
            self.held.pop_front();
            let is_over = |slot: &Slot| matches!(slot.stage, Stage::Held { until, .. } if hold.is_over(until));
            if self.slots.get(&identity).is_some_and(is_over) {
                forgotten.0.extend(self.slots.remove(&identity));
            }
        }
        forgotten
    }
}

impl Hold {
    pub(super) const NOTHING: Self = Self { now: Ticks(u64::MAX), time: 0, goes_stale: false };

    /// For so long from now on, if at all.
    pub(super) fn from_now(lease: Option<Lease>) -> Self {
        let hold = |lease: Lease| Self { now: Ticks::now(), time: lease.longest, goes_stale: lease.stale > 0 };
        lease.map_or(Self::NOTHING, hold)
    }

    const fn is_over(self, until: Ticks) -> bool {
        until.has_come(self.now, self.time)
    }
}

impl Slot {
    /// Gives the lead to the call with that mark.
    fn led(&mut self, by: Mark, turns: &mut Turn) -> Turn {
        *turns = turns.wrapping_add(1);
        self.stage = Stage::Led { by, turn: *turns };
        *turns
    }

    /// Returns whether the leader of that turn leads.
    #[inline]
    fn is_led_in(&self, turn: Turn) -> bool {
        matches!(self.stage, Stage::Led { turn: present, .. } if present == turn)
    }

    /// Returns whether its outcome is renewed in that turn.
    fn is_renewed_in(&self, turn: Turn) -> bool {
        matches!(self.stage, Stage::Held { renewal, .. } if renewal == turn)
    }

    /// Returns the calls that wait.
    fn waiters(&mut self) -> &mut Waiters {
        self.waiters.get_or_insert_default()
    }

    /// Returns whether the outcome of the leader of that turn is for the calls that wait: it leads, or was overtaken.
    #[inline]
    fn waits_for(&self, turn: Turn) -> bool {
        let is_of_these = |present: Turn| present.wrapping_sub(turn) <= present.wrapping_sub(self.first);
        match self.stage {
            Stage::Led { turn: present, .. } => present == turn || is_of_these(present),
            Stage::Free | Stage::Held { .. } => false,
        }
    }

    /// The flight, which is made if there is none yet.
    fn flight<O: Send + Sync + 'static>(&mut self) -> Arc<Flight<O>> {
        let flight = self.flight.get_or_insert_with(|| Arc::new(Flight::<O>::new()));
        flight.clone().downcast().expect("futures of one type have outcomes of one type")
    }
}

impl<O> Flight<O> {
    const fn new() -> Self {
        Self { outcome: OnceLock::new(), fresh_until: AtomicU64::new(u64::MAX) }
    }

    /// Says from now on for how long it is held, and at the latest for any outcome.
    fn lease(&self, lease: Lease) -> (Ticks, Ticks) {
        let in_time = |time: u64| Ticks(Ticks::now().0.saturating_add(time));
        if lease.stale > 0 {
            // Relaxed: under the lock, which orders it
            self.fresh_until.store(in_time(lease.fresh).0, Relaxed);
        }
        (in_time(lease.fresh.saturating_add(lease.stale)), in_time(lease.longest))
    }

    fn is_fresh(&self, hold: Hold) -> bool {
        let until = self.fresh_until.load(Relaxed);
        until == u64::MAX || !hold.is_over(Ticks(until))
    }

    /// The outcome, once it is there; it stays.
    #[inline]
    pub(super) fn outcome(&self) -> Option<&O> {
        self.outcome.get()
    }

    /// A copy of the outcome, which is there.
    pub(super) fn landed(&self) -> O
    where
        O: Clone,
    {
        self.outcome().expect("it has landed").clone()
    }
}

impl Identity {
    /// One function can have two addresses, and two of one address say the same.
    fn is_of_the_future_of(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.future, other.future) || self.says_the_same_type(other)
    }

    #[cold]
    fn says_the_same_type(&self, other: &Self) -> bool {
        (self.future)() == (other.future)()
    }
}

impl PartialEq for Identity {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.owner == other.owner && self.is_of_the_future_of(other)
    }
}

impl Eq for Identity {}

/// Without the future's type, which few keys differ in alone.
impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // an odd factor loses nothing, and spreads addresses over the upper bits too
        state.write_u64(self.key.bits() ^ (self.owner as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
}

/// The number of keys that there are at most, in flight or held.
pub(super) const MOST_KEYS: usize = 10_000;
/// Into how many parts they are divided.
const SHARDS_OF_A_PROCESS: usize = 16;

#[cfg(not(resilient_loom))]
const SHARDS: usize = SHARDS_OF_A_PROCESS;
#[cfg(resilient_loom)]
const SHARDS: usize = 1;

#[cfg(not(resilient_loom))]
const fn shards() -> [Padded<Mutex<Shard>>; SHARDS] {
    [const { Padded(Mutex::new(Shard::new())) }; SHARDS]
}

#[cfg(resilient_loom)]
fn shards() -> [Padded<Mutex<Shard>>; SHARDS] {
    [Padded(Mutex::new(Shard::new()))]
}

impl Shard {
    const fn new() -> Self {
        Self {
            slots: HashMap::with_hasher(BuildHasherDefault::new()),
            held: VecDeque::new(),
            turns: 0,
            counts: CoalesceCounts::none(),
        }
    }
}
