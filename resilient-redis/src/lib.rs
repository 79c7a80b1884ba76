//! Rate limits and circuit breakers that the machines of a service share through Redis or Valkey.
//!
//! A [`Store`] is a `static`, beside the limits that are shared through it. The program connects it once.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use resilient::RateLimit;
//! use resilient_redis::Store;
//!
//! static FLEET: Store = Store::named("shop");
//! static SEARCH: RateLimit = RateLimit::named("search").rate(100, Duration::from_secs(1)).shared_through(&FLEET);
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! FLEET.connect("redis://127.0.0.1:6379")?;
//!
//! // a hundred a second over all machines
//! let permit = SEARCH.acquire().await?;
//! # permit.abandon();
//! # Ok(())
//! # }
//! ```
//!
//! [`RateLimit::shared_through`] says what is promised, and [`RateLimit::when_down`] what is let through while the
//! server does not answer.
//!
//! [`CircuitBreaker::shared_through`](resilient::CircuitBreaker::shared_through) says how machines open, probe and close a circuit breaker together.
//!
//! [`RateLimit::shared_through`]: resilient::RateLimit::shared_through
//! [`RateLimit::when_down`]: resilient::RateLimit::when_down

#![cfg_attr(docsrs, feature(doc_cfg))]

/// The example of the readme.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod link;
mod script;
mod store;

pub use redis;

#[doc(hidden)]
pub use self::script::{arguments, circuit_arguments, lease, view};
pub use self::store::{ConnectError, Store};
