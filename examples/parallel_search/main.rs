//! Searches eight providers in parallel through annotated functions, and shows the use of the annotations.
//!
//! `cargo run --release --example parallel_search -- "left arrow"`, or `-- --help`.

mod baseline;
mod catalogue;
mod cli;
mod client;
mod compare;
mod detail;
mod error;
mod hit;
mod load;
mod merge;
mod provider;
mod report;
mod request;
mod stats;
mod strategy;
mod text;
mod weather;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use catalogue::Catalogue;
use clap::Parser;
use cli::Args;
use client::Provider;
use compare::{Agreement, Course};
use detail::Detail;
use indicatif::{ProgressBar, ProgressStyle};
use load::Plan;
use merge::Ranked;
use provider::Providers;
use report::Report;
use request::{Client, Query};
use reqwest::Url;
use strategy::{Fleet, Strategy, hits_of};
use weather::Weather;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            failure.code
        }
    }
}

/// The reason why the program ends early, in a sentence for its user.
struct Failure {
    message: String,
    code: ExitCode,
}

fn run(args: &Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed("cannot start", error))?;
    if args.serve {
        return runtime.block_on(serve(args));
    }
    let words = args.words().map_err(|message| Failure { message, code: ExitCode::from(2) })?;
    runtime.block_on(search_and_compare(args, words))
}

/// Runs the providers until the user stops the program.
async fn serve(args: &Args) -> Result<(), Failure> {
    let weather = Weather { seed: args.seed, searches: args.searches() };
    let providers = start(&Catalogue::load(), weather)?;
    say("providers:")?;
    for server in providers.servers() {
        say(&format!("  {}  {}", server.url, server.name))?;
    }
    let endpoints: Vec<String> =
        providers.servers().iter().map(|server| format!("--endpoint {}", server.url)).collect();
    say(&format!(
        "\nin another terminal:\n  cargo run --release --example parallel_search -- snowman {}\n\nCtrl-C ends this.",
        endpoints.join(" ")
    ))?;
    tokio::signal::ctrl_c().await.map_err(|error| failed("cannot wait for Ctrl-C", error))
}

async fn search_and_compare(args: &Args, words: String) -> Result<(), Failure> {
    // Before anything that takes time: a comparison whose report cannot be written is a comparison lost.
    let mut report = if args.compares() { Some(create(&args.report())?) } else { None };
    let needs_catalogue = args.endpoints.is_empty() || args.compares();
    let catalogue = if needs_catalogue { Some(Catalogue::load()) } else { None };
    let weather = Weather { seed: args.seed, searches: args.searches() };
    let local = match &catalogue {
        Some(catalogue) if args.endpoints.is_empty() => Some(start(catalogue, weather)?),
        _ => None,
    };

    let fleet = || fleet(args, local.as_ref());
    let query = Query { words, limit: args.limit(), number: local.is_some().then_some(0) };
    let Searched { hits, details } = search(&fleet()?, &query).await?;

    if let (Some(catalogue), Some((file, path))) = (&catalogue, &mut report) {
        let plan = Plan::draw(catalogue, args.seed, args.searches(), args.rate, args.limit(), local.is_some());
        let course = Course { plan: &plan, local: local.as_ref().map(|local| (local, weather)), limit: args.limit() };
        let names: Vec<String> = fleet()?.providers.into_iter().map(|provider| provider.name).collect();
        let (searches, rate, seed) = (args.searches(), args.rate, args.seed);
        eprintln!("\ncomparing three strategies: searches {searches} each, {rate} a second, seed {seed} …");
        let measured = course.run(fleet).await?;

        let reference = local.is_some().then(|| compare::reference(catalogue, &plan));
        let reference = reference.as_deref();
        let figures: Vec<_> = measured.iter().map(|run| run.figures(reference)).collect();
        let agreement = Agreement::of(&measured, reference);
        let page = Report {
            words: &query.words,
            hits: &hits,
            details: &details,
            names: &names,
            plan: &plan,
            weather: course.local.map(|(_, weather)| weather),
            seed: args.seed,
            rate: args.rate,
            measured: &measured,
            figures: &figures,
            agreement: &agreement,
        };
        print_comparison(&page)?;
        file.write_all(page.to_html().as_bytes()).map_err(|error| failed(format!("cannot write {path}"), error))?;
        say(&format!("report: {path}"))?;
        if agreement.equal != agreement.compared {
            let differ = agreement.compared - agreement.equal;
            return Err(Failure {
                message: format!("the strategies found different hits in {differ} searches"),
                code: ExitCode::FAILURE,
            });
        }
    }
    Ok(())
}

