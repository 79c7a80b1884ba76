//! Randomness for jitter: one small generator a thread, seeded from the system or by a test.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

thread_local! {
    // std draws the keys of a thread's hashers from the system
    static GENERATOR: RefCell<SmallRng> = RefCell::new(SmallRng::seed_from_u64(RandomState::new().hash_one(0_u8)));
}

/// A uniform 64-bit number: the fraction `r / 2⁶⁴` of the formulae.
pub(crate) fn next() -> u64 {
    GENERATOR.with_borrow_mut(Rng::next_u64)
}

/// Makes this thread's jitter repeat from `seed` on.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn seed(seed: u64) {
    GENERATOR.set(SmallRng::seed_from_u64(seed));
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn no_two_threads_draw_the_same() {
        let drawn = (0..64).map(|_| thread::spawn(next).join().unwrap());

        assert_eq!(drawn.collect::<std::collections::HashSet<_>>().len(), 64);
    }
}
