//! Which slots have been woken: the protocol between the wakers of the children and the task that polls them.
//!
//! Each slot owns one bit of a word. A waker sets its bit, and whoever turns a word from zero to non-zero pushes the
//! word on a list that the task takes as a whole. So a wake costs one atomic operation for most slots, waking costs
//! the same however many slots there are, and the task never looks at a slot that was not woken.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::sync::AtomicWaker;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The task's end of the protocol.
#[derive(Debug)]
pub(super) struct ReadySet {
    list: Arc<List>,
    words: Vec<Arc<Word>>,
    slots: usize,
    /// Position of the word that `bits` came from.
    position: usize,
    /// The rest of the word being worked on; each bit is a slot still to be polled.
    bits: usize,
    /// The words taken off the list and not looked at yet, linked by their `next`.
    taken: usize,
}

impl ReadySet {
    pub(super) fn new() -> Self {
        let list = List { head: AtomicUsize::new(EMPTY), task: AtomicWaker::default() };
        Self { list: Arc::new(list), words: Vec::new(), slots: 0, position: 0, bits: 0, taken: EMPTY }
    }

    /// Adds a slot, numbered from zero in order of addition, and returns the waker that reports it.
    pub(super) fn add(&mut self) -> Waker {
        let (position, bit) = (self.slots / SLOTS_PER_WORD, 1 << (self.slots % SLOTS_PER_WORD));
        if position == self.words.len() {
            self.words.push(Arc::new(Word {
                list: Arc::clone(&self.list),
                position,
                bits: AtomicUsize::new(0),
                next: AtomicUsize::new(EMPTY),
            }));
        }
        self.slots += 1;
        Waker::from(Arc::new(Doorbell { word: Arc::clone(&self.words[position]), bit }))
    }

    /// Takes the next slot that was woken since it was last taken.
    ///
    /// Slots come in rounds: one that is woken again while a round lasts waits for the next round, so none can keep
    /// another from its turn.
    #[inline]
    pub(super) fn next(&mut self) -> Option<usize> {
        if self.bits == 0 && !self.next_word() {
            return None;
        }
        let slot = self.position * SLOTS_PER_WORD + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(slot)
    }

    /// Arranges for `waker` to be woken by the next slot, unless one was woken already: then returns `false`.
    ///
    /// Call it only after [`next`](Self::next) had nothing to give.
    pub(super) fn sleep(&self, waker: &Waker) -> bool {
        self.list.task.register(waker);
        // Release: a child's waker that reads ASLEEP must find the waker registered above. A word pushed before this
        // makes the exchange fail; one pushed after it reads ASLEEP and wakes the task. There is no third case.
        self.list.head.compare_exchange(EMPTY, ASLEEP, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn next_word(&mut self) -> bool {
        if self.taken == EMPTY {
            // Relaxed: a push that happened before this poll is seen by any load, and a later one by `sleep`.
            if self.list.head.load(Ordering::Relaxed) == EMPTY || !self.take_list() {
                return false;
            }
        }
        let word = &self.words[self.taken];
        self.position = self.taken;
        // Read before the bits are cleared: from then on a waker may push the word again, and overwrite it.
        self.taken = word.next.load(Ordering::Relaxed);
        // Acquire: the child must see what was written before its wake. Release: keeps the load above before this,
        // as seen by the waker that finds the word at zero.
        self.bits = word.bits.swap(0, Ordering::AcqRel);
        debug_assert_ne!(self.bits, 0, "a word is on the list only with a bit set");
        true
    }

    fn take_list(&mut self) -> bool {
        // Acquire: with the release of the pushes, shows the `next` of every word on the list. The pushes between them
        // are read-modify-writes, so they continue each other's release sequence.
        let head = self.list.head.swap(EMPTY, Ordering::AcqRel);
        if head == ASLEEP {
            return false;
        }
        self.taken = head;
        head != EMPTY
    }
}

/// Lets go of the task, which a child's waker kept by somebody else would otherwise hold on to.
impl Drop for ReadySet {
    fn drop(&mut self) {
        drop(self.list.task.take());
    }
}

/// The words with a bit set, and whom to wake when there is one.
#[derive(Debug)]
struct List {
    /// Position of the word that was pushed last, or [`EMPTY`], or [`ASLEEP`].
    head: AtomicUsize,
    task: AtomicWaker,
}

impl List {
    fn push(&self, word: &Word) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            let next = if head == ASLEEP { EMPTY } else { head };
            // Only the waker that found the word at zero gets here, and only one does until the task clears it again.
            word.next.store(next, Ordering::Relaxed);
            // Release: publishes `next`. Acquire: shows the waker that was registered before ASLEEP.
            match self.head.compare_exchange_weak(head, word.position, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(current) => head = current,
            }
        }
        if head == ASLEEP {
            self.task.wake();
        }
    }
}

