//! Rates: `100/s`, `5/min`, `10/100ms`.

use std::time::Duration;

use crate::{nearest, nearest_unit, parse_duration, unit};

/// The longest time that a rate reckons with.
pub const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Parses a rate: the number of calls, and the period.
///
/// # Errors
///
/// A message that says what to write.
pub fn parse_rate(written: &str) -> Result<(u32, Duration), String> {
    let Some((calls, period)) = written.split_once('/') else {
        let number = written.trim();
        return Err(match nearest(number, ["adaptive"]) {
            _ if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') => {
                format!("a rate needs its period: write `\"{number}/s\"`")
            }
            Some(_) => {
                "a limit that goes by what the server takes is a policy of its own: write `#[throttle]`".to_owned()
            }
            None => format!("`\"{number}\"` is not a rate: write, for instance, `\"100/s\"` or `\"5/min\"`"),
        });
    };
    let (calls, period) = (calls.trim(), period.trim());
    if calls.starts_with('-') {
        return Err(format!("a rate cannot be negative: write, for instance, `\"100/{period}\"`"));
    }
    let digits = calls.replace('_', "");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(match digits.parse::<f64>() {
            Ok(_) => {
                format!("a rate counts whole calls, and `{calls}` is none: choose a longer period, as in `\"1/2s\"`")
            }
            Err(_) => not_a_rate().to_owned(),
        });
    }
    match digits.parse::<u32>() {
        Ok(0) => Err(never().to_owned()),
        Ok(calls) => parse_period(&digits, period).map(|period| (calls, period)),
        Err(_) => Err(format!("a rate is at most {} calls in a period: choose a shorter period", u32::MAX)),
    }
}

fn parse_period(calls: &str, period: &str) -> Result<Duration, String> {
    if period.is_empty() {
        return Err(format!("a rate needs its period: write `\"{calls}/s\"`"));
    }
    let time = match unit(period) {
        Some(unit) => unit,
        None if period.starts_with(|first: char| first.is_ascii_digit() || first == '-') => parse_duration(period)?,
        None => {
            return Err(match nearest_unit(period) {
                Some(unit) => format!("unknown period `{period}`: did you mean `\"{calls}/{unit}\"`?"),
                None => format!(
                    "unknown period `{period}`: write one of `ms`, `s`, `min`, `h` and `d`, or a time such as `100ms`"
                ),
            });
        }
    };
    in_range(time).map_err(str::to_owned)
}

/// Returns the period, unless it is none or too long.
///
/// # Errors
///
/// A message that says what to write.
pub fn in_range(period: Duration) -> Result<Duration, &'static str> {
    match period {
        Duration::ZERO => Err("a period of zero is no limit: write, for instance, `\"100/s\"`"),
        period if period > YEAR => Err("a period is at most a year: write, say, `\"100/d\"`"),
        period => Ok(period),
    }
}

/// The message for a rate of zero.
pub const fn never() -> &'static str {
    "a rate of zero never lets a call through: write at least 1, as in `\"1/min\"`"
}

/// The message for what is no rate.
pub const fn not_a_rate() -> &'static str {
    "a rate is a number of calls and a period: write, for instance, `\"100/s\"` or `\"5/min\"`"
}
