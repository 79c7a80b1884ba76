//! Measures the cases of a table.

use std::env;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

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
    let cost = |index: usize| {
        let used = used_by_a_call(&cases[index], address, index, enough(batches[index]), count);
        Cost {
            nanos: median(rounds.iter().map(|round| round[index])) / items,
            ratio: median(rounds.iter().map(|round| round[index] / round[0])),
            contended_nanos: (table.shared && cases[index].shareable)
                .then(|| contended(&cases[index], batches[index]) / items),
            instructions: used.instructions.map(|n| n / items),
            allocations: used.allocations / items,
        }
    };
    (0..cases.len()).map(cost).collect()
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

/// The use of a process or a call that can be counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    /// Instructions; `None` if they were not to be counted.
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: f64,
}

/// Returns what one call uses: what twice so many calls use less what once so many do, so that the start cancels out.
pub(crate) fn used_by_a_call(case: &Case, address: Address<'_>, index: usize, calls: u64, count: bool) -> Used {
    let calls = case.counted.unwrap_or(calls);
    let [once, twice] = [calls, 2 * calls].map(|calls| used_by_a_process(address, index, calls, count));
    let per_call = |once: f64, twice: f64| (twice - once) / calls as f64;
    Used {
        instructions: once.instructions.zip(twice.instructions).map(|(once, twice)| per_call(once, twice)),
        allocations: per_call(once.allocations, twice.allocations),
    }
}

/// Returns a number of calls for which counting takes no longer than it must.
fn enough(batch: u64) -> u64 {
    if batch < MOST_COUNTED { FEWEST_COUNTED } else { MOST_COUNTED }
}

/// Returns what this program uses when it does nothing but these calls. Instructions are counted by valgrind.
fn used_by_a_process(address: Address<'_>, case: usize, calls: u64, count: bool) -> Used {
    let program = env::current_exe().expect("a program knows where it is");
    let mut command = if count {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
        valgrind
    } else {
        Command::new(program)
    };
    command.args([ONLY, address.policy]);
    command.args([address.table as u64, case as u64, calls].map(|number| number.to_string()));
    let output = command.output().expect("it can be started");
    let [answer, report] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "a case failed in a process of its own:\n{report}");

    let instructions = count.then(|| {
        let (_, collected) = report.split_once("Collected : ").expect("callgrind says what it collected");
        number(collected.split_whitespace().next().expect("a number"))
    });
    Used { instructions, allocations: number(answer.trim()) }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
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
pub(crate) const FEWEST_COUNTED: u64 = 8;
pub(crate) const MOST_COUNTED: u64 = 2_000;
