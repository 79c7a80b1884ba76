//! Durations: `250ms`, `1m30s`.

use std::time::Duration;

use crate::nearest;

/// Parses a duration.
///
/// # Errors
///
/// A message that says what is wrong, and what to write.
pub fn parse_duration(written: &str) -> Result<Duration, String> {
    let mut rest = written.trim();
    if rest.is_empty() {
        return Err("an empty duration: write, for instance, `\"250ms\"`".to_owned());
    }
    if rest.starts_with('-') {
        return Err(negative_duration().to_owned());
    }
    if let Some(meant) = with_other_signs(rest) {
        return Err(format!("`{written}` is not a duration: write `\"{meant}\"`"));
    }
    let mut last: Option<(&str, u64)> = None;
    let too_long = || format!("`{written}` is too long: the longest duration is 584 years");
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        rest = after.trim_start();
        if number.is_empty() || !unit.chars().all(char::is_alphabetic) {
            return Err(format!("`{written}` is not a duration: write a number and a unit, such as `\"250ms\"`"));
        }
        if unit.is_empty() {
            let before = written.trim().strip_suffix(number).filter(|before| !before.is_empty());
            return Err(match before {
                Some(before) => format!("the last number has no unit: write, for instance, `\"{before}{number}ms\"`"),
                None => format!("a duration needs a unit: write `\"{number}s\"` or `\"{number}ms\"`"),
            });
        }
        let scale = unit_nanos(unit).ok_or_else(|| unknown_unit(number, unit))?;
        if let Some((earlier, larger)) = last
            && scale >= larger
        {
            return Err(format!(
                "`{unit}` stands after `{earlier}`: write each unit once, the largest first, as in `\"1m30s\"`"
            ));
        }
        last = Some((unit, scale));
        if !is_decimal(number) {
            return Err(format!("`{number}` is not a number: write, for instance, `\"1.5{unit}\"`"));
        }
        let part = in_nanos(number, scale).ok_or_else(too_long)?;
        total = total.checked_add(part).ok_or_else(too_long)?;
    }
    Ok(Duration::from_nanos(total))
}

/// The message for a number below zero where a duration should be.
pub const fn negative_duration() -> &'static str {
    "a duration cannot be negative: write, for instance, `\"250ms\"`"
}

fn is_decimal(number: &str) -> bool {
    number.starts_with(|first: char| first.is_ascii_digit()) && number.matches('.').count() <= 1
}

fn in_nanos(number: &str, scale: u64) -> Option<u64> {
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    let mut nanos = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        nanos = nanos.checked_add(place.checked_mul(u64::from(digit.to_digit(10)?))?)?;
    }
    Some(nanos)
}

/// The nanoseconds of the unit of that short name.
pub fn unit_nanos(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(short, ..)| *short == unit).map(|&(_, nanos, _)| nanos)
}

/// One of the unit of that name, short or long.
pub fn unit(name: &str) -> Option<Duration> {
    let found = UNITS.iter().find(|(short, _, names)| *short == name || names.contains(&name));
    found.map(|&(_, nanos, _)| Duration::from_nanos(nanos))
}

/// The short name of the unit that was probably meant.
pub fn nearest_unit(name: &str) -> Option<&'static str> {
    let long = UNITS.iter().flat_map(|(short, _, names)| names.iter().map(move |name| (*name, *short)));
    let meant = nearest(name, long.clone().map(|(name, _)| name))?;
    long.into_iter().find(|(name, _)| *name == meant).map(|(_, short)| short)
}

/// The duration meant by one written as a time of day, or with a comma: `1m30s` for `1:30`, `1.5s` for `1,5s`.
fn with_other_signs(written: &str) -> Option<String> {
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = written.split(':').collect();
    match parts.as_slice() {
        [minutes, seconds] if digits(minutes) && digits(seconds) => Some(format!("{minutes}m{seconds}s")),
        [hours, minutes, seconds] if [hours, minutes, seconds].into_iter().all(|part| digits(part)) => {
            Some(format!("{hours}h{minutes}m{seconds}s"))
        }
        [_] if written.matches(',').count() == 1 => {
            let (whole, fraction) = written.split_once(',')?;
            let point = format!("{whole}.{fraction}");
            (digits(whole) && parse_duration(&point).is_ok()).then_some(point)
        }
        _ => None,
    }
}

