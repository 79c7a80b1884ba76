//! Random choices that a seed repeats.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

#[derive(Debug)]
pub(crate) struct Luck(StdRng);

impl Luck {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Luck of its own for a part of the run, which does not depend on how often this one is asked later.
    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.seed())
    }

    pub(crate) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 up to, but not including, `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        (self.0.next_u64() % u64::from(end)) as u32
    }

    pub(crate) fn within(&mut self, least: u32, most: u32) -> u32 {
        least + self.below(most - least + 1)
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(self.below(1_001)) / 1_000.0
    }

    /// A time up to so many milliseconds, short ones more often than long ones.
    pub(crate) fn millis(&mut self, most: u32) -> Duration {
        let scale = [most, most / 10 + 1, most / 100 + 1][self.below(3) as usize];
        Duration::from_micros(u64::from(self.below(scale * 1_000)) + 1)
    }

    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len() as u32) as usize]
    }
}
