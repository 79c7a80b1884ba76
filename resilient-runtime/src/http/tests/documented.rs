//! The responses that providers document, and how many of them are read as they are meant.

use std::fmt::Write;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::at;
use crate::http::status::classify_at;
use crate::{Class, Classified};

/// One block of the file.
struct Documented {
    name: &'static str,
    status: StatusCode,
    /// As in the file, and with the times in place of their marks.
    lines: Vec<(&'static str, String)>,
    means: Classified<'static>,
}

fn all() -> Vec<Documented> {
    include_str!("documented.txt").split("\n## ").skip(1).map(Documented::read).collect()
}

/// Saturday, 28 November 2026, 13:40:00.
fn present() -> SystemTime {
    at(1_795_873_200)
}

impl Documented {
    fn read(block: &'static str) -> Self {
        let (name, lines) = block.split_once('\n').unwrap();
        let said = |key: &str| lines.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("").trim();
        Self {
            name,
            status: said("@status").parse().unwrap(),
            lines: lines
                .lines()
                .filter(|line| !line.starts_with('@') && !line.is_empty())
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| (name, with_times(value)))
                .collect(),
            means: meaning(said("@means")),
        }
    }

    fn headers(&self) -> HeaderMap {
        let line = |(name, value): &(&str, String)| {
            (HeaderName::from_str(name).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        self.lines.iter().map(line).collect()
    }
}

fn meaning(written: &str) -> Classified<'static> {
    let (class, wait) = written.split_once(' ').unwrap_or((written, ""));
    let wait = (!wait.is_empty()).then(|| Duration::from_secs_f64(wait.trim_end_matches('s').parse().unwrap()));
    match class {
        "success" => Class::Success.into(),
        "transient" => Classified { hint: wait, ..Class::Transient.into() },
        "permanent" => Class::Permanent.into(),
        "throttled" => Class::Throttled { after: wait }.into(),
        _ => panic!("{written}"),
    }
}

fn with_times(value: &str) -> String {
    let Some((before, rest)) = value.split_once('{').filter(|(_, rest)| rest.contains(":+") || rest.contains(":-"))
    else {
        return value.to_owned();
    };
    let (mark, behind) = rest.split_once('}').unwrap();
    let Some((form, seconds)) = mark.split_once(':') else { return value.to_owned() };
    let seconds: f64 = seconds.parse().unwrap();
    let since_1970 = present().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64() + seconds;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(since_1970);
    let date = httpdate::fmt_http_date(time);
    let part = |from: usize, to: usize| &date[from..to];
    let day = format!("{}-{}-{}", part(12, 16), month(part(8, 11)), part(5, 7));
    let clock = part(17, 25);
    let written = match form {
        "e" => format!("{since_1970:.0}"),
        "ef" => format!("{since_1970:.2}"),
        "ms" => format!("{:.0}", since_1970 * 1_000.0),
        "http" => date.clone(),
        "isoz" => format!("{day}T{clock}Z"),
        "isomin" => format!("{day}T{}Z", &clock[..5]),
        "isooff" => format!("{day}T{clock}+00:00"),
        "isous" => format!("{day}T{clock}.000000Z"),
        "isoms3" => format!("{day}T{clock}.000Z"),
        "js" => format!(
            "{} {} {} {} {clock} GMT+0000 (Coordinated Universal Time)",
            part(0, 3),
            part(8, 11),
            part(5, 7),
            part(12, 16)
        ),
        "sql" => format!("{day} {clock}"),
        _ => panic!("{value}"),
    };
    format!("{before}{written}{behind}")
}

fn month(name: &str) -> &'static str {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let numbers = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"];
    numbers[months.iter().position(|month| *month == name).unwrap()]
}

/// Returns what is wrong with a reading, if anything is.
fn fault(found: Classified<'_>, meant: Classified<'_>) -> Option<&'static str> {
    let wait = |classified: Classified<'_>| match classified.class {
        Class::Throttled { after } => after.unwrap_or_default(),
        _ => classified.hint.unwrap_or_default(),
    };
    let (found_wait, meant_wait) = (wait(found), wait(meant));
    if found.class.as_str() != meant.class.as_str() {
        Some("class")
    } else if found_wait + Duration::from_millis(1) < meant_wait {
        Some(if found_wait.is_zero() { "no wait" } else { "too short" })
    } else if found_wait > meant_wait.mul_f64(1.2) + Duration::from_secs(1) {
        Some("too long")
    } else {
        None
    }
}

#[test]
fn documented_responses_are_read_as_they_are_meant() {
    let (mut right, mut report) = (0, String::new());
    let all = all();

    for row in &all {
        let found = classify_at(row.status, &row.headers(), present);
        match fault(found, row.means) {
            None => right += 1,
            Some(fault) => writeln!(report, "{fault}: {}: {found:?}, meant {:?}", row.name, row.means).unwrap(),
        }
    }

    println!("{report}{right} of {} right", all.len());
    assert_eq!((right, all.len()), (124, 151), "{report}");
}
