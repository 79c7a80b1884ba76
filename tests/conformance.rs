//! Behaviour that the tests of other projects have settled, replayed from tables: one module and one table for each policy.

#[path = "conformance/budgets.rs"]
mod budgets;
#[path = "conformance/circuit_breaker.rs"]
mod circuit_breaker;
#[path = "conformance/hedging.rs"]
mod hedging;
#[path = "conformance/rate_limiting.rs"]
mod rate_limiting;
#[path = "conformance/retry_delays.rs"]
mod retry_delays;
#[path = "conformance/table.rs"]
mod table;
