//! Resilience for async functions.

mod backoff;
mod circuit_breaker;
mod class;
mod clock;
mod deadline;
mod error;
mod event;
mod fan_out;
mod outcome;
mod random;
mod retry;
mod sync;
#[cfg(feature = "test-util")]
pub mod test;
mod timeout;
mod when;

pub use backoff::Backoff;
pub use circuit_breaker::{CircuitBreaker, Counts, Permit, State};
pub use class::{Class, Classify};
pub use deadline::Deadline;
pub use error::{Error, PolicyKind, Reason};
pub use fan_out::{Collect, FanOut, FirstOk, Launch, TryAll, Unordered};
pub use outcome::{Fallible, FromRejection, Outcome, Settled, finish};
pub use retry::{Delay, DelayFuture, Retry, RetryCall, Verdict};
pub use timeout::{Timeout, TimeoutFuture};
pub use when::{ByError, ByOutcome, BySettled, IntoClass, When};

#[cfg(feature = "macros")]
pub use resilient_macros::*;
