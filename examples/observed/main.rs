//! A service with metrics: annotated calls to two upstreams, and what the policies say of them.
//!
//! `cargo run --example observed` starts all of it in this process, has the upstreams fail for a while, and compares their own
//! log with the metrics. `cargo run --example observed -- --serve 127.0.0.1:9000` keeps serving.

mod client;
mod error;
mod load;
mod scrape;
mod service;
mod upstream;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use client::Client;
use service::Service;
use tokio::net::TcpListener;
use upstream::Upstream;

/// Calls two upstreams through functions with every attribute, and shows what their metrics say.
#[derive(Debug, Parser)]
#[command(name = "observed", disable_version_flag = true)]
#[command(after_help = "Exit code: 0 if the upstreams and the metrics agree, 1 if they do not.")]
struct Args {
    /// Serve on this address until interrupted, without the load
    #[arg(long, value_name = "ADDRESS")]
    serve: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ran = match Args::parse().serve {
        Some(address) => serve(address).await.map(|()| true),
        None => demonstrate().await,
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the user stops the program.
async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let [catalogue, prices] = upstreams().await?;
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let service = Service::new(Client::new(&catalogue.url, &prices.url)?);
    let mut hello = format!("http://{address}/search?q=tides\n");
    for path in ["metrics", "policies", "policies.txt"] {
        writeln!(hello, "http://{address}/{path}")?;
    }
    for upstream in [&catalogue, &prices] {
        writeln!(hello, "curl -X PUT {}/weather/outage   # {}; or fair, still", upstream.url, upstream.name)?;
    }
    print(&format!("{hello}Ctrl-C ends this.\n"))?;

    let stop = service.client().stop.clone();
    let stopped = async move {
        if let Err(error) = tokio::signal::ctrl_c().await {
            eprintln!("cannot wait for Ctrl-C: {error}");
        }
        // calls under way end now, so that their callers have an answer before the service is gone
        stop.cancel();
    };
    axum::serve(listener, service.router()).with_graceful_shutdown(stopped).await?;
    Ok(())
}

/// Runs the load against the service, prints what came of it, and returns whether the upstreams and the metrics agree.
async fn demonstrate() -> Result<bool, Box<dyn Error>> {
    let upstreams = upstreams().await?;
    let [catalogue, prices] = &upstreams;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = Service::new(Client::new(&catalogue.url, &prices.url)?);
    let router = service.router();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let answers = load::run(&url, service.client(), &upstreams).await?;
    service.client().finish().await;
    let policies = load::get(&format!("{url}/policies.txt")).await?;
    let scrape = load::get(&format!("{url}/metrics")).await?;

    let mut report =
        format!("answers of the service\n\n{answers}\n/policies.txt\n\n{policies}\n/metrics without zeros\n\n");
    for line in scrape::not_zero(&scrape) {
        writeln!(report, "{line}")?;
    }
    writeln!(report, "\nthe upstreams' own log beside the metrics\n")?;
    let mut agree = true;
    for (upstream, function) in upstreams.iter().zip(["observed::client::search", "observed::client::prices"]) {
        let (seen, attempts) = (upstream.seen(), scrape::attempts(&scrape, function));
        agree &= seen == attempts;
        let verdict = if seen == attempts { "equal" } else { "DIFFERENT" };
        writeln!(report, "{:<9}  saw {seen} requests: {}", upstream.name, upstream.log())?;
        writeln!(report, "           {function} made {attempts} attempts: {verdict}")?;
    }
    print(&report)?;
    Ok(agree)
}

async fn upstreams() -> io::Result<[Upstream; 2]> {
    Ok([Upstream::catalogue().await?, Upstream::prices().await?])
}

/// Prints a text; a reader that has gone away (`| head`) is no failure.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}
