//! The values of settings, which a snapshot has as text.

use std::time::Duration;

use resilient_words::parse_duration;

/// Reads a time as the list of policies writes it, which is how `Debug` writes a `Duration`: `1.5s`, `200ms`.
pub(crate) fn time(text: &str) -> Option<Duration> {
    parse_duration(text).ok()
}

/// Reads a rate as the list writes it, in calls a second: `150/s`, `6/min`.
pub(crate) fn rate(text: &str) -> Option<f64> {
    let (calls, unit) = text.split_once('/')?;
    let seconds = match unit {
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some(calls.parse::<f64>().ok()? / seconds)
}

/// Reads the terms of a budget: `own, 20 % and 10/s` is a fifth of the calls, and ten a second.
pub(crate) fn budget(text: &str) -> Option<(f64, f64)> {
    let (_, terms) = text.split_once(", ")?;
    let (percent, reserve) = terms.split_once(" % and ")?;
    Some((percent.parse::<f64>().ok()? / 100.0, rate(reserve)?))
}

/// A number for people, with as many decimals as it needs and no more than three.
pub(crate) fn shown(number: f64) -> String {
    let rounded = (number * 1_000.0).round() / 1_000.0;
    format!("{rounded}")
}

/// A share in percent, for people.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", shown(share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for time_ in [0, 1, 1_500, 2_000_000, 1_500_000_000, 90_000_000_000].map(Duration::from_nanos) {
            assert_eq!(time(&format!("{time_:?}")), Some(time_));
        }
        assert_eq!(["deadline, or 1s", "off", "5", "-1s"].map(time), [None; 4]);
    }

    #[test]
    fn rates_and_budgets_are_read_as_they_are_written() {
        assert_eq!(["150/s", "6/min", "1.5/h", "9"].map(rate), [Some(150.0), Some(0.1), Some(1.5 / 3_600.0), None]);
        assert_eq!(budget("own, 20 % and 10/s"), Some((0.2, 10.0)));
        assert_eq!(budget("none"), None);
    }
}
