//! The keys whose calls are under way, and those whose outcome is held: who leads, and who waits.

use std::any::{Any, TypeId};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
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

/// All keys of one policy, in parts that each have a lock.
///
/// Nothing of the user's runs under a lock: a key was hashed before, an outcome is cloned and dropped and a waker is
/// cloned, called and dropped after.
#[derive(Debug)]
pub(super) struct Flights([Padded<Mutex<Shard>>; SHARDS]);

/// What makes two calls one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) key: Fingerprint,
    /// The address of the object that they are calls of, or 0.
    pub(super) owner: usize,
    /// What says the name of the future's type. It has that of the function in it, and the types of a generic one, which
    /// neither the key nor the outcome need show.
    pub(super) future: fn() -> &'static str,
}

/// An outcome on its way to those who wait.
#[derive(Debug)]
pub(super) struct Flight<O>(OnceLock<O>);

/// What a call is to do.
#[derive(Debug)]
pub(super) enum Joined<O> {
    /// Run, and give the outcome to those who join.
    Lead,
    /// Wait in this place.
    Follow(Arc<Flight<O>>, u32),
    /// Take the outcome that is held.
    Landed(Arc<Flight<O>>),
    /// Run, for itself only.
    Alone,
    /// The same, because there are too many keys.
    Overflowed,
}

/// What has become of a wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Landed,
    /// The one who led is gone, and the waiter, now without a place, leads.
    Lead,
    StillWaiting,
}

#[derive(Debug)]
struct Shard {
    slots: HashMap<Identity, Slot, BuildHasherDefault<Unchanged>>,
    /// What is held, in the order in which it was; one that has been replaced since is in it still.
    held: VecDeque<(Ticks, Identity)>,
    counts: CoalesceCounts,
}

