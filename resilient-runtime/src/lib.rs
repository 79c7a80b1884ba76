//! Resilience for async functions.

pub mod circuit_breaker;
mod class;
mod clock;
mod error;
mod event;
pub mod fan_out;
mod outcome;
mod random;
mod sync;

pub use circuit_breaker::CircuitBreaker;
pub use class::{Class, Classify};
pub use error::{Error, PolicyKind, Reason};
pub use fan_out::FanOut;
pub use outcome::{FromRejection, Outcome, Settled};
