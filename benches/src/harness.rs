//! Measures the cases of a table.

use std::env;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::allocations;
use crate::case::{Case, Table};

/// The cost of one case, for one item of one call.
#[derive(Debug, Default, Clone)]
pub(crate) struct Cost {
    /// Instructions; `None` without valgrind.
    pub(crate) instructions: Option<f64>,
    /// The median over the rounds.
    pub(crate) nanos: f64,
    /// The median of the ratios to the first case of the same round.
    pub(crate) ratio: f64,
    pub(crate) allocations: f64,
    /// The median time of a thread while another does the same with the same policy.
    pub(crate) contended_nanos: Option<f64>,
}

/// The table of a case that runs again in a process of its own, to count its instructions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    pub(crate) policy: &'a str,
    pub(crate) table: usize,
}

/// Measures every case of the table, in its order.
pub(crate) fn measure(table: &Table, address: Address<'_>, count: bool) -> Vec<Cost> {
    let cases = &table.cases;
    let batches: Vec<u64> = cases.iter().map(batch).collect();
    let rounds: Vec<Vec<f64>> = (0..if table.timed { ROUNDS } else { 0 })
        .map(|_| cases.iter().zip(&batches).map(|(case, &calls)| nanos_per_call(calls, || case.run(calls))).collect())
        .collect();

    let items = table.items as f64;
    (0..cases.len())
        .map(|index| Cost {
            nanos: median(rounds.iter().map(|round| round[index])) / items,
            ratio: median(rounds.iter().map(|round| round[index] / round[0])),
            allocations: allocations_per_call(&cases[index], batches[index]) / items,
            contended_nanos: (table.shared && cases[index].shareable)
                .then(|| contended(&cases[index], batches[index]) / items),
            instructions: count
                .then(|| {
                    instructions_per_call(
                        address,
                        index,
                        cases[index].counted.unwrap_or_else(|| enough(batches[index])),
                    )
                })
                .flatten()
                .map(|n| n / items),
        })
        .collect()
}

/// Returns a number of calls that take about as long as a round should.
fn batch(case: &Case) -> u64 {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        case.run(calls);
        let took = start.elapsed();
        if took * 2 > ROUND {
            return calls;
        }
        calls *= 2;
    }
}

fn nanos_per_call(calls: u64, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / calls as f64
}

fn allocations_per_call(case: &Case, calls: u64) -> f64 {
    let calls = calls.min(MOST_COUNTED);
    let before = allocations::count();
    case.run(calls);
    (allocations::count() - before) as f64 / calls as f64
}

/// Returns the nanoseconds of a thread per call, while two threads make them.
fn contended(case: &Case, calls: u64) -> f64 {
    let round = || {
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            let worker = || {
                barrier.wait();
                nanos_per_call(calls, || case.run(calls))
            };
            [scope.spawn(worker), scope.spawn(worker)].map(|thread| thread.join().expect("the case passes"))
        })
    };
    median((0..ROUNDS).flat_map(|_| round()))
}

/// Returns the instructions of one call: those of twice so many calls less those of once so many, so that the start cancels out.
fn instructions_per_call(address: Address<'_>, case: usize, calls: u64) -> Option<f64> {
    let instructions = |calls| instructions(address, case, calls);
    Some((instructions(2 * calls)? - instructions(calls)?) / calls as f64)
}

/// Returns a number of calls for which counting takes no longer than it must.
fn enough(batch: u64) -> u64 {
    if batch < MOST_COUNTED { FEWEST_COUNTED } else { MOST_COUNTED }
}

/// Returns the instructions of this program when it does nothing but these calls; `None` without valgrind.
fn instructions(address: Address<'_>, case: usize, calls: u64) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().expect("a program knows where it is"))
        .args([ONLY, address.policy])
        .args([address.table as u64, case as u64, calls].map(|number| number.to_string()))
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "valgrind failed:\n{report}");
    let (_, collected) = report.split_once("Collected : ").expect("callgrind says what it collected");
    collected.split_whitespace().next()?.parse().ok()
}

/// Returns whether instructions can be counted.
pub(crate) fn can_count() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The argument before the task of a process that is counted: policy, table, case and calls.
pub(crate) const ONLY: &str = "only";

const ROUNDS: usize = 21;
const ROUND: Duration = Duration::from_millis(6);
const FEWEST_COUNTED: u64 = 8;
const MOST_COUNTED: u64 = 2_000;
