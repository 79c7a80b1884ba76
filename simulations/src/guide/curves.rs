//! Measured curves for the page of trade-offs: one setting, and two things that it changes in opposite directions.

pub(super) mod attempt;
pub(super) mod budget;
pub(super) mod delay;
pub(super) mod limit;
pub(super) mod rate;
pub(super) mod width;

/// The page of all curves.
const PAGE: &str = "trade_offs";
