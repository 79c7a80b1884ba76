//! S3: attempts fail now and then, each for itself or all of them for a moment.

use std::sync::Arc;
use std::time::Duration;

use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::{Client, SLO};
use resilient_scenarios::drive::Plan;
use resilient_scenarios::recoveries::{Recoveries, Watched, Watching};
use resilient_scenarios::report::{Fault, Table, percent};
use resilient_scenarios::transient::{COLUMNS, Figures, Ours, RATE, Trouble};

use crate::cli::{Args, Scenario};
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot as Drawn;
use crate::trial::{self, Kind, Measured};
use crate::verdict::Check;
use crate::wire::Wire;

/// The record of a run, and the calls whose first attempt failed.
struct Outlived {
    measured: Measured,
    recoveries: Arc<Recoveries>,
}

pub(crate) fn section(args: &Args) -> Section {
    let time = Duration::from_secs(if args.quick { 9 } else { 15 });
    let troubles: &[Trouble] = if args.quick { &COMPARED[1..] } else { &Trouble::ALL };
    let rows: Vec<(Trouble, Kind)> = troubles
        .iter()
        .flat_map(|&trouble| {
            let others = if COMPARED.contains(&trouble) { &Kind::BASELINES[..] } else { &[] };
            others.iter().chain(&[Kind::Ours]).map(move |&kind| (trouble, kind))
        })
        .collect();
    let jobs = rows.iter().flat_map(|&(trouble, kind)| {
        args.seeds.iter().map(move |&seed| Box::new(move || run(kind, seed, trouble, time)) as Job<Outlived>)
    });
    let runs = lanes::run(9, Duration::from_millis(100), jobs.collect());

    let mut tables = vec![Table::new("Our stack", &[&["trouble"], &COLUMNS[..]].concat())];
    let (mut checks, mut series, mut imbalances) = (Vec::new(), Vec::new(), Vec::new());
    for (&(trouble, kind), runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        let figures = runs.iter().map(|run| Figures::of(&run.measured.run, &run.recoveries)).reduce(Figures::worse);
        let figures = figures.expect("there is a seed");
        let row = |first: String| [first].into_iter().chain(figures.cells()).collect();
        if COMPARED.contains(&trouble) {
            let title = format!("Beside others: {trouble}");
            if tables.last().is_none_or(|table| table.title() != title) {
                tables.push(Table::new(title, &[&["client"], &COLUMNS[..]].concat()));
            }
            tables.last_mut().expect("there is one").row(row(kind.name().to_owned()));
            let fault = Fault { from: Duration::ZERO, until: time, capacity: RATE };
            series.push(runs[0].measured.series(format!("{trouble}: {}", kind.name()), fault));
        }
        let imbalance = |run: &Outlived| Some(format!("{trouble}, {}: {}", kind.name(), run.imbalance(kind)?));
        imbalances.extend(runs.iter().filter_map(imbalance));
        if kind == Kind::Ours {
            tables[0].row(row(trouble.to_string()));
            let (least, most) = (trouble.least_recovered(), trouble.most_attempts());
            checks.push(Check::least(format!("{trouble}: recovered"), figures.recovered, least, least, percent));
            // so few calls are a per cent more or less unlucky
            let thrice = |attempts: f64| format!("{attempts:.3}");
            checks.push(Check::most(
                format!("{trouble}: amplification"),
                figures.amplification,
                most + 0.01,
                most,
                thrice,
            ));
        }
    }
    checks.push(Check::books("S3: the books", imbalances));
    Section { scenario: Scenario::S3, what: WHAT, tables, checks, plot: Drawn::Series(series) }
}

impl Outlived {
    fn imbalance(&self, kind: Kind) -> Option<String> {
        let nothing = (self.recoveries.failed() == 0).then(|| "no first attempt failed".to_owned());
        self.measured.imbalance(kind).or(nothing)
    }
}

fn run(kind: Kind, seed: u64, trouble: Trouble, time: Duration) -> Outlived {
    match kind {
        Kind::NoPolicy => with(seed, trouble, time, NoPolicy),
        Kind::Naive => with(seed, trouble, time, Naive),
        Kind::Tower => with(seed, trouble, time, Tower::new),
        Kind::Ours => with(seed, trouble, time, Ours::new),
    }
}

fn with<C: Client>(seed: u64, trouble: Trouble, time: Duration, client: impl Fn(Watched<Wire>) -> C) -> Outlived {
    let recoveries = Arc::<Recoveries>::default();
    let measured =
        trial::direct(seed, &plan(seed, trouble, RATE, time), |wire| Watching::new(client(Watched(wire)), &recoveries));
    Outlived { measured, recoveries }
}

/// Returns so many calls a second, and the server of a run with that seed.
pub(crate) fn plan(seed: u64, trouble: Trouble, rate: f64, time: Duration) -> Plan {
    Plan { setup: trouble.setup(seed, rate, time), stretches: vec![Stretch { rate, time }], clients: 1, slo: SLO }
}

/// The troubles in which there are other clients as well.
const COMPARED: [Trouble; 3] = [Trouble::Each(0.05), Trouble::Each(0.20), Trouble::Burst(200)];
const WHAT: &str = "500 calls a second, each of which takes 15 ms. Attempts get a 503 instead, each by its own bad luck or all that \
    arrive within a moment, once in three seconds. *Recovered* are the calls that got a good answer although their first attempt had \
    failed. Where one in five fails, the budget of a fifth of the calls ends some of them: that is on purpose.";
