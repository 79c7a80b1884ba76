//! The trips of a circuit breaker when nothing is wrong, and the time that it needs when something is.

mod evidence;
mod expected;
mod observed;
mod setting;

use self::observed::{Outage, Quiet, Times};
use self::setting::{SETTINGS, Setting};
use crate::document::{Table, number};
use crate::parallel;

/// Returns all tables of the document.
pub(crate) fn tables() -> Vec<Table> {
    let mut tables = vec![runs()];
    tables.extend(quiet());
    tables.push(starts());
    tables.push(outages());
    tables.push(sums());
    tables.push(evidence());
    tables
}

/// Returns the trips a day by failures in a row, for calls that are so rare that nothing else counts.
fn runs() -> Table {
    let cells: Vec<_> = [5, 10]
        .iter()
        .flat_map(|&limit| RUN_ERROR_RATES.iter().flat_map(move |&p| RARE.map(|pace| (limit, p, pace))))
        .enumerate()
        .collect();
    let seen = parallel::map(&cells, |&(index, (limit, p, pace))| {
        let setting = Setting { consecutive: Some(limit), ..SETTINGS[0] };
        observed::quiet(&setting, Quiet { failing: p, pace, calls: RUN_CALLS }, 1_000 + index as u64)
    });

    let mut head = vec!["`consecutive`".to_owned(), "errors".to_owned()];
    head.extend(RARE.map(|pace| format!("{pace} calls/s")));
    let mut table = Table::new("runs", &head);
    for (chunk, seen) in cells.chunks(RARE.len()).zip(seen.chunks(RARE.len())) {
        let (_, (limit, p, _)) = chunk[0];
        let mut row = vec![limit.to_string(), percent(p)];
        for ((_, (_, _, pace)), seen) in chunk.iter().zip(seen) {
            let expected = expected::runs_per_second(p, *pace, limit) * DAY;
            row.push(format!("{} ({})", seen.per_day(), number(expected)));
        }
        table.row(&row);
    }
    table
}

/// Returns the trips a day at the usual error rate: a table for each setting.
fn quiet() -> Vec<Table> {
    let cells: Vec<_> = SETTINGS
        .iter()
        .flat_map(|setting| ERROR_RATES.iter().flat_map(move |&p| PACES.map(|pace| (setting, p, pace))))
        .enumerate()
        .collect();
    let seen = parallel::map(&cells, |&(index, (setting, failing, pace))| {
        observed::quiet(setting, Quiet { failing, pace, calls: CALLS }, 2_000 + index as u64)
    });

    let mut rows = cells.chunks(PACES.len()).zip(seen.chunks(PACES.len()));
    let mut table = |setting: &Setting| {
        let mut table = Table::new(format!("quiet, {}", setting.name), &with_paces("errors"));
        for (cells, seen) in rows.by_ref().take(ERROR_RATES.len()) {
            let (_, (setting, p, _)) = cells[0];
            let mut row = vec![percent(p)];
            row.extend(cells.iter().zip(seen).map(|((_, (_, _, pace)), seen)| {
                match expected::at_most_per_second(setting, p, *pace) * DAY {
                    at_most if seen.trips > 0 || at_most > seen.bound() => seen.per_day(),
                    at_most if at_most < NEVER => "never".to_owned(),
                    at_most => format!("≤ {}", number(at_most)),
                }
            }));
            table.row(&row);
        }
        table
    };
    SETTINGS.iter().map(&mut table).collect()
}

/// Returns the chance that a breaker with an empty window opens before the window is filled.
fn starts() -> Table {
    let mut head = vec!["errors".to_owned()];
    head.extend(SETTINGS.iter().map(|setting| setting.name.to_owned()));
    let mut table = Table::new("starts", &head);
    for p in ERROR_RATES {
        let mut row = vec![percent(p)];
        row.extend(SETTINGS.iter().map(|setting| match expected::chance_of_a_start(setting, p) {
            chance if chance > 0.999 => "> 99.9 %".to_owned(),
            chance => format!("{} %", number(chance * 100.0)),
        }));
        table.row(&row);
    }
    table
}

/// Returns the time from the beginning of an outage until the breaker opens.
fn outages() -> Table {
    let cells: Vec<_> = SETTINGS
        .iter()
        .flat_map(|setting| OUTAGES.iter().flat_map(move |&p| PACES.map(|pace| (setting, p, pace))))
        .enumerate()
        .collect();
    let seen = parallel::map(&cells, |&(index, (setting, failing, pace))| {
        observed::outages(setting, Outage { before: BEFORE, failing, pace }, (100_000 + index * 1_000) as u64)
    });

    let mut table = Table::new("outages", &[vec!["setting".to_owned()], with_paces("errors")].concat());
    for (row, times) in cells.chunks(PACES.len()).zip(seen.chunks(PACES.len())) {
        let (_, (setting, p, _)) = row[0];
        let mut cells = vec![setting.name.to_owned(), percent(p)];
        cells.extend(times.iter().copied().map(both));
        table.row(&cells);
    }
    table
}

/// Returns the number of calls between two false alarms of the sum, for sums so low that alarms are seen.
fn sums() -> Table {
    let seen = parallel::map(&SUMS, |&(p, rate, height)| evidence::calls_between(p, rate, height, 1_000, 7));
    let mut table = Table::new("sums", &["errors", "`failure_rate`", "sum", "calls between, at least", "seen"]);
    for ((p, rate, height), seen) in SUMS.iter().zip(seen) {
        let least = (evidence::root(*p, *rate) * height).exp();
        table.row(&[percent(*p), percent(*rate), number(*height), number(least), number(seen)]);
    }
    table
}

