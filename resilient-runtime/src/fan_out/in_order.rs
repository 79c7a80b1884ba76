//! Outputs put back into the order of the input.

use std::collections::VecDeque;

/// Collects values that arrive in any order.
pub(super) struct InOrder<T> {
    /// The outputs with nothing missing before them.
    front: Vec<T>,
    /// The places from `front.len()` on. When it is not empty, its first place is.
    ahead: VecDeque<Option<T>>,
}

impl<T> InOrder<T> {
    pub(super) fn new() -> Self {
        Self { front: Vec::new(), ahead: VecDeque::new() }
    }

    /// Puts `value` in its place.
    #[inline]
    pub(super) fn insert(&mut self, index: usize, value: T) {
        if index == self.front.len() && self.ahead.is_empty() {
            self.front.push(value);
        } else {
            self.insert_among_gaps(index, value);
        }
    }

    #[cold]
    fn insert_among_gaps(&mut self, index: usize, value: T) {
        let offset = index - self.front.len();
        if self.ahead.len() <= offset {
            self.ahead.resize_with(offset + 1, || None);
        }
        self.ahead[offset] = Some(value);
        while let Some(value) = self.ahead.front_mut().and_then(Option::take) {
            self.front.push(value);
            self.ahead.pop_front();
        }
    }

    /// The values in order. Every index up to the highest must have arrived.
    pub(super) fn take(&mut self) -> Vec<T> {
        debug_assert!(self.ahead.is_empty(), "an output is missing");
        std::mem::take(&mut self.front)
    }
}