/// One key.
#[derive(Debug)]
struct Slot {
    stage: Stage,
    outcome: TypeId,
    /// The `Flight` of that outcome, once somebody needs one.
    flight: Option<Arc<dyn Any + Send + Sync>>,
    /// Behind a pointer, since most keys have none, and all are moved in and out.
    waiters: Option<Box<Waiters>>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Somebody runs.
    Led,
    /// Whoever looks next may run. The one in this place has been woken for that.
    Free { heir: u32 },
    /// The outcome is there until then.
    Held { until: Ticks },
}

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
    pub(super) fn join<O>(&self, identity: Identity, now: Option<Ticks>, observes: bool) -> Joined<O>
    where
        O: Send + Sync + 'static,
    {
        let mut shard = self.shard(identity);
        match now {
            None => shard.join(identity, observes),
            Some(now) => {
                let forgotten = shard.forget(now);
                let joined = shard.join(identity, observes);
                drop(shard);
                drop(forgotten);
                joined
            }
        }
    }

    /// Ends the wait in that place if it is over, or leaves the waker there.
    pub(super) fn wait<O>(&self, identity: Identity, place: u32, flight: &Flight<O>, waker: Waker) -> Waited {
        let _dropped_outside_the_lock;
        let mut shard = self.shard(identity);
        if flight.outcome().is_some() {
            _dropped_outside_the_lock = Some(waker);
            return Waited::Landed;
        }
        let slot = shard.slots.get_mut(&identity).expect("a key stays while somebody waits");
        if let Stage::Free { .. } = slot.stage {
            slot.stage = Stage::Led;
            let unused = slot.waiters().remove(place);
            shard.counts.handed_over += 1;
            drop(shard);
            drop((waker, unused));
            return Waited::Lead;
        }
        _dropped_outside_the_lock = slot.waiters().leave_waker(place, waker);
        Waited::StillWaiting
    }

    /// Leaves that place before the outcome is there, and passes on what its owner was woken for.
    pub(super) fn leave<O>(&self, identity: Identity, place: u32, flight: &Flight<O>) {
        let mut shard = self.shard(identity);
        if flight.outcome().is_some() {
            return;
        }
        let slot = shard.slots.get_mut(&identity).expect("a key stays while somebody waits");
        let unused = slot.waiters().remove(place);
        let passed_on = match slot.stage {
            Stage::Free { heir } if heir == place => shard.pass_on(identity),
            _ => PassedOn::default(),
        };
        drop(shard);
        drop(unused);
        passed_on.wake();
    }

    /// Gives up the lead without an outcome: to one of those who wait, if there is one.
    pub(super) fn release(&self, identity: Identity) {
        let passed_on = self.shard(identity).pass_on(identity);
        passed_on.wake();
    }

    /// Ends the lead with an outcome, which is cloned only if somebody waits or it is to be held.
    ///
    /// If its `Clone` panics, nothing has changed.
    #[inline]
    pub(super) fn land<O>(&self, identity: Identity, outcome: &O, hold: Option<Duration>)
    where
        O: Clone + Send + Sync + 'static,
    {
        let mut shard = self.shard(identity);
        let Entry::Occupied(mut slot) = shard.slots.entry(identity) else {
            unreachable!("a key stays while it is led")
        };
        if hold.is_none() && slot.get().flight.is_none() {
            // nobody has joined, so nothing else is in it
            slot.remove();
            return;
        }
        let flight = slot.get_mut().flight().expect("the flight of a key is of its leader's type");
        drop(shard);
        self.deliver(identity, &flight, outcome, hold);
    }

    /// Makes the outcome visible and takes the key out, or holds it, under one lock: a call that begins after any other was
    /// given the outcome finds no run to join.
    fn deliver<O: Clone>(&self, identity: Identity, flight: &Flight<O>, outcome: &O, hold: Option<Duration>) {
        let outcome = outcome.clone();

        let mut shard = self.shard(identity);
        // only the leader sets it, and nothing else runs in it
        let _ = flight.0.set(outcome);
        let (waiters, _dropped_outside_the_lock) = match hold {
            None => shard.slots.remove(&identity).map_or((None, None), |slot| (slot.waiters, slot.flight)),
            Some(hold) => {
                // read under the lock, so that `held` is in order
                let until = Ticks(Ticks::now().0.saturating_add(nanos(hold)));
                shard.held.push_back((until, identity));
                let slot = shard.slots.get_mut(&identity).expect("a key stays while it is led");
                slot.stage = Stage::Held { until };
                (slot.waiters.take(), None)
            }
        };
        drop(shard);
        if let Some(waiters) = waiters {
            waiters.wake();
        }
    }

    /// The counts, and how many keys there are, without those that need no longer be held.
    pub(super) fn counts(&self, now: Option<Ticks>) -> CoalesceCounts {
        let mut sum = CoalesceCounts::default();
        for Padded(shard) in &self.0 {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let forgotten = now.map(|now| shard.forget(now));
            sum.add(&shard.counts);
            sum.keys += shard.slots.len() as u64;
            drop(shard);
            drop(forgotten);
        }
        sum
    }

    /// Poisoned or not: nothing that runs under it can panic between two changes that belong together.
    #[inline]
    fn shard(&self, identity: Identity) -> MutexGuard<'_, Shard> {
        self.0[identity.key.shard(SHARDS)].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    #[inline]
    fn join<O: Send + Sync + 'static>(&mut self, identity: Identity, observes: bool) -> Joined<O> {
        let is_full = self.slots.len() >= MOST_KEYS / SHARDS_OF_A_PROCESS;
        let slot = match self.slots.entry(identity) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(_) if is_full => {
                self.counts.overflowed += 1;
                return Joined::Overflowed;
            }
            Entry::Vacant(place) => {
                place.insert(Slot::led::<O>());
                self.counts.leaders += 1;
                return Joined::Lead;
            }
        };
        if let Stage::Free { .. } = slot.stage {
            slot.stage = Stage::Led;
            self.counts.leaders += 1;
            return Joined::Lead;
        }
        let is_led = matches!(slot.stage, Stage::Led);
        if is_led && nested::is_inside(identity.mark()) {
            self.counts.reentrant += 1;
            return Joined::Alone;
        }
        if observes {
            self.counts.followers += 1;
            return Joined::Alone;
        }
        // the types of one name could be two, in two versions of a crate
        let Some(flight) = slot.flight::<O>() else {
            self.counts.overflowed += 1;
            return Joined::Alone;
        };
        self.counts.followers += 1;
        if is_led { Joined::Follow(flight, slot.waiters().add()) } else { Joined::Landed(flight) }
    }

    /// Frees the lead for the first of those who wait; without one, takes the key out.
    fn pass_on(&mut self, identity: Identity) -> PassedOn {
        let Some(slot) = self.slots.get_mut(&identity) else { return PassedOn::default() };
        match slot.waiters.as_mut().and_then(|waiters| waiters.first()) {
            Some((heir, waker)) => {
                slot.stage = Stage::Free { heir };
                PassedOn { waker, slot: None }
            }
            None => PassedOn { waker: None, slot: self.slots.remove(&identity) },
        }
    }

    /// Takes out what was held for long enough; to be dropped outside the lock.
    fn forget(&mut self, now: Ticks) -> Vec<Slot> {
        let mut forgotten = Vec::new();
        while let Some(&(until, identity)) = self.held.front()
            && until <= now
        {
            self.held.pop_front();
            let is_over = |slot: &Slot| matches!(slot.stage, Stage::Held { until } if until <= now);
            if self.slots.get(&identity).is_some_and(is_over) {
                forgotten.extend(self.slots.remove(&identity));
            }
        }
        forgotten
    }
}

impl Slot {
    fn led<O: 'static>() -> Self {
        Self { stage: Stage::Led, outcome: TypeId::of::<O>(), flight: None, waiters: None }
    }

    /// Those who wait.
    fn waiters(&mut self) -> &mut Waiters {
        self.waiters.get_or_insert_default()
    }

    /// The flight, which is made if there is none yet; `None` if it is of another type.
    fn flight<O: Send + Sync + 'static>(&mut self) -> Option<Arc<Flight<O>>> {
        if self.outcome != TypeId::of::<O>() {
            return None;
        }
        let flight = self.flight.get_or_insert_with(|| Arc::new(Flight::<O>(OnceLock::new())));
        flight.clone().downcast().ok()
    }
}

/// What is to be done after the lock.
#[derive(Debug, Default)]
struct PassedOn {
    waker: Option<Waker>,
    slot: Option<Slot>,
}

impl PassedOn {
    fn wake(self) {
        drop(self.slot);
        if let Some(waker) = self.waker {
            waker.wake();
        }
    }
}

impl<O> Flight<O> {
    /// The outcome, once it is there; it stays.
    #[inline]
    pub(super) fn outcome(&self) -> Option<&O> {
        self.0.get()
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
    /// What its leader is inside of.
    pub(super) const fn mark(self) -> usize {
        // never 0; two keys of one mark would only not be joined inside each other
        (self.key.bits() as usize ^ self.owner) | 1
    }

    /// One function can have two addresses, and two of one address say the same.
    fn is_of_the_future_of(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.future, other.future) || (self.future)() == (other.future)()
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

/// How many keys there are at most, in flight or held.
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
            counts: CoalesceCounts::none(),
        }
    }
}