/// Returns the evidence needed to see an outage with the defaults, in theory and as seen.
fn evidence() -> Table {
    let cells: Vec<_> = USUAL_RATES
        .iter()
        .flat_map(|&before| EVIDENCE_PACES.map(|pace| (before, pace)))
        .flat_map(|(before, pace)| [1.0, 0.7].map(|failing| Outage { before, failing, pace }))
        .enumerate()
        .collect();
    let seen = parallel::map(&cells, |&(index, outage)| {
        observed::outages(&SETTINGS[0], outage, (900_000 + index * 1_000) as u64)
    });

    let head = ["errors before", "calls/s", "sum", "100 %: mean, in theory", "seen", "70 %: mean, in theory", "seen"];
    let mut table = Table::new("evidence", &head);
    for (cells, seen) in cells.chunks(2).zip(seen.chunks(2)) {
        let Outage { before, pace, .. } = cells[0].1;
        let sum = evidence::needed(before, 0.5, pace);
        let mut row = vec![percent(before), pace.to_string(), number(sum)];
        for ((_, outage), seen) in cells.iter().zip(seen) {
            row.push(number(evidence::seconds(sum, outage.failing, 0.5, pace)));
            row.push(both(*seen));
        }
        table.row(&row);
    }
    table
}

fn both(times: Times) -> String {
    match (times.median, times.p95) {
        (Some(median), Some(p95)) => format!("{} / {}", number(median), number(p95)),
        (Some(median), None) => format!("{} / —", number(median)),
        (None, _) => "—".to_owned(),
    }
}

fn with_paces(first: &str) -> Vec<String> {
    let mut head = vec![first.to_owned()];
    head.extend(PACES.map(|pace| format!("{pace}/s")));
    head
}

fn percent(fraction: f64) -> String {
    format!("{} %", (fraction * 1_000.0).round() / 10.0)
}

const ERROR_RATES: [f64; 7] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
/// The paces, in calls a second.
const PACES: [f64; 7] = [0.1, 1.0, 2.0, 10.0, 100.0, 1_000.0, 10_000.0];
const RARE: [f64; 3] = [0.1, 0.5, 1.0];
const RUN_ERROR_RATES: [f64; 4] = [0.02, 0.05, 0.1, 0.2];
/// The error rates of an outage. `BEFORE` is the error rate before it.
const OUTAGES: [f64; 3] = [0.3, 0.6, 1.0];
const BEFORE: f64 = 0.01;
/// The error rate, the `failure_rate` and the height of each sum.
const SUMS: [(f64, f64, f64); 6] =
    [(0.1, 0.5, 4.0), (0.2, 0.5, 6.0), (0.3, 0.5, 9.0), (0.4, 0.5, 15.0), (0.1, 0.2, 8.0), (0.6, 0.8, 20.0)];
const USUAL_RATES: [f64; 4] = [0.001, 0.01, 0.05, 0.2];
const EVIDENCE_PACES: [f64; 4] = [10.0, 100.0, 1_000.0, 10_000.0];
/// The number of calls that show how often a breaker opens.
const CALLS: u64 = 1_000_000;
/// The number of such calls in the table of rare calls.
const RUN_CALLS: u64 = 2_000_000;
/// The trips a day that the tables call `never`: one in three million years.
const NEVER: f64 = 1e-9;
const DAY: f64 = 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_place_in_the_document() {
        let document = include_str!("../../docs/circuit_breaker.md");
        let names = SETTINGS.iter().map(|setting| format!("quiet, {}", setting.name));

        for name in names.chain(["runs", "starts", "outages", "sums", "evidence"].map(str::to_owned)) {
            assert!(document.contains(&format!("<!-- table: {name} -->\n")), "{name}");
        }
    }

    #[test]
    fn failures_in_a_row_are_as_frequent_as_the_formula_says() {
        for (p, pace) in [(0.3, 0.1), (0.2, 0.5)] {
            let seen = observed::quiet(&SETTINGS[0], Quiet { failing: p, pace, calls: 1_000_000 }, 3);

            let expected = expected::runs_per_second(p, pace, 5) * DAY;
            // Some hundreds of trips, and the open times between them.
            assert!(
                (f64::from(seen.trips) / seen.days / expected - 1.0).abs() < 0.2,
                "{} for {expected}",
                seen.per_day()
            );
        }
    }

    #[test]
    fn starts_open_it_as_often_as_they_should() {
        for setting in &SETTINGS {
            for p in [0.2, 0.3] {
                let expected = expected::chance_of_a_start(setting, p);

                let seen = observed::starts(setting, p, 4_000);

                let deviation = (expected * (1.0 - expected) / 4_000.0).sqrt();
                assert!(
                    (seen - expected).abs() < 4.0 * deviation + 1e-9,
                    "{}, {p}: {seen} for {expected}",
                    setting.name
                );
            }
        }
    }

    #[test]
    fn no_more_trips_than_the_bound_says() {
        for setting in &SETTINGS {
            for (p, pace) in [(0.1, 1.0), (0.2, 2.0), (0.2, 3.0), (0.1, 100.0)] {
                let at_most = expected::at_most_per_second(setting, p, pace) * DAY;
                if at_most > 100.0 {
                    continue;
                }
                let seen = observed::quiet(setting, Quiet { failing: p, pace, calls: 300_000 }, 5);
                let spread = 3.0 * (at_most * seen.days).sqrt() + 3.0;
                assert!(f64::from(seen.trips) < at_most * seen.days + spread, "{}, {p}, {pace}", setting.name);
            }
        }
    }
}
