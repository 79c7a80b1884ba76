//! The adaptive limit: how many calls may run at once, learnt from how the earlier ones went.

use std::sync::{PoisonError, TryLockError};

mod aimd;
mod algorithm;
mod bounds;
mod gradient;
mod stride;
mod vegas;
mod window;

#[cfg(all(test, not(resilient_loom)))]
mod conformance;
#[cfg(all(test, resilient_loom))]
mod loom_models;
#[cfg(all(test, not(resilient_loom)))]
mod simulation;
#[cfg(all(test, not(resilient_loom)))]
mod tests;

use self::aimd::Aimd;
use self::algorithm::Algorithm;
use self::bounds::Bounds;
use self::gradient::Gradient;
use self::stride::Stride;
use self::vegas::Vegas;
use self::window::Window;
use crate::clock::Ticks;
use crate::random;
use crate::sync::atomic::AtomicU32;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::{Mutex, const_fn};

/// A limit on concurrency that follows the server's.
///
/// It does not count what is in flight; whoever does tells it at the end of each call. Calls are summed up in windows of at
/// least a second and ten outcomes, and the algorithm's step is taken from one window to the next. Only a fraction of busy
/// traffic is timed, chosen by lot; every drop is counted.
#[derive(Debug)]
pub(crate) struct Adaptive {
    bounds: Bounds,
    limit: AtomicU32,
    stride: Stride,
    window: Window,
    /// Taken only by the thread that closes a window, and never waited for.
    estimate: Mutex<Algorithm>,
}

/// When a call began, if it was chosen to be timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample(u64);

/// The end of a call, as far as its server's load is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It ran to its end in its own time: that of a failure which says nothing about load counts as well.
    Success,
    /// It was refused for overload, or timed out. Its time does not count.
    Dropped,
    /// It was cancelled, or says nothing: as if it had never begun.
    Ignored,
}

impl Adaptive {
    const_fn! {
        /// Adds one at a time, and takes a tenth off after a drop.
        pub(crate) fn aimd(min: u32, max: u32, initial: u32) -> Self {
            Self::new(Bounds::new(min, max, initial), initial, Algorithm::Aimd(Aimd::new(initial)))
        }
    }

    const_fn! {
        /// Keeps a short queue at the server, as measured against the shortest time that calls have taken.
        pub(crate) fn vegas(min: u32, max: u32, initial: u32) -> Self {
            Self::new(Bounds::new(min, max, initial), initial, Algorithm::Vegas(Vegas::new(initial)))
        }
    }

    const_fn! {
        /// Compares the time that calls take now with what they have taken over the last minutes.
        pub(crate) fn gradient(min: u32, max: u32, initial: u32) -> Self {
            Self::new(Bounds::new(min, max, initial), initial, Algorithm::Gradient(Gradient::new(initial)))
        }
    }

    /// Panics unless a limit can begin and move so; at compile time in a `static`.
    pub(crate) const fn check(min: u32, max: u32, initial: u32) {
        Bounds::new(min, max, initial);
    }

    const_fn! {
        fn new(bounds: Bounds, initial: u32, estimate: Algorithm) -> Self {
            Self {
                bounds,
                limit: AtomicU32::new(initial),
                stride: Stride::new(),
                window: Window::new(),
                estimate: Mutex::new(estimate),
            }
        }
    }

    /// Returns the current limit on calls at once, always between the minimum and the maximum.
    #[inline]
    pub(crate) fn limit(&self) -> u32 {
        // Relaxed: the number says all there is to know, and nothing else is read on the strength of it.
        self.limit.load(Relaxed)
    }

    /// Begins again, as `new` begins.
    pub(crate) fn restart(&self, new: Self) {
        let mut estimate = self.estimate.lock().unwrap_or_else(PoisonError::into_inner);
        self.limit.store(new.limit(), Relaxed);
        *estimate = new.estimate.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.window.take();
        self.stride.reset();
    }

    /// Notes the beginning of a call that was let through.
    #[inline]
    pub(crate) fn begin(&self) -> Sample {
        self.begin_at(Ticks::now)
    }

    /// Notes the end of a call, and returns the limit if that has changed it.
    ///
    /// `in_flight` is how many calls were running when it ended, itself included. Two threads can learn of two changes in
    /// the wrong order; [`limit`](Self::limit) is what holds.
    #[inline]
    pub(crate) fn end(&self, sample: Sample, in_flight: u32, ended: Ended) -> Option<u32> {
        self.end_at(sample, in_flight, ended, Ticks::now)
    }

    #[inline]
    fn begin_at(&self, clock: impl FnOnce() -> Ticks) -> Sample {
        if self.stride.chooses(random::next) { Sample::at(clock()) } else { Sample::UNTIMED }
    }

    #[inline]
    fn end_at(&self, sample: Sample, in_flight: u32, ended: Ended, clock: impl FnOnce() -> Ticks) -> Option<u32> {
        match ended {
            Ended::Ignored => None,
            Ended::Success if sample == Sample::UNTIMED => None,
            Ended::Success => self.record(Some(sample), in_flight, clock()),
            Ended::Dropped => self.record(None, in_flight, clock()),
        }
    }

    /// Adds a timed call, or one that was dropped.
    #[inline(never)]
    fn record(&self, timed: Option<Sample>, in_flight: u32, now: Ticks) -> Option<u32> {
        match timed {
            Some(Sample(began)) => {
                let timed = self.window.add_timed(Ticks(began), in_flight, now)?;
                if timed % Stride::MOST_TIMED == 0 {
                    self.stride.lengthen();
                }
            }
            None => self.window.add_dropped(in_flight),
        }
        if self.window.is_due(now) { self.close(now) } else { None }
    }

    /// Takes the algorithm's step, unless another thread is taking it or has just taken it.
    #[cold]
    fn close(&self, now: Ticks) -> Option<u32> {
        let mut estimate = match self.estimate.try_lock() {
            Ok(estimate) => estimate,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Whoever has the lock takes this outcome along, or leaves it for the next window.
            Err(TryLockError::WouldBlock) => return None,
        };
        // Asked again: it may have been closed between the first question and the lock.
        if !self.window.is_due(now) {
            return None;
        }
        if !self.window.is_full() {
            // Less traffic than the stride was made for.
            self.stride.shorten();
            return None;
        }
        let summary = self.window.take();
        if summary.timed < Stride::LEAST_TIMED {
            self.stride.shorten();
        }
        *estimate = estimate.step(&summary, self.bounds, random::next);

        let probe = estimate.probe();
        if probe.is_some() {
            self.stride.reset();
        }
        self.window.open(now, summary.shortest, probe);
        let limit = self.bounds.clamp(estimate.limit(self.bounds));
        // Relaxed, as in `limit`; only the holder of the lock writes.
        (self.limit.swap(limit, Relaxed) != limit).then_some(limit)
    }
}

impl Sample {
    pub(crate) const UNTIMED: Self = Self(u64::MAX);

    fn at(now: Ticks) -> Self {
        // A clock at its very end would say "not timed".
        Self(now.0.min(u64::MAX - 1))
    }
}
