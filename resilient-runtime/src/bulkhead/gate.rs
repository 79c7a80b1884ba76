//! The atomic word, and the queue of those who wait.

use std::iter;
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Priority;
use super::level::{Level, MOST, permits};
use crate::line::Line;
use crate::rare::Rare;
use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::sync::atomic::{AtomicU32, AtomicU64};
use crate::sync::{AtomicWaker, Mutex, MutexGuard, const_fn};
use crate::wake::wake_all;

/// The calls that have permits, and those that wait, in order.
///
/// Coming and going is a change of the word, and nothing else while nobody waits. Whoever waits stands in the queue, and
/// `waiting` in the word says so; both are changed under the lock. All that is decided about permits is
/// decided by changes of the one word, so that its modification order is the history of the bulkhead.
#[derive(Debug)]
pub(super) struct Gate {
    word: AtomicU64,
    queue: Rare<Mutex<Queue>>,
}

#[derive(Debug)]
struct Queue {
    /// The calls of high priority, and those of low.
    lanes: [Line<Arc<Place>>; 2],
}

/// A place in the queue.
#[derive(Debug)]
pub(super) struct Place {
    weight: u32,
    priority: Priority,
    /// Its place in the lane, once it has one; for use under the lock.
    stand: OnceLock<u32>,
    /// Its state: `WAITING`, `LEFT`, `SHED`, or the permits that it got.
    ///
    /// Written under the lock. Release pairs with the Acquire of its owner.
    fate: AtomicU32,
    waker: AtomicWaker,
}

/// A place in the queue for a caller who has just come, and the place that it took.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) place: Arc<Place>,
    pub(super) shed: Option<Arc<Place>>,
}

/// The fate of a place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its owner has so many permits.
    Entered(u32),
    /// It was taken by a caller of higher priority.
    Shed,
}

impl Gate {
    const_fn! {
        pub(super) fn new(limit: u32) -> Self {
            Self { word: AtomicU64::new(Level::empty(limit).pack()), queue: Rare::new(Queue::new) }
        }
    }

    const_fn! {
        pub(super) fn begin_at(&mut self, limit: u32) {
            self.word = AtomicU64::new(Level::empty(limit).pack());
        }
    }

    #[inline]
    pub(super) fn level(&self) -> Level {
        // Relaxed: for show, and for decisions that the next change of the word makes again.
        Level::unpack(self.word.load(Relaxed))
    }

    /// Lets a caller in who has just come, if there is room and nobody waits; says how many permits it has.
    #[inline]
    pub(super) fn enter(&self, weight: u32) -> Option<u32> {
        let mut seen = self.word.load(Relaxed);
        loop {
            let (_, taken) = Level::unpack(seen).enter(weight)?;
            // What the next level packs to, by one addition. Acquire pairs with the Release in `leave`: who comes in sees
            // what those did whose permits it has.
            match self.word.compare_exchange_weak(seen, seen + permits(taken), Acquire, Relaxed) {
                Ok(_) => return Some(taken),
                Err(newer) => seen = newer,
            }
        }
    }

    /// Lets a caller in whatever the limit is.
    pub(super) fn force(&self, weight: u32) -> u32 {
        let mut permits = 0;
        // Acquire as above.
        let _ = self.word.fetch_update(Acquire, Relaxed, |word| {
            let (next, taken) = Level::unpack(word).force(weight);
            permits = taken;
            Some(next.pack())
        });
        permits
    }

    /// Gives permits back, and lets those in who wait for them.
    #[inline]
    pub(super) fn leave(&self, count: u32) {
        // AcqRel: Release as said above. Acquire: if somebody waits, what led to that comes before the look at the queue.
        let before = self.word.fetch_sub(permits(count), AcqRel);
        if Level::unpack(before).waiting > 0 {
            self.admit();
        }
    }

    /// Puts a caller into the queue, unless `most` wait already; one of high priority then takes the place of the last of
    /// low, if there is one.
    ///
    /// The caller keeps the place first, and then calls [`settle`](Self::settle), which wakes others and so can panic.
    pub(super) fn wait(&self, weight: u32, priority: Priority, most: u32) -> Option<Queued> {
        let place = Arc::new(Place {
            weight,
            priority,
            stand: OnceLock::new(),
            fate: AtomicU32::new(WAITING),
            waker: AtomicWaker::default(),
        });
        let mut queue = lock(self.queue.get_or_make(Queue::new));
        // Relaxed: `waiting` changes under the lock only.
        let waiting = Level::unpack(self.word.load(Relaxed)).waiting;
        let mut shed = None;
        if waiting >= most.min(MOST) {
            // Only low ones wait, perhaps because the first of them is too heavy: what there is room for takes no place.
            if priority == Priority::High
                && queue.lanes[Priority::High as usize].first().is_none()
                && let Some(permits) = self.enter_before_low(weight)
            {
                place.fate.store(permits, Release);
                return Some(Queued { place, shed: None });
            }
            let low = &mut queue.lanes[Priority::Low as usize];
            let last = match priority {
                Priority::High => low.last().and_then(|last| low.remove(last)),
                Priority::Low => None,
            };
            shed = Some(last?);
        }
        let stand = queue.lanes[priority as usize].push(place.clone());
        // It is new, so there is none yet.
        let _ = place.stand.set(stand);
        match &shed {
            Some(shed) => shed.fate.store(SHED, Release),
            // AcqRel: it stands in one order with the changes by those who leave. One of them that came before has made
            // room that `admit` finds; one that comes after sees that somebody waits, and calls `admit` itself.
            None => _ = self.word.fetch_add(1, AcqRel),
        }
        drop(queue);
        Some(Queued { place, shed })
    }

