//! The tables as a document.

use std::fmt::Write;

use crate::case::{Goal, Table};
use crate::harness::Cost;
use crate::number::number;

/// Returns a table in Markdown, under its title.
pub(crate) fn section(table: &Table, costs: &[Cost]) -> String {
    let mut text = format!("### {}\n\n{}\n\n", table.title, table.about);
    let unit = if table.items > 1 { "item" } else { "call" };

    let mut columns = vec![format!("instructions per {unit}"), format!("allocations per {unit}")];
    if table.timed {
        columns.extend([format!("ns per {unit}"), "ratio to the limit".to_owned()]);
    }
    if table.shared {
        columns.push("ns with two threads".to_owned());
    }
    row(&mut text, "", &columns);
    row(&mut text, "---", &vec!["---:".to_owned(); columns.len()]);
    for (case, cost) in table.cases.iter().zip(costs) {
        let mut cells = vec![number(cost.instructions), number(Some(cost.allocations))];
        if table.timed {
            cells.extend([number(Some(cost.nanos)), format!("{:.1}", cost.ratio)]);
        }
        if table.shared {
            cells.push(number(cost.contended_nanos));
        }
        let name = if case.is_ours() { format!("**{}**", case.name) } else { case.name.to_owned() };
        row(&mut text, &name, &cells);
    }

    if let Some(verdict) = verdict(table, costs, unit) {
        write!(text, "\n{verdict}\n").expect("a string takes everything");
    }
    text
}

/// Describes the goal of the table, and those of our own rows that miss it.
fn verdict(table: &Table, costs: &[Cost], unit: &str) -> Option<String> {
    let (aim, limit, needed): (_, _, fn(&Cost) -> Option<f64>) = match *table.goal.as_ref()? {
        Goal::Instructions(most) => {
            let needed = |cost: &Cost| cost.instructions.map(f64::round);
            (format!("at most {most} instructions and no allocation per {unit}"), most as f64, needed)
        }
        Goal::Beside { ours, peer, peers } => {
            let beside = table.cases.iter().position(|case| case.name == peer).expect("the peer has a row");
            let aim = format!("at most {ours} ns and no allocation per {unit} where {peer} takes {peers} ns");
            (aim, f64::from(ours) / f64::from(peers) * costs[beside].ratio, |cost: &Cost| Some(cost.ratio))
        }
    };
    let mut missed = Vec::new();
    for (case, cost) in table.cases.iter().zip(costs) {
        // one allocation for many items is less than one for each
        let meets = needed(cost)? <= limit && cost.allocations < 0.5;
        if case.is_ours() && !meets {
            missed.push(case.name);
        }
    }
    let verdict = if missed.is_empty() { "met".to_owned() } else { format!("missed by {}", missed.join(" and ")) };
    Some(format!("Our goal is {aim}: {verdict}."))
}

/// Returns the whole document: how to read it, the tables, and the versions that were compared.
pub(crate) fn document(sections: &str) -> String {
    let mut versions = String::new();
    for peer in PEERS {
        writeln!(versions, "| {peer} | {} |", version(peer)).expect("a string takes everything");
    }
    format!("{}\n{sections}\n## Versions\n\n| | |\n|---|---|\n{versions}", include_str!("preface.md"))
}

fn row(text: &mut String, first: &str, cells: &[String]) {
    writeln!(text, "| {first} | {} |", cells.join(" | ")).expect("a string takes everything");
}

fn version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    lock.split_once(&format!("name = \"{package}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("?", |(version, _)| version)
}

const PEERS: &[&str] = &[
    "backoff",
    "backon",
    "congestion-limiter",
    "failsafe",
    "futures",
    "futures-concurrency",
    "governor",
    "leaky-bucket",
    "recloser",
    "seatbelt",
    "tokio",
    "tokio-retry2",
    "tower",
    "tower-resilience",
];
