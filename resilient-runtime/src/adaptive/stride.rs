//! Which calls are timed.

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::const_fn;

/// One call in so many is timed, at random: reading the clock twice costs more than all the rest.
///
/// By lot and not in turn, since every second call may be the cheap one, and so that the threads do not have to share a
/// counter. It is a power of two, and follows the traffic so that a window times between 32 and some 128 calls.
#[derive(Debug)]
pub(super) struct Stride {
    /// The stride less one.
    mask: AtomicU64,
}

impl Stride {
    /// When a window has timed that many, and at every multiple, one call in twice as many is timed.
    pub(super) const MOST_TIMED: u32 = 128;
    /// A window that timed fewer shortens the stride.
    pub(super) const LEAST_TIMED: u32 = 32;
    /// At so many the clock no longer matters. More would only be in the way when the traffic falls.
    const LONGEST: u64 = 256;

    const_fn! {
        pub(super) fn new() -> Self {
            Self { mask: AtomicU64::new(0) }
        }
    }

    #[inline]
    pub(super) fn chooses(&self, lot: impl FnOnce() -> u64) -> bool {
        // Relaxed throughout: a call that goes by the old stride is timed or not, and that is all.
        let mask = self.mask.load(Relaxed);
        mask == 0 || lot() & mask == 0
    }

    #[cfg(all(test, not(resilient_loom)))]
    pub(super) fn mask(&self) -> u64 {
        self.mask.load(Relaxed)
    }

    pub(super) fn lengthen(&self) {
        let _ = self.mask.fetch_update(Relaxed, Relaxed, |mask| {
            let longer = mask << 1 | 1;
            (longer < Self::LONGEST).then_some(longer)
        });
    }

    /// To a quarter: traffic falls faster than it grows, and too many timings cost less than too few.
    pub(super) fn shorten(&self) {
        let _ = self.mask.fetch_update(Relaxed, Relaxed, |mask| (mask > 0).then_some(mask >> 2));
    }

    /// Times every call from now on.
    pub(super) fn reset(&self) {
        self.mask.store(0, Relaxed);
    }
}