    /// Wakes the caller whose place was taken, and lets those in for whom there is room: the newcomer too.
    pub(super) fn settle(&self, shed: Option<Arc<Place>>) {
        wake_all(shed.iter().filter_map(|shed| shed.waker.take()).chain(self.admitted(Level::enter_from_queue)));
    }

    /// Lets a caller in who is the first, to be called under the lock.
    fn enter_before_low(&self, weight: u32) -> Option<u32> {
        let mut seen = self.word.load(Relaxed);
        loop {
            let (next, permits) = Level::unpack(seen).enter_first(weight)?;
            // AcqRel as in `enter` and `leave`.
            match self.word.compare_exchange_weak(seen, next.pack(), AcqRel, Relaxed) {
                Ok(_) => return Some(permits),
                Err(newer) => seen = newer,
            }
        }
    }

    /// Takes a caller out of the queue, unless its fate has been decided. Once it has left, nothing more happens.
    pub(super) fn give_up(&self, place: &Arc<Place>) -> Option<Fate> {
        let mut queue = lock(self.queue.get_or_make(Queue::new));
        // Relaxed: it is written under the lock.
        let fate = place.fate.load(Relaxed);
        if fate != WAITING {
            return Fate::of(fate);
        }
        let left = place.stand.get().and_then(|stand| queue.lanes[place.priority as usize].remove(*stand));
        if left.is_some() {
            place.fate.store(LEFT, Relaxed);
            // AcqRel as in `wait`.
            self.word.fetch_sub(1, AcqRel);
        }
        drop(queue);
        drop(left);
        // Whoever stood behind it may be small enough.
        self.admit();
        None
    }

    /// Changes how many permits there are, to what `limit` says, afterwards too. What is in use beyond that stays in use until
    /// it ends.
    pub(super) fn resize(&self, limit: impl Fn() -> u32) {
        loop {
            let new = limit();
            let resized = |word| Some(Level { limit: new, ..Level::unpack(word) }.pack());
            // AcqRel as in `leave`. And of two threads that come with two limits, the later sees the limit that the
            // earlier came with, and asks again, so that the older of the two does not stay.
            let _ = self.word.fetch_update(AcqRel, Acquire, resized);
            if limit() == new {
                break;
            }
        }
        self.admit();
    }

    /// Lets all in who wait, whatever the limit is.
    pub(super) fn admit_all(&self) {
        let forced = |level: Level, weight| {
            let (level, permits) = level.force(weight);
            Some((Level { waiting: level.waiting - 1, ..level }, permits))
        };
        wake_all(self.admitted(forced));
    }

    /// Lets those in for whom there is room, in their order.
    #[cold]
    fn admit(&self) {
        wake_all(self.admitted(Level::enter_from_queue));
    }

    /// Lets those in, one after the other, whom the level says may come; the wakers are for the caller to wake.
    fn admitted(&self, enter: impl Fn(Level, u32) -> Option<(Level, u32)>) -> impl Iterator<Item = Waker> {
        iter::from_fn(move || self.admit_one(&enter)).filter_map(|place| place.waker.take())
    }

    /// Lets the first in who waits, if the level says that it may.
    fn admit_one(&self, enter: impl Fn(Level, u32) -> Option<(Level, u32)>) -> Option<Arc<Place>> {
        // Whoever waits has made it before the word said so.
        let mut queue = lock(self.queue.get()?);
        let (lane, first) = queue.lanes.iter_mut().find_map(|lane| lane.first().map(|first| (lane, first)))?;
        let weight = lane.get_mut(first)?.weight;
        let mut seen = self.word.load(Relaxed);
        loop {
            let (next, permits) = enter(Level::unpack(seen), weight)?;
            // AcqRel as in `enter` and `leave`.
            match self.word.compare_exchange_weak(seen, next.pack(), AcqRel, Relaxed) {
                Ok(_) => {
                    let place = lane.remove(first)?;
                    place.fate.store(permits, Release);
                    return Some(place);
                }
                Err(newer) => seen = newer,
            }
        }
    }
}

impl Queue {
    fn new() -> Mutex<Self> {
        Mutex::new(Self { lanes: [Line::new(), Line::new()] })
    }
}

/// Poisoned or not: nothing that runs under it panics between two changes that belong together.
fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Fate> {
        self.waker.register(context.waker());
        // Acquire, as said at `fate`; it is read after the waker is in place, so that no change is missed.
        match Fate::of(self.fate.load(Acquire)) {
            Some(fate) => Poll::Ready(fate),
            None => Poll::Pending,
        }
    }
}

impl Fate {
    const fn of(word: u32) -> Option<Self> {
        match word {
            WAITING | LEFT => None,
            SHED => Some(Self::Shed),
            permits => Some(Self::Entered(permits)),
        }
    }
}

/// Nobody has ever so many permits.
const WAITING: u32 = u32::MAX;
const SHED: u32 = u32::MAX - 1;
/// It left before it got any.
const LEFT: u32 = u32::MAX - 2;