/// The results of the user's own search.
struct Searched {
    hits: Vec<Ranked>,
    details: Vec<Option<Detail>>,
}

/// Makes the user's own search: shows progress while it runs, then the hits, and the providers that did not answer.
async fn search(fleet: &Fleet, query: &Query) -> Result<Searched, Failure> {
    let bar = ProgressBar::new(fleet.providers.len() as u64).with_style(
        ProgressStyle::with_template("searching {bar:40} {pos}/{len} providers")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸ "),
    );
    let began = std::time::Instant::now();
    let calls = Strategy::Annotated.search(fleet, query, || bar.inc(1)).await;
    let took = began.elapsed();
    bar.finish_and_clear();

    for (provider, call) in fleet.providers.iter().zip(&calls) {
        if let Err(error) = &call.outcome {
            eprintln!("warning: {} did not answer: {}", provider.name, text::printable(&error.to_string()));
        }
    }
    let answered = calls.iter().filter(|call| call.outcome.is_ok()).count();
    if answered == 0 {
        return Err(Failure { message: "no provider answered".into(), code: ExitCode::FAILURE });
    }
    let hits = hits_of(&calls, query.limit);
    say(&format!(
        "{} for “{}” from {answered} of {} providers in {} ms",
        match hits.len() {
            0 => "no characters".to_owned(),
            1 => "1 character".to_owned(),
            count => format!("{count} characters"),
        },
        text::printable(&query.words),
        calls.len(),
        text::format_millis(took)
    ))?;
    let details = Strategy::Annotated.describe(fleet, &hits).await;
    print(&text::hits(&hits, &details))?;
    Ok(Searched { hits, details })
}

fn print_comparison(page: &Report<'_>) -> Result<(), Failure> {
    let header: Vec<&str> = Strategy::ALL.iter().map(|strategy| strategy.name()).collect();
    say("")?;
    print(&text::table(&header, &text::rows(page.figures)))?;
    say("")?;
    say(&text::agreement(page.agreement, page.weather.is_some()))?;
    if let [_, before, after] = page.figures {
        let p99 = |figures: &compare::Figures| figures.latency.percentile(99.0);
        say(&format!("join_all → annotated: {}", text::change("p99", p99(before), p99(after))))?;
        say(&format!("where the calls' time went: {}", text::split(after)))?;
    }
    Ok(())
}

/// Returns new connections and new policies, to our own providers or the user's.
fn fleet(args: &Args, local: Option<&Providers>) -> Result<Fleet, Failure> {
    let client = Client::new(local.is_some()).map_err(|error| failed("cannot set up the HTTP client", error))?;
    let providers = match local {
        Some(local) => {
            let server = |server: &std::sync::Arc<provider::Server>| {
                let url = Url::parse(&server.url)?;
                Ok(Provider::new(server.name.to_owned(), url.join("search")?, Some(url.join("details")?)))
            };
            let providers: Result<_, <Url as FromStr>::Err> = local.servers().iter().map(server).collect();
            providers.map_err(|error| failed("cannot address a provider", error))?
        }
        None => args.endpoints.iter().map(|url| Provider::new(authority(url), url.clone(), None)).collect(),
    };
    Ok(Fleet { client, providers })
}

/// Returns the name of a provider of which only the address is known.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn start(catalogue: &Catalogue, weather: Weather) -> Result<Providers, Failure> {
    Providers::start(catalogue, weather).map_err(|error| failed("cannot start the providers", error))
}

fn create(path: &Path) -> Result<(File, String), Failure> {
    let shown = path.display().to_string();
    let file = File::create(path).map_err(|error| failed(format!("cannot write the report to {shown}"), error))?;
    Ok((file, shown))
}

/// Prints a line; a reader that has gone away (`| head`) ends the program without a word.
fn say(line: &str) -> Result<(), Failure> {
    print(&format!("{line}\n"))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        printed => printed.map_err(|error| failed("cannot print", error)),
    }
}

fn failed(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Failure {
    Failure { message: format!("{what}: {error}"), code: ExitCode::FAILURE }
}
