//! The benchmarks: `cargo run --release -- retry` compares the retry with its peers, and `all` everything.

#[allow(dead_code, reason = "the scaling uses more of it")]
mod allocations;
mod case;
mod cases;
mod committed;
mod counted;
mod counts;
mod document;
mod drive;
mod forwarding;
mod harness;
mod number;
mod waits;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use crate::cases::POLICIES;
use crate::harness::Address;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [harness::ONLY, policy, table, case, calls] => run_only(policy, table, case, calls),
        ["counts", "--check"] => counts::check(),
        ["counts", "--write"] => counts::write(),
        ["waits", policies @ ..] => waits::print(policies),
        arguments => Request::parse(arguments).and_then(|request| compare(&request)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

struct Request<'a> {
    policies: Vec<&'a str>,
    write: Option<PathBuf>,
    count: bool,
}

impl<'a> Request<'a> {
    fn parse(arguments: &[&'a str]) -> Result<Self, String> {
        let mut request = Self { policies: Vec::new(), write: None, count: true };
        let mut arguments = arguments.iter().copied();
        while let Some(argument) = arguments.next() {
            match argument {
                "--write" => request.write = Some(arguments.next().ok_or("`--write` needs a file")?.into()),
                "--no-count" => request.count = false,
                "all" => request.policies.extend(POLICIES.iter().map(|(name, _)| name)),
                name if POLICIES.iter().any(|(known, _)| *known == name) => request.policies.push(name),
                other => return Err(format!("`{other}` is not known\n{}", usage())),
            }
        }
        if request.policies.is_empty() { Err(usage()) } else { Ok(request) }
    }
}

fn usage() -> String {
    let names: Vec<&str> = POLICIES.iter().map(|(name, _)| *name).collect();
    format!(
        "say what to measure: {}, or all\n\
         --write <file>   writes a document instead of printing the tables\n\
         --no-count       counts no instructions, which takes most of the time\n\
         or: counts --check, counts --write: our rows beside those of benches/counts.txt\n\
         or: waits [policy]: loads of our rows that wait for a store",
        names.join(", ")
    )
}

fn compare(request: &Request<'_>) -> Result<(), String> {
    let start = Instant::now();
    let count = request.count && harness::can_count();
    if request.count && !count {
        eprintln!("valgrind is not installed, so no instructions are counted");
    }

    let mut sections = String::new();
    for &(policy, tables) in POLICIES.iter().filter(|(name, _)| request.policies.contains(name)) {
        for (index, table) in tables().iter().enumerate() {
            eprintln!("{policy}: {}", table.title);
            let costs = harness::measure(table, Address { policy, table: index }, count);
            let section = document::section(table, &costs);
            if request.write.is_none() {
                println!("{section}");
            }
            sections.push_str(&section);
            sections.push('\n');
        }
    }
    if let Some(file) = &request.write {
        fs::write(file, document::document(&sections)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    eprintln!("took {:.0?}", start.elapsed());
    Ok(())
}

/// Makes so many calls of one case and nothing else, in a process whose instructions are counted, and prints the number of
/// allocations.
fn run_only(policy: &str, table: &str, case: &str, calls: &str) -> Result<(), String> {
    waits::show_base();
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
    let (_, tables) = POLICIES.iter().find(|(name, _)| *name == policy).ok_or_else(usage)?;
    let tables = tables();
    let table = tables.get(number(table)? as usize).ok_or("no such table")?;
    table.cases.get(number(case)? as usize).ok_or("no such case")?.run(number(calls)?);
    println!("{}", allocations::count());
    Ok(())
}
