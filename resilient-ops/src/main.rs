//! The program `resilient-ops`: prints the list, the rules, the dashboard and the runbook of a running program.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use resilient_ops::report::{self, Line, Span};
use resilient_ops::{Options, Snapshot, dashboard, promtool, rules, runbook, table};
use serde::Deserialize;

/// Makes alerts, a dashboard and a runbook from the policies of a running program
#[derive(Debug, Parser)]
#[command(name = "resilient-ops", disable_version_flag = true)]
#[command(after_help = "The snapshot is the JSON of `resilient::policies()`, with the feature `serde`.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the policies with their settings, state and numbers
    List(From),
    /// Print recording and alert rules for Prometheus, as YAML
    Alerts {
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        rules: Rules,
        /// Write tests for `promtool test rules` to this file as well; they read the rules of `--out`
        #[arg(long, value_name = "FILE", requires = "out")]
        tests: Option<PathBuf>,
    },
    /// Print a dashboard for Grafana, as JSON
    Dashboard {
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        rules: Rules,
        /// Print the queries alone, each after the title of its panel
        #[arg(long)]
        queries: bool,
    },
    /// Print a page with the dashboard's plots of the last minutes, as HTML
    Report {
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        rules: Rules,
        /// The address of Prometheus (http://…)
        #[arg(long, value_name = "URL")]
        prometheus: String,
        /// The minutes that it is about
        #[arg(long, value_name = "MINUTES", default_value_t = 60.0, value_parser = minutes)]
        minutes: f64,
    },
    /// Print a page about each alert, as Markdown
    Runbook {
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        rules: Rules,
    },
}

#[derive(Debug, Args)]
struct From {
    /// An address (http://…), a file, or - for the standard input
    #[arg(long, value_name = "SNAPSHOT", default_value = "-")]
    from: String,
    /// Write to this file instead of the standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Rules {
    /// The share of calls that shall be answered, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 99.9)]
    slo: f64,
    /// The job under which Prometheus scrapes the program; without it, the rules hold for every job
    #[arg(long)]
    job: Option<String>,
    /// The seconds between two scrapes; no window is shorter than twenty of them
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0)]
    interval: f64,
    /// A factor for all windows, for tests
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// The address of the runbook, to which the anchor of the alert is added
    #[arg(long, value_name = "URL")]
    runbook: Option<String>,
}

impl Rules {
    fn options(self) -> Result<Options, Box<dyn Error>> {
        let Self { slo, job, interval, scale, runbook } = self;
        let interval = Duration::try_from_secs_f64(interval)
            .map_err(|_| format!("the time between two scrapes is a number of seconds, and not {interval}"))?;
        let options = Options { slo, job, interval, scale, runbook };
        options.check()?;
        Ok(options)
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::List(from) => write(from.out.as_deref(), &table::text(&from.snapshot()?)),
        Command::Alerts { from, rules, tests } => {
            let (snapshot, options) = (from.snapshot()?, rules.options()?);
            write(from.out.as_deref(), &rules::file(&snapshot, &options)?)?;
            if let (Some(tests), Some(out)) = (tests, &from.out) {
                // promtool looks for the rules from the folder of the tests on
                let rules = fs::canonicalize(out)?;
                write(Some(&tests), &promtool::file(&snapshot, &options, &rules.to_string_lossy())?)?;
            }
            Ok(())
        }
        Command::Dashboard { from, rules, queries } => {
            let (snapshot, options) = (from.snapshot()?, rules.options()?);
            let text = if queries {
                let lines = dashboard::queries(&snapshot, &options).into_iter();
                lines.flat_map(|(title, query)| [title, "\t".to_owned(), query, "\n".to_owned()]).collect()
            } else {
                serde_json::to_string_pretty(&dashboard::json(&snapshot, &options))? + "\n"
            };
            write(from.out.as_deref(), &text)
        }
        Command::Report { from, rules, prometheus, minutes } => {
            let (snapshot, options) = (from.snapshot()?, rules.options()?);
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
            let span = Span::before(now, minutes * 60.0);
            let page = report::page(&snapshot, &options, span, |query, span| ask(&prometheus, query, span))?;
            write(from.out.as_deref(), &page)
        }
        Command::Runbook { from, rules } => {
            let (snapshot, options) = (from.snapshot()?, rules.options()?);
            write(from.out.as_deref(), &runbook::page(&snapshot, &options))
        }
    }
}

