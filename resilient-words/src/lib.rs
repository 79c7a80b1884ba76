//! The words of `resilient`: durations, ratios and rates as people write them, and what to write in place of a mistake.
//!
//! The attributes read them when a program is compiled, and its settings files when it runs, so both take the same text and
//! answer a mistake in the same words. It is a part of `resilient-runtime`; use it through that.

mod duration;
mod elsewhere;
mod measure;
mod rate;
mod ratio;
mod times;
mod wording;

pub use duration::{nearest_unit, negative_duration, parse_duration, unit, unit_nanos};
pub use elsewhere::{other_formula, other_word};
pub use measure::Measure;
pub use rate::{YEAR, in_range, never, not_a_rate, parse_rate};
pub use ratio::percent;
pub use times::{attempt_never_times_out, delay_never_passes, no_room_for_a_retry};
pub use wording::{choice, list, nearest};
