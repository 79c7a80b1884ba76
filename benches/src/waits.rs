//! The loads of our rows that wait for a store, and where they are.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::case::Table;
use crate::cases::POLICIES;
use crate::forwarding::Trace;
use crate::harness::{self, Address};
use crate::{counts, usage};

/// Prints them for each row of these policies, or of all.
pub(crate) fn print(policies: &[&str]) -> Result<(), String> {
    if !harness::can_count() {
        return Err("valgrind is not installed, so no loads are looked at".to_owned());
    }
    if let Some(unknown) = policies.iter().find(|policy| !POLICIES.iter().any(|(known, _)| known == *policy)) {
        return Err(format!("`{unknown}` is not known\n{}", usage()));
    }
    let tables = counts::tables();
    let rows = tables.iter().flat_map(counts::ours);
    for (address, table, index, case) in
        rows.filter(|(address, ..)| policies.is_empty() || policies.contains(&address.policy))
    {
        let waits = of_an_item(address, table, index)?;
        let all = waits.iter().fold(0.0, |all, (.., waits)| all + waits);
        println!("{all:5.1}  {}: {}", table.title, case.name);
        for (load, store, _) in waits {
            println!("           {load}\n             for {store}");
        }
    }
    Ok(())
}

/// The waits for an item of a call: where the load is, where the store is, and how many.
fn of_an_item(address: Address<'_>, table: &Table, case: usize) -> Result<Vec<(String, String, f64)>, String> {
    let items = table.items;
    let calls = (ITEMS / items).max(2);
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes", "--basic-counts=no"])
        .arg(&program)
        .args([harness::ONLY, address.policy])
        .args([address.table as u64, case as u64, calls].map(|number| number.to_string()))
        .env(SHOWS_BASE, "")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("valgrind: {error}"))?;
    let mut trace = Trace::default();
    for line in BufReader::new(child.stderr.take().expect("it is piped")).lines() {
        trace.read(&line.map_err(|error| error.to_string())?);
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!(
            "case {case} of table {} of {} failed in a process of its own",
            address.table, address.policy
        ));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let base: u64 = said.lines().next().and_then(|line| line.parse().ok()).ok_or("a row did not say where it is")?;

    let place = |at: u64| place(&program, at.wrapping_sub(base));
    Ok(trace
        .waits_of_an_item(calls * items)
        .into_iter()
        .map(|(pair, waits)| (place(pair.load), place(pair.store), waits))
        .collect())
}

/// Says where this program is in memory, if it is asked to.
pub(crate) fn show_base() {
    if env::var_os(SHOWS_BASE).is_none() {
        return;
    }
    let (Ok(maps), Ok(program)) = (fs::read_to_string("/proc/self/maps"), env::current_exe()) else { return };
    let mut lines = maps.lines().filter(|line| line.ends_with(&*program.to_string_lossy()));
    let base = lines.next().and_then(|line| u64::from_str_radix(line.split('-').next()?, 16).ok());
    println!("{}", base.unwrap_or_default());
}

/// The function and the line of an address in the program; the address alone where binutils are not installed.
fn place(program: &Path, address: u64) -> String {
    let address = format!("{address:#x}");
    let found = Command::new("addr2line").args(["-C", "-f", "-p", "-s", "-e"]).arg(program).arg(&address).output();
    let text = found.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let short: String = text.chars().take(MOST_SHOWN).collect();
    format!("{address} {short}")
}

/// Asks a process for its [base](show_base).
const SHOWS_BASE: &str = "RESILIENT_BENCHES_BASE";
const ITEMS: u64 = 200;
const MOST_SHOWN: usize = 160;
