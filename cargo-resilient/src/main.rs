//! The program `cargo-resilient`, which cargo runs as `cargo resilient`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cargo_resilient::check::{self, Level};
use cargo_resilient::diff;
use cargo_resilient::expand::{self, Trouble};
use cargo_resilient::plan::Plan;
use cargo_resilient::reading::{self, Reading};
use cargo_resilient::stack::Stack;
use cargo_resilient::trials::{self, Contender, World};
use cargo_resilient::wish::Wish;
use cargo_resilient::written;
use clap::{Args, Parser, Subcommand, ValueEnum};
use resilient_simulator::latency::Measured;
use resilient_simulator::report::Table;
use resilient_words::{parse_duration, parse_rate, percent};

/// Plans the settings of a stack from measurements, simulates stacks, and checks, expands and compares the stacks of a source tree
#[derive(Debug, Parser)]
#[command(name = "cargo resilient", bin_name = "cargo resilient", disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a `profile!` whose settings follow from measurements, and how it does in the simulator
    Plan(Box<PlanArguments>),
    /// Run stacks that are written as attributes through the troubles of the simulator, and print their figures side by side
    Simulate(Box<SimulateArguments>),
    /// Read a source tree, and print its stacks and what is risky about them
    ///
    /// Ends with 1 if there is a finding of the level of `--deny`, and with 2 if the tree cannot be read.
    /// A remark `// resilient: allow(rule): reason` above a function silences a rule there.
    Check {
        /// The folder, or one file
        #[arg(default_value = ".")]
        path: PathBuf,
        /// The form of the output
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// The level of findings that is a failure
        #[arg(long, value_enum, default_value_t = Deny::Warning)]
        deny: Deny,
    },
    /// Print the code that the attributes of a function become, with all settings as comments
    ///
    /// The function is found in the source, which is not compiled. Ends with 1 if there is no such function with an
    /// attribute of `resilient`, or there are several, and with 2 if the source cannot be read or the attributes are refused.
    Expand {
        /// The function: `search`, `Api::search`, `client::search`, or `src/client.rs:12`
        function: String,
        /// The folder, or one file. Profiles are looked for there as well
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Leave the comments out
        #[arg(long)]
        plain: bool,
    },
    /// Print the difference between the stacks of two versions of a source tree
    ///
    /// Ends with 0 if no stack differs, with 1 if one does, and with 2 if a version cannot be read or no version has the
    /// function. A setting that is written differs from one that is not only if its value is not the default.
    Diff {
        /// The older version: a file, a folder, or a revision of git such as `HEAD~1`
        old: String,
        /// The newer version. Of a revision beside a folder, the same folder is compared
        new: String,
        /// The function: `search`, `Api::search`, `client::search`, or `src/client.rs:12` [default: all]
        function: Option<String>,
        /// The form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TextOrJson {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    Note,
    Warning,
    None,
}

/// What was measured, and what is wanted.
#[derive(Debug, Args)]
struct Measurements {
    /// The time that half of the attempts take at most
    #[arg(long, value_name = "TIME", value_parser = time, required_unless_present = "from", conflicts_with = "from")]
    p50: Option<Duration>,
    /// The time that 95 % of the attempts take at most
    #[arg(long, value_name = "TIME", value_parser = time, required_unless_present = "from", conflicts_with = "from")]
    p95: Option<Duration>,
    /// The time that 99 % of the attempts take at most
    #[arg(long, value_name = "TIME", value_parser = time, required_unless_present = "from", conflicts_with = "from")]
    p99: Option<Duration>,
    /// The time that 99.9 % of the attempts take at most; without it, the line from p95 to p99 goes on
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "from")]
    p999: Option<Duration>,
    /// A file with the times: a histogram (.csv), a snapshot of policies (.json) or the metrics of Prometheus
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The function of the snapshot, or the histogram of the metrics
    #[arg(long, requires = "from")]
    name: Option<String>,
    /// The share of attempts that fail [default: that of the file, else 0%]
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    errors: Option<f64>,
    /// The calls of all instances together, such as 90/s
    #[arg(long, value_parser = rate)]
    rate: f64,
    /// The calls that the upstream can serve, such as 954/s
    #[arg(long, value_name = "RATE", value_parser = rate)]
    capacity: f64,
    /// The calls that the upstream allows all instances together, such as 100/s or 1000/min
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    quota: Option<(u32, Duration)>,
    /// The time within which an answer counts
    #[arg(long, value_name = "TIME", value_parser = time)]
    slo: Duration,
    /// The share of calls that shall be answered within that time
    #[arg(long, value_name = "PERCENT", value_parser = share, default_value = "99.9%")]
    goal: f64,
    /// The number of such calls that one request makes at once, and all of which it needs
    #[arg(long, value_name = "CALLS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    fan_out: u32,
    /// The instances of the program, each with policies of its own
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    instances: u32,
    /// The seed of arrivals, times and jitter
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of seeds, from that one on, of which the worst figures count
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    seeds: u64,
}

