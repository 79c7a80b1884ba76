//! The responses that providers document, and how many of them are read as they are meant.

use std::fmt::Write;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::at;
use crate::http::status::classify_at;
use crate::http::{Dialect, dialect};
use crate::{Class, Classified};

/// One block of the file.
struct Documented {
    name: &'static str,
    source: &'static str,
    note: &'static str,
    dialect: &'static str,
    status: StatusCode,
    /// With marks in place of times.
    lines: Vec<(&'static str, &'static str)>,
    body: Option<&'static str>,
    means: Classified<'static>,
}

fn all() -> Vec<Documented> {
    include_str!("documented.txt").split("\n## ").skip(1).map(Documented::read).collect()
}

/// Saturday, 28 November 2026, 13:40:00.
fn present() -> SystemTime {
    at(1_795_873_200)
}

/// The dialects by the names in the file.
const DIALECTS: &[(&str, &Dialect)] = &[
    ("AMAZON_SELLING_PARTNER", dialect::AMAZON_SELLING_PARTNER),
    ("AWS", dialect::AWS),
    ("BREVO", dialect::BREVO),
    ("BYBIT", dialect::BYBIT),
    ("CONTENTFUL", dialect::CONTENTFUL),
    ("CROSSREF", dialect::CROSSREF),
    ("FACEBOOK", dialect::FACEBOOK),
    ("FASTLY", dialect::FASTLY),
    ("FEISHU", dialect::FEISHU),
    ("GITHUB", dialect::GITHUB),
    ("GOOGLE", dialect::GOOGLE),
    ("KUCOIN", dialect::KUCOIN),
    ("LINEAR", dialect::LINEAR),
    ("LINODE", dialect::LINODE),
    ("MEDIAWIKI", dialect::MEDIAWIKI),
    ("OPENAI", dialect::OPENAI),
    ("OPENROUTER", dialect::OPENROUTER),
    ("PRISJAKT", dialect::PRISJAKT),
    ("SALESFORCE", dialect::SALESFORCE),
    ("SENTRY", dialect::SENTRY),
    ("SKUVAULT", dialect::SKUVAULT),
    ("TYK", dialect::TYK),
    ("WALMART", dialect::WALMART),
    ("WILDBERRIES", dialect::WILDBERRIES),
    ("ZENDESK", dialect::ZENDESK),
];

impl Documented {
    fn dialect(&self) -> &'static Dialect {
        let known = DIALECTS.iter().find(|(name, _)| *name == self.dialect);
        assert!(known.is_some() || self.dialect.is_empty(), "{}: {}", self.name, self.dialect);
        known.map_or(const { &Dialect::new() }, |(_, dialect)| dialect)
    }

    fn read(block: &'static str) -> Self {
        let (name, lines) = block.split_once('\n').unwrap();
        let said = |key: &str| lines.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("").trim();
        Self {
            name,
            source: said("@source"),
            note: said("@note"),
            dialect: said("@dialect"),
            status: said("@status").parse().unwrap(),
            lines: lines
                .lines()
                .filter(|line| !line.starts_with('@') && !line.is_empty())
                .map(|line| line.split_once(": ").unwrap())
                .collect(),
            body: lines.lines().find_map(|line| line.strip_prefix("@body ")),
            means: meaning(said("@means")),
        }
    }

    fn headers(&self) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            (HeaderName::from_str(name).unwrap(), HeaderValue::from_str(&with_times(value)).unwrap())
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

/// Counts the rows that are read right, and lists the others.
fn count(rows: &[Documented], read: impl Fn(&Documented) -> Classified<'static>) -> (usize, String) {
    let mut report = String::new();
    let mut right = 0;
    for row in rows {
        let found = read(row);
        match fault(found, row.means) {
            None => right += 1,
            Some(fault) => writeln!(report, "{fault}: {}: {found:?}, meant {:?}", row.name, row.means).unwrap(),
        }
    }
    (right, report)
}

#[test]
fn the_general_reader_reads_what_the_values_tell() {
    let all = all();

    let (right, report) = count(&all, |row| classify_at(row.status, &row.headers(), present));

    println!("{report}{right} of {} right", all.len());
    assert_eq!((right, all.len()), (124, 152), "{report}");
}

#[test]
fn with_dialects_and_bodies_every_row_is_read_right() {
    let all = all();

    let (right, report) =
        count(&all, |row| row.dialect().classify_at(row.status, &row.headers(), row.body.map(str::as_bytes), present));

    println!("{report}{right} of {} right", all.len());
    assert_eq!(right, all.len(), "{report}");
}

#[test]
fn only_milliseconds_under_the_usual_name_are_read_too_long_and_nothing_too_short() {
    for row in all() {
        let fault = fault(classify_at(row.status, &row.headers(), present), row.means);

        let in_millis = matches!(row.dialect, "PRISJAKT" | "SKUVAULT");
        assert_eq!(fault == Some("too long"), in_millis, "{}", row.name);
        assert_ne!(fault, Some("too short"), "{}", row.name);
    }
}

#[test]
fn a_dialect_is_needed_where_it_is_named_and_reads_no_other_row_worse() {
    for row in all() {
        let general = Dialect::new().classify_at(row.status, &row.headers(), row.body.map(str::as_bytes), present);
        assert_eq!(fault(general, row.means).is_some(), !row.dialect.is_empty(), "{}", row.name);
    }
    for (name, _) in DIALECTS {
        assert!(all().iter().any(|row| row.dialect == *name), "{name} has a row");
    }
}

#[test]
fn the_page_has_a_row_for_each() {
    let mut table = String::from("| provider | source | example | is read as | by |\n|---|---|---|---|---|\n");
    for row in all() {
        let example: Vec<_> = std::iter::once(row.status.as_u16().to_string())
            .chain(row.lines.iter().map(|(name, value)| format!("{name}: {value}")))
            .chain(row.body.map(str::to_owned))
            .map(|line| format!("`{}`", line.replace('|', "\\|")))
            .collect();
        let found = row.dialect().classify_at(row.status, &row.headers(), row.body.map(str::as_bytes), present);
        let read = match (found.class, found.hint) {
            (Class::Throttled { after: Some(wait) }, _) => format!("throttled, {wait:?}"),
            (class, Some(wait)) => format!("{class}, {wait:?}"),
            (class, None) => class.to_string(),
        };
        let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
        let by = match (row.dialect, row.body) {
            ("", None) => "headers".to_owned(),
            ("", Some(_)) => "body".to_owned(),
            (dialect, None) => format!("`{dialect}`"),
            (dialect, Some(_)) => format!("`{dialect}`, with the body"),
        };
        writeln!(table, "| {} | {} | {}{note} | {read} | {by} |", row.name, row.source, example.join(" ")).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/hints.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let (before, rest) = page.split_once("<!-- responses -->\n\n").expect("the place of the table");
    let (_, after) = rest.split_once("\n<!-- end -->").expect("its end");
    let expected = format!("{before}<!-- responses -->\n\n{table}\n<!-- end -->{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &expected).expect("written");
    }
    assert!(page == expected || std::env::var_os("UPDATE_EXPECT").is_some(), "write it with UPDATE_EXPECT=1");
}
