//! The number of a state, by which a permit knows whether it is late.

/// Counts the changes of state, so that a permit can tell whether it is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(pub(super) u32);

impl Epoch {
    pub(super) const fn next(self) -> Self {
        Self((self.0 + 1) & MAX_EPOCH)
    }

    /// Returns whether it came after the other; half of all epochs count as later.
    pub(super) const fn is_after(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0) & MAX_EPOCH;
        ahead != 0 && ahead <= MAX_EPOCH / 2
    }
}

/// The most that seventeen bits can hold; a permit would have to outlive so many changes of state to be mistaken.
pub(super) const MAX_EPOCH: u32 = (1 << 17) - 1;
