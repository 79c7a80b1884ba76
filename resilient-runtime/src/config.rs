//! Settings that change while the program runs: from a file, or from code.
//!
//! ```toml
//! # by the name of a policy, which is that of its function unless `name = "…"` says another
//! [fetch.retry]
//! max = 1
//! base = "200ms"
//!
//! # by the path of a function
//! ["shop::prices::lookup"]
//! timeout.total = "800ms"
//! bulkhead.limit = 20
//!
//! # in an incident
//! [payments.circuit_breaker]
//! force = "open"
//!
//! [search]
//! mode = "off"
//!
//! [end]
//! ```
//!
#![cfg_attr(feature = "macros", doc = "```standalone_crate")]
#![cfg_attr(not(feature = "macros"), doc = "```text")]
//! use resilient::{config, retry};
//!
//! #[retry(max = 3)]
//! async fn fetch() -> Result<u32, std::io::Error> {
//!     Ok(42)
//! }
//!
//! let applied = config::apply("fetch.toml", "[fetch.retry]\nmax = 1\n\n[end]\n")?;
//! assert_eq!(applied.changed(), 1);
//!
//! let policies = resilient::policies();
//! let setting = &policies.functions[0].stack[0].policy.as_ref().unwrap().settings[0];
//! assert_eq!((setting.key, setting.value.as_str(), setting.compiled.as_str()), ("max", "1", "3"));
//! assert_eq!(setting.origin.as_deref(), Some("fetch.toml:2"));
//! # Ok::<(), config::Refused>(())
//! ```
//!
//! # The file
//!
//! A table is named after a policy, or after a function by its whole path. In it is a table for each kind of policy, under the name of its
//! attribute, with the keys of the attribute. Where a function has two of a kind, the name from the [list of policies](crate::policies)
//! tells them apart: `total_timeout`, `attempt_timeout`; `timeout.total` and `timeout.attempt` say the same. Values are written as in the
//! attribute: `"250ms"`, `"50%"`, `"100/s"`. Keys that are a part of the code, such as `clone` or `when`, cannot change.
//!
//! Besides, every policy but a fan-out takes `mode = "enforce"`, `"observe"` or `"off"`; under the name of a function, it is for all its policies. A circuit
//! breaker takes `force = "open"`, with which it refuses every call, or `"closed"`, with which it lets every call through.
//!
//! The last line is the table `[end]`, so that a file of which a part is missing is not applied.
//!
//! # All or nothing
//!
//! A file is checked as a whole: keys, types and ranges by the rules of the attributes, settings against each other, the times of one stack against each other, and
//! what `#[enforce]` allows. If anything is wrong, nothing of it is applied, and [`Refused`] has every mistake with its line, column and
//! what to write. What was in force stays.
//!
//! Windows, budgets, queues, permits and states are kept when settings change, with these exceptions. A breaker's window begins anew when `window`
//! itself changes. A limit that adapts begins anew when its range changes. Outcomes that are held are let go of when `hold` is turned off.
//! A call that has begun may go by the old settings or the new ones.
//!
//! A key that a file no longer has is again as it was built. Each [`apply`] replaces what the same source said before.
//!
//! # Policies that are not there
//!
//! A name in a file that no policy has may be a mistake, or that of a policy that is used later. It is kept, named by [`Applied::waiting`] and in
//! a warning, and applied when a policy of that name is first [shared](crate::CircuitBreaker::shared) or [listed](crate::list()).
//! A policy by hand must be listed or shared to be found, and one in a field of yours cannot be. A layer of tower and a middleware list theirs.
//!
//! # Cost
//!
//! A policy's part in a call reads whether other settings are in force, which is one relaxed load, and for a circuit breaker two. Each set of settings that was ever in force is kept for
//! the life of the process, once: at most 200 bytes.

#[cfg(feature = "chaos")]
mod chaos;
mod check;
mod file;
mod report;
mod resolve;
mod rules;
mod state;
mod watch;

pub use self::report::{Applied, Mistake, Refused};
pub use self::state::{Changes, Reloads, apply, ask_again, count, forget, forget_all, reloads, reset};
pub use self::watch::{Watch, watch};
pub use crate::tune::Value;
