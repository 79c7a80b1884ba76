//! S4: the server is down for some seconds.

use std::sync::Arc;
use std::time::Duration;

use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::calls::SLO;
use resilient_scenarios::drive::Plan;
use resilient_scenarios::outage::{Attempts, Fault as Way, Figures, Fleet, Guarded, Noted, RATE};
use resilient_scenarios::report::{Fault, Table, percent};
use resilient_scenarios::server::Down;
use resilient_scenarios::transient;

use crate::cli::{Args, Scenario};
use crate::host::Port;
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot as Drawn;
use crate::trial::{self, Measured};
use crate::verdict::{Check, seconds};

/// The record of a run, and the times of its attempts.
struct Outage {
    measured: Measured,
    attempts: Arc<Attempts>,
}

pub(crate) fn section(args: &Args) -> Section {
    let outage = Duration::from_secs(if args.quick { 2 } else { 4 });
    let mut rows: Vec<(Way, Fleet)> = Vec::new();
    for way in Way::ALL {
        let fleets: &[Fleet] = if args.quick { &Fleet::ALL[..1] } else { &Fleet::ALL };
        rows.extend([Fleet::Unguarded].iter().chain(fleets).map(|&fleet| (way, fleet)));
    }
    let jobs = rows.iter().flat_map(|&(way, fleet)| {
        args.seeds.iter().map(move |&seed| Box::new(move || run(seed, way, fleet, outage)) as Job<Outage>)
    });
    let runs = lanes::run(9, Duration::from_millis(100), jobs.collect());

    let columns = ["clients", "let through after 1 s", "let through in all", "recovery"];
    let mut tables = Way::ALL.map(|way| Table::new(way.title(), &columns));
    let (mut checks, mut series, mut imbalances) = (Vec::new(), Vec::new(), Vec::new());
    for (&(way, fleet), runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        let during = (BEFORE, BEFORE + outage);
        let figures = runs.iter().map(|run| Figures::of(&run.measured.run.calls, &run.attempts, during, LATE));
        let figures = figures.reduce(Figures::worse).expect("there is a seed");
        let recovery = figures.recovery.unwrap_or(Duration::MAX);
        let (shares, name) = ([figures.late_attempts, figures.attempts].map(percent), fleet.name());
        let cells = [name.clone()].into_iter().chain(shares).chain([seconds(recovery)]);
        tables[way as usize].row(cells.collect());
        let what = format!("{}, clients: {name}", way.title());
        imbalances.extend(runs.iter().filter_map(|run| Some(format!("{what}: {}", run.imbalance(way, during)?))));
        if matches!(fleet, Fleet::Unguarded | Fleet::Sharing(50) | Fleet::Apart(50)) {
            let fault = Fault { from: during.0, until: during.1, capacity: 0.0 };
            series.push(runs[0].measured.series(&what, fault));
        }
        if fleet != Fleet::Unguarded {
            let (late, limits) = (figures.late_attempts, [1_500, 1_000].map(Duration::from_millis));
            checks.push(Check::most(format!("{what}: let through after 1 s"), late, 0.20, 0.10, percent));
            checks.push(Check::most(format!("{what}: recovery"), recovery, limits[0], limits[1], seconds));
        }
    }
    checks.push(Check::books("S4: the books", imbalances));
    Section { scenario: Scenario::S4, what: WHAT, tables: tables.into(), checks, plot: Drawn::Series(series) }
}

impl Outage {
    /// Describes a contradiction in the books. Connections are refused in the outage, or closed a moment before it, and no others are lost.
    fn imbalance(&self, way: Way, (from, until): (Duration, Duration)) -> Option<String> {
        let refused =
            if way == Way::Refuses { self.attempts.within(from.saturating_sub(MOMENT), until + MOMENT) } else { 0 };
        self.measured.imbalance_with(refused as u64)
    }
}

fn run(seed: u64, way: Way, fleet: Fleet, outage: Duration) -> Outage {
    let (from, until) = (BEFORE, BEFORE + outage);
    let mut port = Port::bind();
    let mut setup = transient::steady(RATE);
    match way {
        Way::Answers => setup.down = vec![Down { from, until, hangs: false }],
        Way::Hangs => setup.down = vec![Down { from, until, hangs: true }],
        Way::Refuses => port.away = Some((from, until)),
    }
    let stretches = vec![Stretch { rate: RATE, time: until + AFTER }];
    let plan = Plan { setup, stretches, clients: fleet.clients(), slo: SLO };
    let (attempts, breaker) = (Attempts::begin(), fleet.breakers());
    let measured = trial::at(port, seed, &plan, |wire| Guarded::new(Noted::new(wire, &attempts), breaker()));
    Outage { measured, attempts }
}

/// The time before the outage. The tests wait for 40 s, after which a breaker knows the server better.
const BEFORE: Duration = Duration::from_secs(8);
const AFTER: Duration = Duration::from_millis(5_500);
/// The time after which any breaker may know of the outage.
const LATE: Duration = Duration::from_secs(1);
/// The time by which a clock of the server may differ from that of the clients.
const MOMENT: Duration = Duration::from_millis(50);
const WHAT: &str = "500 calls a second have succeeded for eight seconds when the server goes down for four seconds (ten in the tests, \
    after forty): it answers each call with a 503 at once, refuses connections, or never answers, so that `attempt` ends the call \
    after 250 ms. The clients are in one process, and share a breaker or have one each. With the same breaker for several machines, \
    see [shared.md](shared.md#circuit-breakers).";
