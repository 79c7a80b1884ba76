//! The counts of our rows, measured, and compared with those that are committed.

use std::env::consts::{ARCH, OS};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{fs, thread};

use crate::case::{Case, Table};
use crate::cases::POLICIES;
use crate::committed::{self, Committed, Count, Counts};
use crate::harness::{self, Address, FEWEST_COUNTED, MOST_COUNTED};

/// Measures, and writes the committed file anew.
pub(crate) fn write() -> Result<(), String> {
    if !harness::can_count() {
        return Err("valgrind is not installed, so no instructions can be written".to_owned());
    }
    let committed = Committed { machine: this_machine(), counts: measure(true) };
    fs::write(FILE, committed.to_text()).map_err(|error| format!("{FILE}: {error}"))
}

/// Measures, and compares with the committed file.
///
/// # Errors
///
/// If a row needs more than it did, or so much less that the file has to be written anew. The message is a table of such
/// rows.
pub(crate) fn check() -> Result<(), String> {
    let text = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    let committed = Committed::from_text(&text).map_err(|error| format!("{FILE}: {error}"))?;
    let obstacle = if committed.machine != this_machine() {
        Some(format!("the committed ones are those of {}, and this is {}", committed.machine, this_machine()))
    } else if !harness::can_count() {
        Some("valgrind is not installed".to_owned())
    } else {
        None
    };
    if let Some(reason) = &obstacle {
        eprintln!("!!!!\n!!!! NO INSTRUCTIONS ARE COUNTED: {reason}\n!!!! only allocations are compared\n!!!!");
    }

    let measured = measure(obstacle.is_none());
    let report = committed::differences(&committed.counts, &measured);
    if report.is_empty() {
        println!("{} rows need what {FILE} says", measured.len());
        return Ok(());
    }
    Err(format!(
        "{report}\n\
         A row that grew is mended, or the growth is argued for in its commit. The file is written anew by\n\
         cargo run --profile counts --manifest-path benches/Cargo.toml -- counts --write"
    ))
}

/// Measures all of our rows whose numbers repeat, which none do that sleep.
fn measure(instructions: bool) -> Counts {
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(Counts::new());
    let tables = tables();
    let rows: Vec<_> = tables.iter().flat_map(ours).collect();
    let work = || {
        while let Some(&(address, table, index, case)) = rows.get(next.fetch_add(1, Relaxed)) {
            let count = count(address, table, index, case, instructions);
            let title = format!("{}: {}", table.title, case.name);
            counts.lock().expect("nobody panics with it").insert(title, count);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(work);
        }
    });
    counts.into_inner().expect("nobody panics with it")
}

/// The tables with times.
pub(crate) fn tables() -> Vec<(Address<'static>, Table)> {
    let mut all = Vec::new();
    for &(policy, tables) in POLICIES {
        all.extend(tables().into_iter().enumerate().map(|(table, content)| (Address { policy, table }, content)));
    }
    all.retain(|(_, table)| table.timed);
    all
}

pub(crate) type Row<'a> = (Address<'static>, &'a Table, usize, &'a Case);

/// The rows of a table that are ours and whose numbers repeat.
pub(crate) fn ours<'a>((address, table): &'a (Address<'static>, Table)) -> impl Iterator<Item = Row<'a>> {
    let ours = table.cases.iter().enumerate().filter(|(_, case)| case.is_ours() && case.steady);
    ours.map(move |(index, case)| (*address, table, index, case))
}

fn count(address: Address<'_>, table: &Table, index: usize, case: &Case, instructions: bool) -> Count {
    let calls = if table.items > 1 { FEWEST_COUNTED } else { MOST_COUNTED };
    let used = harness::used_by_a_call(case, address, index, calls, instructions);
    let items = table.items as f64;
    Count { instructions: used.instructions.map(|n| n / items), allocations: used.allocations / items }
}

fn this_machine() -> String {
    format!("{ARCH} {OS}")
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");
