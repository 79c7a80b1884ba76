//! Callers of a language model that limits requests and tokens, in four ways.
//!
//! `cargo run --release --example llm_limits` starts a server in this process that limits as such APIs do, gives each way the same load, and
//! prints what came of it. It takes a minute. `docs/token_quotas.md` explains the numbers.

mod api;
mod server;
mod ways;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::{Api, Question};
use clap::Parser;
use server::{Server, Tally};
use tokio::task::JoinSet;
use tokio::time::sleep;
use ways::{WAYS, Way};

/// Calls a language model at its limits in four ways, and compares them.
#[derive(Debug, Parser)]
#[command(name = "llm_limits", disable_version_flag = true)]
#[command(after_help = "Exit code: 0, or with --assert 1 if the attributes miss their goals.")]
struct Args {
    /// Fail unless the attributes use 95 % of the tokens, with at most 1 % of 429s
    #[arg(long)]
    assert: bool,
}

/// The callers that want an answer at any time.
const CALLERS: usize = 64;
/// Three minutes of the server's, which are four seconds long.
const TIME: Duration = Duration::from_secs(12);

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let mut table = "| way | tokens used | 429s | answers | time |\n|---|---|---|---|---|\n".to_owned();
    let mut reached = true;
    for way in WAYS {
        let tally = match measure(way).await {
            Ok(tally) => tally,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        };
        let (used, refused) = (tally.share_used(TIME), tally.share_refused());
        let (name, answers) = (way.name, tally.admitted);
        let _ = writeln!(
            table,
            "| {name} | {:.1} % | {:.1} % | {answers} | {} s |",
            used * 100.0,
            refused * 100.0,
            TIME.as_secs()
        );
        reached &= !way.has_goals || used >= 0.95 && refused <= 0.01;
    }
    println!("{table}");
    println!(
        "Goals of the attributes, 95 % of the tokens and 1 % of 429s: {}.",
        if reached { "reached" } else { "missed" }
    );
    if reached || !args.assert { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Gives one way its load, against a server of its own.
async fn measure(way: &'static Way) -> std::io::Result<Tally> {
    let server = Server::start().await?;
    let api = Arc::new(Api::new(server.url()));
    let next = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (api, next) = (api.clone(), next.clone());
        callers.spawn(async move {
            loop {
                let question = Question::number(next.fetch_add(1, Ordering::Relaxed));
                (way.ask)(api.clone(), question).await;
            }
        });
    }
    sleep(TIME).await;
    let tally = server.tally();
    callers.shutdown().await;
    Ok(tally)
}
