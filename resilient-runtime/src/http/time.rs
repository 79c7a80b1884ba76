//! Times as servers write them, and the calendar that they are compared with.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

use super::field;

/// A time that a server named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// So long from the response on.
    In(Duration),
    /// An instant of the calendar.
    At(SystemTime),
}

/// The present, by the clock that wrote the response where it says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar<'h> {
    headers: &'h HeaderMap,
    /// The present by this machine's clock.
    now: SystemTime,
}

impl<'h> Calendar<'h> {
    pub(super) const fn of(headers: &'h HeaderMap, now: SystemTime) -> Self {
        Self { headers, now }
    }

    /// The response's own `Date`, unless a cache has kept the response or the two clocks are more than a day apart: then it is not known
    /// which of them is wrong.
    fn now(self) -> SystemTime {
        let apart = |date: SystemTime| date.duration_since(self.now).unwrap_or_else(|error| error.duration());
        let date = field::lines(self.headers, DATE.as_str()).find_map(http_date).filter(|date| apart(*date) <= DAY);
        date.filter(|_| !self.headers.contains_key(AGE)).unwrap_or(self.now)
    }

    /// Returns how long it is until then: zero if that is over, and at most [`LONGEST`](field::LONGEST).
    pub(super) fn until(self, time: Time) -> Duration {
        let wait = match time {
            Time::In(wait) => wait,
            Time::At(instant) => instant.duration_since(self.now()).unwrap_or(Duration::ZERO),
        };
        wait.min(field::LONGEST)
    }
}

impl Time {
    /// Reads a number, a duration with units, an HTTP date or a time of RFC 3339.
    pub(super) fn read(text: &str) -> Option<Self> {
        match field::decimal(text) {
            Some(number) => Self::by_size(number),
            None => duration(text).map(Self::In).or_else(|| instant(text).map(Self::At)),
        }
    }

    /// As [`read`](Self::read), of a number that counts milliseconds unless it is too large for that.
    pub(super) fn read_millis(text: &str) -> Option<Self> {
        let Some(number) = field::decimal(text) else { return Self::read(text) };
        if number.as_secs() < MILLIS_SINCE_1970 { Some(Self::In(number / 1_000)) } else { Self::by_size(number) }
    }

    /// Reads a number by its size: no server announces a wait of thirty years, and none that runs has the date of 2001.
    fn by_size(number: Duration) -> Option<Self> {
        let since_1970 = match number.as_secs() {
            ..SECONDS_SINCE_1970 => return Some(Self::In(number)),
            SECONDS_SINCE_1970..MILLIS_SINCE_1970 => number,
            millis @ MILLIS_SINCE_1970..TOO_LARGE => Duration::from_millis(millis),
            TOO_LARGE.. => return None,
        };
        SystemTime::UNIX_EPOCH.checked_add(since_1970).map(Self::At)
    }
}

/// Reads a duration as Go prints it: `6m0s`, `2m59.56s`, `12ms`; with days too.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut nanos = 0_u128;
    while !rest.is_empty() {
        let number = &rest[..rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len())];
        rest = &rest[number.len()..];
        let unit = &rest[..rest.find(|char: char| !char.is_alphabetic()).unwrap_or(rest.len())];
        rest = &rest[unit.len()..];
        let &(_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        nanos = nanos.saturating_add(field::decimal(number)?.as_nanos().saturating_mul(unit) / 1_000_000_000);
    }
    let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    (!text.is_empty()).then_some(wait)
}

/// Reads an HTTP date or a time of RFC 3339.
pub(super) fn instant(text: &str) -> Option<SystemTime> {
    http_date(text).or_else(|| rfc_3339(text))
}

/// Reads an HTTP date in any of its three forms; the first also with a zone of its own and a day of one digit, as mail has them.
pub(crate) fn http_date(text: &str) -> Option<SystemTime> {
    if let Ok(date) = httpdate::parse_http_date(text) {
        return Some(date);
    }
    let mut words = text.split(' ');
    let [weekday, day, month, year, time, zone] = [(); 6].map(|()| words.next().unwrap_or(""));
    let ahead = match zone {
        "GMT" | "UTC" | "UT" => 0,
        zone => offset(zone)?,
    };
    let at_zero = httpdate::parse_http_date(&format!("{weekday} {day:0>2} {month} {year} {time} GMT")).ok()?;
    match words.next() {
        Some(_) => None,
        None => moved(at_zero, -ahead),
    }
}

/// Reads `2026-11-28T13:40:00.125+01:00`; also without seconds, which some servers leave out, but not without a zone.
fn rfc_3339(text: &str) -> Option<SystemTime> {
    let number =
        |from: usize, to: usize| field::whole(text.get(from..to)?).and_then(|number| i64::try_from(number).ok());
    let is = |at: usize, allowed: &[u8]| text.as_bytes().get(at).is_some_and(|byte| allowed.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let rest = text.get(16..)?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let seconds = match rest[..zone_at].strip_prefix(':') {
        Some(seconds) if seconds.len() >= 2 && seconds.bytes().take(2).all(|byte| byte.is_ascii_digit()) => {
            field::decimal(seconds)?
        }
        None if zone_at == 0 => Duration::ZERO,
        _ => return None,
    };
    let ahead = match &rest[zone_at..] {
        "Z" | "z" => 0,
        zone => offset(zone)?,
    };
    let is_valid = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && seconds < Duration::from_secs(61);
    let midnight = days_since_1970(year, month, day) * 86_400;
    let whole = SystemTime::UNIX_EPOCH.checked_add(seconds)?;
    if is_valid { moved(whole, midnight + hour * 3_600 + minute * 60 - ahead) } else { None }
}

/// Reads `+0100` or `-03:30`: so many seconds ahead of the zone of zero.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').or_else(|| digits.split_at_checked(2))?;
    let number =
        |digits: &str| field::whole(digits).filter(|_| digits.len() == 2).and_then(|number| i64::try_from(number).ok());
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// The time so many seconds later, or earlier; 1970 for what lies before, which is over either way.
fn moved(time: SystemTime, seconds: i64) -> Option<SystemTime> {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds >= 0 { time.checked_add(by) } else { Some(time.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH)) }
}

/// Counts the days from 1970 on, by whole years of the Gregorian calendar and the days of the months before.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let leap_days = |years: i64| years / 4 - years / 100 + years / 400;
    let before_year = year * 365 + leap_days(year - 1) - (1970 * 365 + leap_days(1969));
    before_year + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const SECONDS_SINCE_1970: u64 = 1_000_000_000;
const MILLIS_SINCE_1970: u64 = 100_000_000_000;
const TOO_LARGE: u64 = 100_000_000_000_000;

const DAY: Duration = Duration::from_secs(86_400);

/// The units of [`duration`], in nanoseconds.
const UNITS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
