//! The kit for testing annotated functions: jitter that repeats, failures on order, and a record of what the policies did.
//!
//! Use it with tokio's paused clock, on which every wait is over at once and yet takes exactly as long as it says:
//!
#![cfg_attr(feature = "macros", doc = "```")]
#![cfg_attr(not(feature = "macros"), doc = "```text")]
//! use std::time::Duration;
//! use resilient::test::{Script, assert_delays, record, seed};
//! use resilient::{Classify, GaveUp, retry, timeout};
//!
//! #[derive(Debug, Classify)]
//! enum FetchError {
//!     #[transient]
//!     Down,
//!     #[transparent(from)]
//!     Refused(resilient::Error),
//! }
//!
//! // the application: the function under test takes what it calls as an argument
//! #[timeout(total = "2s")]
//! #[retry(max = 3)]
//! async fn fetch(server: &impl Server) -> Result<&'static str, FetchError> {
//!     server.answer().await
//! }
//!
//! trait Server {
//!     async fn answer(&self) -> Result<&'static str, FetchError>;
//! }
//!
//! // the test's fake fails as often as its script says
//! struct Fake(Script<FetchError>);
//!
//! impl Server for Fake {
//!     async fn answer(&self) -> Result<&'static str, FetchError> {
//!         self.0.next()?;
//!         Ok("fine")
//!     }
//! }
//!
//! // #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! seed(7); // only if the test depends on the exact jitter
//! let log = record();
//! let server = Fake(Script::failing(2, || FetchError::Down));
//!
//! assert_eq!(fetch(&server).await.unwrap(), "fine");
//!
//! assert_eq!(server.0.attempts(), 3);
//! assert_delays(&log.delays("fetch"), [100..=200, 200..=300]);
//!
//! server.0.fail_next(9, || FetchError::Down);
//! fetch(&server).await.unwrap_err();
//!
//! assert_eq!(log.gave_up("fetch"), [GaveUp::NoRetriesLeft]);
//! assert!(log.timeouts("fetch").is_empty());
//! # }
//! ```
//!
//! The clock, the jitter and the record are those of one thread, which is all that `#[tokio::test]` uses unless told
//! otherwise. Plain functions wait on the clock of the system; [`skip_waits`] does for them what the paused clock does for async ones. The policies' state lasts longer: a breaker or a budget is a `static`, and the tests of one program share it.
//! [`reset`] makes them all as new; or give each test a function or a policy value of its own where that matters.

mod assert;
mod record;
mod script;
mod waits;

pub use self::assert::{assert_delays, assert_no_conflicts};
pub use self::record::{Recorder, record};
pub use self::script::Script;
pub use self::waits::{SkippedWaits, skip_waits};

/// Makes every listed policy as new: closed breakers with empty windows, full budgets, unused rates, nothing held
/// or learnt, the modes and limits that were compiled in. What the [metrics](crate::metrics) have counted stays.
///
/// The policies of annotated functions are listed by themselves, where the feature `listed` is on; one by hand is after
/// [`list`](crate::list). Tests that share policies and run side by side disturb each other all the same: begin each with
/// this and run them one after the other, or give each policies of its own.
///
/// ```
/// use resilient::CircuitBreaker;
///
/// static PAYMENTS: CircuitBreaker = CircuitBreaker::named("payments");
///
/// resilient::list(&PAYMENTS);
/// PAYMENTS.force_open();
///
/// resilient::test::reset();
///
/// assert!(PAYMENTS.acquire().is_ok());
/// ```
pub fn reset() {
    #[cfg(feature = "config")]
    crate::config::forget_all();
    crate::list::reset();
}

/// Makes the jitter of this thread's policies repeat from `seed` on.
///
/// On a paused current-thread runtime, every delay is then the same in each run.
///
/// ```
/// resilient::test::seed(7);
/// ```
pub fn seed(seed: u64) {
    crate::random::seed(seed);
}