#[derive(Debug, Args)]
struct PlanArguments {
    #[command(flatten)]
    measurements: Measurements,
    /// An attempt may run twice at once, so that it may be hedged
    #[arg(long)]
    idempotent: bool,
    /// The present stack, as in `timeout(total = "1s"), retry(max = 3)`, to be tried beside the plan
    #[arg(long, value_name = "STACK")]
    now: Option<String>,
    /// The name of the profile
    #[arg(long, value_name = "NAME", default_value = "fetch", value_parser = identifier)]
    profile: String,
    /// Write a page with curves to this file as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct SimulateArguments {
    /// The stacks, each as in `timeout(total = "1s"), retry(max = 3)`; an empty one has no policy
    #[arg(required = true, value_name = "STACK")]
    stacks: Vec<String>,
    #[command(flatten)]
    measurements: Measurements,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    // cargo names the subcommand once more
    let words = std::env::args_os().enumerate();
    let words: Vec<_> =
        words.filter(|(index, word)| *index != 1 || word != "resilient").map(|(_, word)| word).collect();
    let result = match Cli::parse_from(&words).command {
        Command::Plan(arguments) => {
            plan(&arguments, &command(words.iter().skip(1).map(|word| word.to_string_lossy().into_owned())))
        }
        Command::Simulate(arguments) => simulate(&arguments),
        Command::Check { path, format, deny } => return check(&path, format, deny),
        Command::Diff { old, new, function, format } => return diff(&old, &new, function.as_deref(), format),
        Command::Expand { function, path, plain } => return expand(&function, &path, plain),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaints) => {
            for complaint in complaints {
                eprintln!("error: {complaint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn check(path: &Path, format: Form, deny: Deny) -> ExitCode {
    let report = match check::check(path) {
        Ok(report) => report,
        Err(complaint) => {
            eprintln!("error: {complaint}");
            return ExitCode::from(2);
        }
    };
    let text = match format {
        Form::Text => Ok(check::show::text(&report)),
        Form::Json => serde_json::to_string_pretty(&report).map(|text| text + "\n"),
        Form::Sarif => serde_json::to_string_pretty(&check::show::sarif(&report)).map(|text| text + "\n"),
    };
    let printed = text.map_err(|error| error.to_string()).and_then(|text| print(&text));
    if let Err(complaint) = printed {
        eprintln!("error: {complaint}");
        return ExitCode::from(2);
    }
    let fails = report.findings.iter().any(|finding| match deny {
        Deny::Note => true,
        Deny::Warning => finding.level == Level::Warning,
        Deny::None => false,
    });
    if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn expand(function: &str, path: &Path, plain: bool) -> ExitCode {
    let (complaint, code) = match expand::expand(path, function, plain) {
        Ok(text) => match print(&text) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(complaint) => (complaint, 2),
        },
        Err(Trouble::NotFound(complaint)) => (complaint, 1),
        Err(Trouble::Unreadable(complaint)) => (complaint, 2),
    };
    eprintln!("error: {complaint}");
    ExitCode::from(code)
}

fn diff(old: &str, new: &str, function: Option<&str>, format: TextOrJson) -> ExitCode {
    let printed = diff::compare(old, new, function).and_then(|difference| {
        let text = match format {
            TextOrJson::Text => difference.text(),
            TextOrJson::Json => serde_json::to_string_pretty(&difference).map_err(|error| error.to_string())? + "\n",
        };
        print(&text)?;
        Ok(difference)
    });
    let difference = match printed {
        Ok(difference) => difference,
        Err(complaint) => {
            eprintln!("error: {complaint}");
            return ExitCode::from(2);
        }
    };
    for (file, reason) in &difference.unread {
        eprintln!("warning: {}: not read: {reason}", file.display());
    }
    match (difference.functions.is_empty(), difference.unread.is_empty()) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::SUCCESS,
        // the difference may be there
        (true, false) => ExitCode::from(2),
    }
}

fn plan(arguments: &PlanArguments, command: &str) -> Result<(), Vec<String>> {
    let one = |complaint: String| vec![complaint];
    let measurements = &arguments.measurements;
    let reading = measurements.reading().map_err(one)?;
    let present = match (&arguments.now, &reading.stack) {
        (Some(text), _) => Some(written::stack(text).map_err(|error| vec![format!("--now: {error}")])?),
        (None, stack) => stack.clone(),
    };
    let present = present.filter(|stack| !stack.is_empty()).map(|stack| Stack::of(&stack)).transpose();
    let present = present.map_err(|error| vec![format!("the present stack: {error}")])?;
    let wish = measurements.wish(reading, arguments.idempotent).map_err(one)?;
    let broken = wish.broken_bounds();
    if !broken.is_empty() {
        return Err(broken);
    }
    let plan = Plan::make(wish, &arguments.profile, command, present, measurements.seeds());
    if let Some(file) = &arguments.html {
        fs::write(file, plan.html()).map_err(|error| vec![format!("cannot write {}: {error}", file.display())])?;
    }
    let text = if arguments.json { plan.json().map_err(|error| vec![error.to_string()])? } else { plan.text() };
    print(&text).map_err(one)
}

fn simulate(arguments: &SimulateArguments) -> Result<(), Vec<String>> {
    let one = |complaint: String| vec![complaint];
    let measurements = &arguments.measurements;
    // a load that no setting can carry may be simulated nevertheless
    let wish = measurements.reading().and_then(|reading| measurements.wish(reading, true)).map_err(one)?;
    let (mut contenders, mut unknown) = (Vec::new(), Vec::new());
    for (number, text) in (1..).zip(&arguments.stacks) {
        let read = written::stack(text).and_then(|stack| Stack::of(&stack));
        let (stack, left_out) = read.map_err(|error| vec![format!("stack {number}: {error}")])?;
        unknown.extend(left_out.into_iter().map(|setting| format!("{setting} in stack {number}")));
        contenders.push(Contender { name: format!("stack {number}"), stack });
    }
    let world = World::of(&wish);
    let rows = trials::rows(&world, &wish, &contenders, &measurements.seeds());
    if arguments.json {
        let text = serde_json::to_string_pretty(&rows).map_err(|error| vec![error.to_string()])?;
        return print(&(text + "\n")).map_err(one);
    }
    let about = if unknown.is_empty() { String::new() } else { format!("Not simulated: {}.\n\n", unknown.join(", ")) };
    let tables: Vec<String> = trials::tables(&rows, wish.fan_out).iter().map(Table::to_markdown).collect();
    print(&(about + &tables.join("\n"))).map_err(one)
}

impl Measurements {
    fn reading(&self) -> Result<Reading, String> {
        if let Some(file) = &self.from {
            let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            let reading = reading::read(&file.to_string_lossy(), &text, self.name.as_deref());
            return reading.map_err(|error| format!("{}: {error}", file.display()));
        }
        let given = [(0.5, self.p50), (0.95, self.p95), (0.99, self.p99), (0.999, self.p999)];
        let points: Vec<(f64, f64)> =
            given.iter().filter_map(|(share, time)| Some((*share, (*time)?.as_secs_f64()))).collect();
        let times =
            Measured::through(&points).ok_or("the times rise from p50 to p95, p99 and p999, and are above zero")?;
        Ok(Reading { times, errors: None, stack: None })
    }

    fn wish(&self, reading: Reading, idempotent: bool) -> Result<Wish, String> {
        let errors = self.errors.or(reading.errors).unwrap_or(0.0);
        if errors >= 1.0 {
            return Err("--errors: where every attempt fails, no setting helps".to_owned());
        }
        Ok(Wish {
            times: reading.times,
            errors,
            rate: self.rate,
            capacity: self.capacity,
            quota: self.quota,
            slo: self.slo,
            fan_out: self.fan_out,
            instances: self.instances,
            goal: self.goal,
            idempotent,
        })
    }

    fn seeds(&self) -> Vec<u64> {
        (0..self.seeds).map(|further| self.seed.wrapping_add(further)).collect()
    }
}

/// Returns the command that makes the plan again, without the places that it is written to.
fn command(words: impl Iterator<Item = String>) -> String {
    let mut command = "cargo resilient".to_owned();
    let mut is_file = false;
    for word in words {
        let is_left_out = is_file || word == "--json" || word == "--html" || word.starts_with("--html=");
        is_file = word == "--html";
        if !is_left_out {
            command.push(' ');
            command += &quoted(&word);
        }
    }
    command
}

/// Prints the text. A reader that has had enough is no failure.
fn print(text: &str) -> Result<(), String> {
    use std::io::{ErrorKind, Write};

    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write: {error}")),
        _ => Ok(()),
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time.is_zero() { Err("it is above zero".to_owned()) } else { Ok(time) }
}

fn share(text: &str) -> Result<f64, String> {
    let share = percent(text).filter(|share| (0.0..1.0).contains(share));
    share.ok_or_else(|| "it is a percentage from 0% to below 100%, such as 1%".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let (calls, period) = parse_rate(text)?;
    Ok(f64::from(calls) / period.as_secs_f64())
}

fn identifier(text: &str) -> Result<String, String> {
    match syn::parse_str::<syn::Ident>(text) {
        Ok(name) => Ok(name.to_string()),
        Err(_) => Err("a profile has the name of a function, such as `fetch`".to_owned()),
    }
}
