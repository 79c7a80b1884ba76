//! HTTP responses as outcomes: what a status means, and how long the server's headers ask to stay away.
//!
//! A client returns most failures as `Ok`: a response with a 503 in it. [`by_response`] as the `when` of an attribute
//! makes the policies look at the response:
//!
#![cfg_attr(feature = "macros", doc = "```")]
#![cfg_attr(not(feature = "macros"), doc = "```text")]
//! use resilient::retry;
//! # use std::io;
//! # fn send(attempt: u32) -> io::Result<http::Response<&'static str>> {
//! #     let response = http::Response::builder();
//! #     Ok(if attempt == 0 {
//! #         response.status(429).header("retry-after", "7").body("").unwrap()
//! #     } else {
//! #         response.body("found").unwrap()
//! #     })
//! # }
//!
//! #[retry(max = 3, number = n, when = resilient::http::by_response)]
//! async fn fetch() -> io::Result<http::Response<&'static str>> {
//!     send(n) // 429 with `Retry-After: 7`, then 200
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let start = tokio::time::Instant::now();
//!
//! assert_eq!(fetch().await.unwrap().status(), 200);
//! assert!(start.elapsed().as_secs() >= 7);
//! # }
//! ```
//!
//! A function that returns something else than a response [`check`]s the response first: the error keeps the hint.
//!
//! Answers of servers are read within limits: lines of at most 512 bytes, the first eight of a header, and never a wait
//! of more than a year. A line that cannot be read counts as absent.
//!
//! `docs/hints.md` lists what providers document, and what is read of it. [`Dialect`] reads what no
//! general reader can know.

mod body;
mod call_error;
mod check;
pub mod dialect;
pub(crate) mod field;
mod rate_limit;
mod response;
mod retry_after;
mod status;
#[cfg(test)]
mod tests;
pub(crate) mod time;

pub use body::retry_after_in_body;
pub use call_error::CallError;
pub use check::{StatusError, check};
pub use dialect::{Dialect, Unit};
pub use rate_limit::RateLimit;
pub use response::{Response, by_response};
pub use retry_after::retry_after;
pub use status::{class_of_response, class_of_status, classify_response};