/// The bits of neighbouring slots.
#[derive(Debug)]
struct Word {
    list: Arc<List>,
    position: usize,
    /// Bit `n` is set from the wake of slot `n` until the task takes the word.
    bits: AtomicUsize,
    /// The word below this one on the list.
    next: AtomicUsize,
}

/// Reports one slot. It outlives the child it was made for: a late ring costs the slot's next child one poll.
#[derive(Debug)]
struct Doorbell {
    word: Arc<Word>,
    bit: usize,
}

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: the child's next poll sees what was written before the wake. Acquire: the `next` that `push` writes
        // must come after the task's load of it.
        if self.word.bits.fetch_or(self.bit, Ordering::AcqRel) == 0 {
            self.word.list.push(&self.word);
        }
    }
}

const SLOTS_PER_WORD: usize = usize::BITS as usize;

/// The list ends here. The task is awake, and looks at the list again before it sleeps.
const EMPTY: usize = usize::MAX;

/// The list is empty and the task sleeps: whoever pushes a word wakes it.
const ASLEEP: usize = usize::MAX - 1;

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;

    use super::super::tests::Alarm;
    use super::{ReadySet, SLOTS_PER_WORD};

    fn ready_set(slots: usize) -> (ReadySet, Vec<Waker>) {
        let mut ready = ReadySet::new();
        let wakers = (0..slots).map(|_| ready.add()).collect();
        (ready, wakers)
    }

    fn drain(ready: &mut ReadySet) -> Vec<usize> {
        std::iter::from_fn(|| ready.next()).collect()
    }

    #[test]
    fn reports_each_woken_slot_once() {
        let (mut ready, wakers) = ready_set(3 * SLOTS_PER_WORD);
        let woken = [0, 1, SLOTS_PER_WORD - 1, SLOTS_PER_WORD, 3 * SLOTS_PER_WORD - 1];

        for slot in woken {
            wakers[slot].wake_by_ref();
            wakers[slot].wake_by_ref();
        }
        let mut reported = drain(&mut ready);

        reported.sort_unstable();
        assert_eq!(reported, woken);
        assert_eq!(ready.next(), None);
    }

    #[test]
    fn gives_every_woken_slot_its_turn_before_one_comes_again() {
        let (mut ready, wakers) = ready_set(2 * SLOTS_PER_WORD);
        wakers.iter().for_each(Waker::wake_by_ref);

        let first_round: Vec<_> = std::iter::from_fn(|| {
            let slot = ready.next()?;
            wakers[slot].wake_by_ref();
            Some(slot)
        })
        .take(wakers.len())
        .collect();

        let distinct: std::collections::HashSet<_> = first_round.iter().collect();
        assert_eq!(distinct.len(), wakers.len());
        assert_eq!(drain(&mut ready).len(), wakers.len());
    }

    #[test]
    fn refuses_to_sleep_on_a_wake_that_came_first() {
        let (mut ready, wakers) = ready_set(1);
        assert!(ready.sleep(Waker::noop()));
        assert_eq!(ready.next(), None);

        wakers[0].wake_by_ref();

        assert!(!ready.sleep(Waker::noop()));
        assert_eq!(ready.next(), Some(0));
        assert!(ready.sleep(Waker::noop()));
    }

    #[test]
    fn wakes_the_task_only_when_it_sleeps() {
        let (mut ready, wakers) = ready_set(1);
        let alarm = Arc::new(Alarm::default());
        let task = Waker::from(Arc::clone(&alarm));
        wakers[0].wake_by_ref();
        assert!(!ready.sleep(&task));
        assert_eq!(ready.next(), Some(0));

        wakers[0].wake_by_ref();
        assert_eq!(alarm.rings(), 0);
        assert_eq!(ready.next(), Some(0));

        assert!(ready.sleep(&task));
        wakers[0].wake_by_ref();
        assert_eq!(alarm.rings(), 1);
    }
}

