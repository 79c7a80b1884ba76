//! Fan-out.
/// One function over many items.
pub struct FanOut;
