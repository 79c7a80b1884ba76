//! Randomness for jitter: one small generator a thread, seeded from the system or by a test.

use std::cell::RefCell;

use rand::Rng;
use rand::rngs::SmallRng;

thread_local! {
    static GENERATOR: RefCell<SmallRng> = RefCell::new(rand::make_rng());
}

/// A uniform 64-bit number: the fraction `r / 2⁶⁴` of the formulae.
pub(crate) fn next() -> u64 {
    GENERATOR.with_borrow_mut(Rng::next_u64)
}

/// Makes this thread's jitter repeat from `seed` on.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn seed(seed: u64) {
    GENERATOR.set(rand::SeedableRng::seed_from_u64(seed));
}
