//! Simulations: `cargo run --release -p resilient-simulations -- false_trips` prints how often a breaker opens for nothing.

mod document;
mod false_trips;
#[cfg(test)]
mod guide;
mod parallel;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["false_trips"] => {
            for table in false_trips::tables() {
                println!("### {}\n\n{}", table.name, table.text);
            }
            Ok(())
        }
        ["false_trips", "--write", file] => write(&PathBuf::from(file)),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

/// Puts the tables in their places in a document, whose text stays as it is.
fn write(file: &PathBuf) -> Result<(), String> {
    let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| in_file(&error))?;
    let start = Instant::now();
    let text = document::fill(&text, &false_trips::tables()).map_err(|complaint| in_file(&complaint))?;
    eprintln!("took {:.0?}", start.elapsed());
    fs::write(file, text).map_err(|error| in_file(&error))
}

const USAGE: &str = "say what to simulate: false_trips\n\
                     --write <file>   puts the tables in their places in a document instead of printing them";
