//! The policies of one run, the calls through random stacks of them, and the work below.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use resilient::Class;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::fault::{Answer, Fault, Outcome, panic_on_purpose};
use crate::luck::Luck;
use crate::part::{Attempts, Call, Facts, Hook, KEYS, KINDS, Part};

/// The policies of one run, and what became of their calls.
pub(crate) struct World {
    pub(crate) parts: Vec<&'static Part>,
    pub(crate) slots: Vec<Option<&'static Part>>,
    /// Bodies that run now.
    pub(crate) alive: AtomicU64,
    /// Answers that were for another key.
    pub(crate) mixed_up: AtomicU64,
    /// Calls that nobody polls any more.
    pub(crate) parked: Mutex<Vec<Call>>,
}

impl World {
    /// Two policies of each kind whose bit is set. Without one kind, everything else stays as it is.
    pub(crate) fn new(kinds: u32, luck: &mut Luck) -> Arc<Self> {
        let slots: Vec<_> = (0..KINDS)
            .flat_map(|kind| {
                let seeds = [luck.seed(), luck.seed()];
                seeds.map(|seed| (kinds >> kind & 1 == 1).then(|| Part::make(kind, &mut Luck::new(seed))))
            })
            .collect();
        Self::with(slots)
    }

    /// Of one policy.
    pub(crate) fn of(part: &'static Part) -> Arc<Self> {
        Self::with(vec![Some(part)])
    }

    fn with(slots: Vec<Option<&'static Part>>) -> Arc<Self> {
        Arc::new(Self {
            parts: slots.iter().copied().flatten().collect(),
            slots,
            alive: AtomicU64::new(0),
            mixed_up: AtomicU64::new(0),
            parked: Mutex::default(),
        })
    }

    /// A call through a random stack, in which no policy stands twice.
    pub(crate) fn call(self: &Arc<Self>, luck: &mut Luck, depth: u32) -> Call {
        let panics = luck.once_in(10).then(|| *luck.pick(&Hook::ALL));
        let facts = Facts { key: luck.below(KEYS), seed: luck.seed(), panics };
        let mut slots = self.slots.clone();
        let mut attempts = self.clone().bodies(facts, luck.fork(), depth);
        for _ in 0..luck.within(1, 5) {
            if let Some(part) = slots.swap_remove(luck.below(slots.len() as u32) as usize) {
                attempts = part.around(attempts, facts);
            }
        }
        let (call, world) = (attempts(), self.clone());
        Box::pin(async move {
            let outcome = call.await;
            if outcome.as_ref().is_ok_and(|answer| answer.key != facts.key) {
                world.mixed_up.fetch_add(1, Relaxed);
            }
            outcome
        })
    }

    fn bodies(self: Arc<Self>, facts: Facts, luck: Luck, depth: u32) -> Attempts {
        let luck = Mutex::new(luck);
        Arc::new(move || {
            let luck = luck.lock().unwrap().fork();
            Box::pin(self.clone().body(facts, luck, depth))
        })
    }

    async fn body(self: Arc<Self>, facts: Facts, mut luck: Luck, depth: u32) -> Outcome {
        let _alive = Alive::new(&self.alive);
        for _ in 0..luck.below(4) {
            match luck.below(6) {
                0 => yield_now().await,
                1 | 2 => sleep(luck.millis(60)).await,
                3 if depth < 2 => drop(self.call(&mut luck, depth + 1).await),
                4 => wake_often(luck.below(5)).await,
                _ => {}
            }
        }
        match luck.below(60) {
            0..40 => Ok(Answer { key: facts.key }),
            40..47 => Err(Fault::Class(Class::Transient)),
            47..50 => Err(Fault::Class(Class::Throttled { after: None })),
            50..52 => Err(Fault::Class(Class::Throttled { after: Some(luck.millis(3_000)) })),
            52..55 => Err(Fault::Class(Class::Permanent)),
            55..57 => {
                panic_on_purpose();
                Err(Fault::Class(Class::Permanent))
            }
            57 => {
                sleep(std::time::Duration::from_secs(3_600)).await;
                Ok(Answer { key: facts.key })
            }
            _ => pending().await,
        }
    }
}

/// Wakes its task before and after it is pending.
async fn wake_often(times: u32) {
    let mut left = times;
    poll_fn(move |context| {
        context.waker().wake_by_ref();
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        let waker = context.waker().clone();
        waker.wake();
        Poll::Pending
    })
    .await;
}

pub(crate) struct Alive<'a>(&'a AtomicU64);

impl<'a> Alive<'a> {
    pub(crate) fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