impl From {
    fn snapshot(&self) -> Result<Snapshot, Box<dyn Error>> {
        let from = if self.from == "-" { "the standard input" } else { &self.from };
        let text = read(&self.from).map_err(|error| format!("cannot read the snapshot from {from}: {error}"))?;
        Ok(Snapshot::from_json(&text).map_err(|error| format!("no snapshot of policies comes from {from}: {error}"))?)
    }
}

fn read(from: &str) -> Result<String, Box<dyn Error>> {
    if from == "-" {
        if io::stdin().is_terminal() {
            return Err(
                "it is a terminal; say where the snapshot is, as --from http://127.0.0.1:9000/policies does".into()
            );
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    if from.starts_with("https://") {
        return Err(
            "it speaks http alone; for https, give it a file or the standard input: curl … | resilient-ops …".into()
        );
    }
    if !from.starts_with("http://") {
        return fs::read_to_string(from).map_err(|error| match address(from) {
            Some(address) if error.kind() == io::ErrorKind::NotFound => {
                format!("there is no such file, and an address begins with http://: write --from {address}").into()
            }
            _ => error.into(),
        });
    }
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
    let mut answer = agent.get(from).call()?;
    Ok(answer.body_mut().read_to_string()?)
}

/// Returns the address that was probably meant by a text that names no file: one with a port, the own machine, or another spelling of the scheme.
fn address(text: &str) -> Option<String> {
    if let Some((scheme, rest)) = text.split_once("://") {
        return scheme.eq_ignore_ascii_case("http").then(|| format!("http://{rest}"));
    }
    let authority = text.split('/').next()?;
    let has_port =
        authority.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    (has_port || authority == "localhost").then(|| format!("http://{text}"))
}

/// Asks Prometheus for the lines of a query.
fn ask(prometheus: &str, query: &str, span: Span) -> Result<Vec<Line>, Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Answer {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        result: Vec<Series>,
    }
    #[derive(Deserialize)]
    struct Series {
        metric: BTreeMap<String, String>,
        values: Vec<(f64, String)>,
    }

    if !prometheus.starts_with("http://") {
        let advice = address(prometheus).map(|address| format!(": write --prometheus {address}")).unwrap_or_default();
        return Err(
            format!("the address of Prometheus begins with http://, and `{prometheus}` does not{advice}").into()
        );
    }
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
    let Span { from, until, step } = span;
    let span = [("start", from), ("end", until), ("step", step)].map(|(name, value)| (name, value.to_string()));
    let mut request =
        agent.get(format!("{}/api/v1/query_range", prometheus.trim_end_matches('/'))).query("query", query);
    for (name, value) in &span {
        request = request.query(name, value);
    }
    let mut answer =
        request.call().map_err(|error| format!("Prometheus at {prometheus} did not answer `{query}`: {error}"))?;
    let answer: Answer = serde_json::from_str(&answer.body_mut().read_to_string()?)
        .map_err(|error| format!("what {prometheus} answers is not of Prometheus: {error}"))?;
    let number = |text: String| text.parse().unwrap_or(f64::NAN);
    let line = |Series { metric, values }| Line {
        labels: metric.into_iter().collect(),
        values: values.into_iter().map(|(time, value)| (time, number(value))).collect(),
    };
    Ok(answer.data.result.into_iter().map(line).collect())
}

/// A number of minutes.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes.is_finite() => Ok(minutes),
        _ => Err("write a number of minutes above 0".to_owned()),
    }
}

fn write(out: Option<&Path>, text: &str) -> Result<(), Box<dyn Error>> {
    let Some(out) = out else { return Ok(io::stdout().write_all(text.as_bytes())?) };
    fs::write(out, text).map_err(|error| format!("cannot write {}: {error}", out.display()).into())
}

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
