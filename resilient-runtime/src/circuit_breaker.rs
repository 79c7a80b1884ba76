//! The circuit breaker.
/// Stops calling what is failing.
pub struct CircuitBreaker;