fn unknown_unit(number: &str, unit: &str) -> String {
    if unit == "M" {
        return format!(
            "`M` could be minutes or months: write `\"{number}m\"` for minutes, `\"{number}ms\"` for milliseconds"
        );
    }
    if let Some((_, days)) = LONGER_UNITS.iter().find(|(names, _)| names.contains(&unit.to_lowercase().as_str())) {
        let meant = match number.parse::<u64>() {
            Ok(number) => number.saturating_mul(*days).to_string(),
            Err(_) => days.to_string(),
        };
        return format!("the longest unit is the day: write `\"{meant}d\"`");
    }
    let otherwise = UNITS.iter().find(|(short, ..)| *short == unit.to_lowercase()).map(|(short, ..)| *short);
    match otherwise.or_else(|| nearest_unit(unit)) {
        Some(short) => format!("unknown unit `{unit}`: did you mean `\"{number}{short}\"`?"),
        None => format!("unknown unit `{unit}`: the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`"),
    }
}

/// Units that are longer than the longest that there is, and their days.
const LONGER_UNITS: &[(&[&str], u64)] =
    &[(&["w", "wk", "week", "weeks"], 7), (&["y", "yr", "yrs", "year", "years"], 365)];

/// Each unit, its nanoseconds, and the names that people give it.
const UNITS: &[(&str, u64, &[&str])] = &[
    ("ns", 1, &["ns", "nano", "nanos", "nanoseconds"]),
    ("us", 1_000, &["us", "µs", "micro", "micros", "microseconds"]),
    ("µs", 1_000, &[]),
    ("ms", 1_000_000, &["ms", "msec", "milli", "millis", "milliseconds"]),
    ("s", 1_000_000_000, &["sec", "secs", "second", "seconds"]),
    ("m", 60_000_000_000, &["min", "mins", "minute", "minutes"]),
    ("h", 3_600_000_000_000, &["hr", "hrs", "hour", "hours"]),
    ("d", 86_400_000_000_000, &["day", "days"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        for (written, nanos) in [
            ("250ms", 250_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5s", 1_500_000_000),
            ("2 h", 7_200_000_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("0s", 0),
            ("1_000ms", 1_000_000_000),
        ] {
            assert_eq!(parse_duration(written), Ok(Duration::from_nanos(nanos)), "{written}");
        }
    }

    #[test]
    fn what_is_not_a_duration_says_why() {
        for (written, message) in [
            ("", "empty"),
            ("-1s", "negative"),
            ("5", "needs a unit"),
            ("5 sconds", "did you mean `\"5s\"`"),
            ("5M", "minutes"),
            ("5 parsecs", "the units are"),
            ("s", "a number and a unit"),
            ("1..5s", "not a number"),
            ("99999999999999d", "584 years"),
            (".5s", "not a number"),
            ("213503d 23h59m", "584 years"),
            ("1y", "write `\"365d\"`"),
            ("2 weeks", "write `\"14d\"`"),
            ("2S", "did you mean `\"2s\"`"),
            ("3H", "did you mean `\"3h\"`"),
            ("1s2", "the last number has no unit"),
            ("1:30", "write `\"1m30s\"`"),
            ("1:02:03", "write `\"1h02m03s\"`"),
            ("1,5s", "write `\"1.5s\"`"),
            ("1s2s", "each unit once"),
            ("500ms1s", "the largest first"),
            ("1:x", "not a duration"),
        ] {
            let error = parse_duration(written).unwrap_err();
            assert!(error.contains(message), "{written}: {error}");
        }
    }
}