#[cfg(all(test, resilient_loom))]
mod loom_tests {
    use std::future::poll_fn;
    use std::task::{Poll, Waker};

    use super::{ReadySet, SLOTS_PER_WORD};

    /// Sleeps until a slot is woken; loom reports a deadlock when a wake is lost.
    fn wait(ready: &mut ReadySet) -> usize {
        loom::future::block_on(poll_fn(|cx| {
            loop {
                if let Some(slot) = ready.next() {
                    return Poll::Ready(slot);
                }
                if ready.sleep(cx.waker()) {
                    return Poll::Pending;
                }
            }
        }))
    }

    /// With two wakers and the task, all interleavings are too many; two preemptions are known to find most faults.
    fn model_of_three_threads(run: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(run);
    }

    fn wakers(ready: &mut ReadySet, slots: usize) -> Vec<Waker> {
        (0..slots).map(|_| ready.add()).collect()
    }

    #[test]
    fn loom_wake_reaches_a_task_that_is_going_to_sleep() {
        loom::model(|| {
            let mut ready = ReadySet::new();
            let waker = ready.add();

            let thread = loom::thread::spawn(move || waker.wake());

            assert_eq!(wait(&mut ready), 0);
            thread.join().unwrap();
            assert_eq!(ready.next(), None);
        });
    }

    #[test]
    fn loom_wakes_of_one_word_are_both_taken() {
        model_of_three_threads(|| {
            let mut ready = ReadySet::new();
            let threads: Vec<_> =
                wakers(&mut ready, 2).into_iter().map(|waker| loom::thread::spawn(move || waker.wake())).collect();

            assert_eq!(wait(&mut ready) + wait(&mut ready), 1);
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(ready.next(), None);
        });
    }

    #[test]
    fn loom_wakes_of_two_words_are_both_taken() {
        model_of_three_threads(|| {
            let mut ready = ReadySet::new();
            let mut wakers = wakers(&mut ready, SLOTS_PER_WORD + 1);
            let threads = [wakers.swap_remove(SLOTS_PER_WORD), wakers.swap_remove(0)]
                .map(|waker| loom::thread::spawn(move || waker.wake()));

            assert_eq!(wait(&mut ready) + wait(&mut ready), SLOTS_PER_WORD);
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(ready.next(), None);
        });
    }

    #[test]
    fn loom_slot_that_is_woken_again_is_taken_again() {
        loom::model(|| {
            let mut ready = ReadySet::new();
            let waker = ready.add();
            let (again, seen) = (waker.clone(), loom::sync::Arc::new(loom::sync::atomic::AtomicUsize::new(0)));

            let count = loom::sync::Arc::clone(&seen);
            let thread = loom::thread::spawn(move || {
                waker.wake();
                count.store(1, loom::sync::atomic::Ordering::Relaxed);
                again.wake();
            });

            // However the wakes fall together, the last of them is followed by a poll that sees what preceded it.
            while seen.load(loom::sync::atomic::Ordering::Relaxed) == 0 {
                wait(&mut ready);
            }
            thread.join().unwrap();
        });
    }
}
