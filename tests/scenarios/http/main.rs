//! The scenarios over HTTP: the clients of the tests before real servers on loopback, in real time, with a report.
//!
//! `cargo run --release --example scenarios`, or `-- s2 s6 --quick`, or `-- --help`.

mod ask;
mod books;
mod brown_out;
mod cli;
mod cpu;
mod host;
mod lanes;
mod normal;
mod outage;
mod page;
mod planned;
mod plot;
mod search;
mod spike;
mod throttled;
mod tiers;
mod transient;
mod trial;
mod verdict;
mod wire;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::cli::{Args, Scenario};
use crate::lanes::Job;
use crate::page::{Page, Section};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

/// Runs the scenarios that were asked for, and returns whether every *must* was met.
fn run(args: &Args) -> Result<bool, String> {
    host::check_descriptors()?;
    let began = Instant::now();
    let jobs = args.scenarios().into_iter().map(|scenario| {
        let args = args.clone();
        Box::new(move || section(scenario, &args)) as Job<Section>
    });
    let sections = lanes::run(if args.quick { 3 } else { 1 }, Duration::ZERO, jobs.collect());
    let page = Page { args, sections, took: began.elapsed() };
    page.write(&args.report())?;
    if let Some(path) = &args.markdown {
        page.write_markdown(path)?;
    }
    let missed: Vec<String> = page.missed().collect();
    for missed in &missed {
        eprintln!("missed: {missed}");
    }
    eprintln!("{:.0} s; the report is {}", page.took.as_secs_f64(), args.report().display());
    Ok(missed.is_empty())
}

/// Runs one scenario, and prints its tables.
fn section(scenario: Scenario, args: &Args) -> Section {
    eprintln!("{} …", scenario.title());
    let section = match scenario {
        Scenario::S1 => search::section(args),
        Scenario::S2 => spike::section(args),
        Scenario::S3 => transient::section(args),
        Scenario::S4 => outage::section(args),
        Scenario::S5 => brown_out::section(args),
        Scenario::S6 => throttled::section(args),
        Scenario::S7 => normal::section(args),
        Scenario::S9 => tiers::section(args),
        Scenario::Plan => planned::section(args),
    };
    println!("{}", section.to_markdown());
    section
}
