//! The cost of a call beside the size of what it works in, and the bytes of policies, keys and futures:
//! `cargo run --release --bin scaling`.
//!
//! It is a program of its own, for what is in a program moves the counts of the other by what is inlined.

#[allow(dead_code, reason = "the benchmarks use more of it")]
#[path = "../src/allocations.rs"]
mod allocations;
mod charts;
#[allow(dead_code, reason = "the benchmarks use more of it")]
#[path = "../src/drive.rs"]
mod drive;
mod fan_out;
mod keys;
mod leaving;
mod memory;
#[path = "../src/number.rs"]
mod number;
mod plot;
mod tasks;
mod windows;
#[allow(dead_code, clippy::unused_async, reason = "the benchmarks use more of it")]
#[path = "../src/work.rs"]
mod work;

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let charts = charts::charts();
    let tables: Vec<String> = charts.iter().map(charts::section).collect();
    let document = format!("{}\n{}\n{}", include_str!("charts.md"), tables.join("\n"), memory::section());
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => println!("{document}"),
        ["--write", file] => {
            fs::write(file, document)?;
            fs::write(Path::new(file).with_extension("svg"), plot::draw(&charts))?;
        }
        _ => eprintln!("write nothing to have it printed, or --write <file>"),
    }
    Ok(())
}
