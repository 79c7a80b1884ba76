//! S5: the server becomes five times slower for some seconds.

use std::time::Duration;

use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::calls::SLO;
use resilient_scenarios::drive::Plan;
use resilient_scenarios::report::{Fault, Table};
use resilient_scenarios::server::{KINDS, OnLeave, Setup, Slow};

use crate::cli::{Args, Scenario};
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot;
use crate::trial::{self, Kind, Measured};
use crate::verdict::Check;

pub(crate) fn section(args: &Args) -> Section {
    let slow = if args.quick { Duration::from_secs(3) } else { Duration::from_secs(6) };
    let setup = Setup { on_leave: OnLeave::GoOn, ..Setup::of(WORKERS) };
    let bad = brown_out(0.7, &setup, slow, 1);
    let eight = Plan { clients: 8, ..bad.clone() };
    let mut rows: Vec<(String, Kind, Plan, usize)> =
        Kind::BASELINES.iter().map(|kind| (kind.name().to_owned(), *kind, bad.clone(), 0)).collect();
    if !args.quick {
        rows.push(("tower, 8 clients".into(), Kind::Tower, eight.clone(), 0));
    }
    rows.push(("**ours**".into(), Kind::Ours, bad, 0));
    rows.push(("**ours, 8 clients**".into(), Kind::Ours, eight, 0));
    let others: &[_] = if args.quick { &[] } else { &[(0.4, 1), (0.7, 0), (0.7, 2), (0.7, 3)] };
    for &(rho, kind) in others {
        let setup = KINDS[kind].with(WORKERS);
        for clients in [1, 8] {
            let name = format!("ρ {rho}, {setup}, clients: {clients}");
            rows.push((name, Kind::Ours, brown_out(rho, &setup, slow, clients), 1));
        }
    }

    let jobs = rows.iter().flat_map(|(_, kind, plan, _)| args.seeds.iter().map(|&seed| job(*kind, seed, plan.clone())));
    let runs = lanes::run(8, Duration::from_secs(1), jobs.collect());

    let mut tables =
        vec![Table::of_faults("Five times slower at ρ 0.7, a queue without end, goes on when a client leaves")];
    if !args.quick {
        tables.push(Table::of_faults("Our stack at ρ 0.4, and before other servers"));
    }
    let (mut checks, mut series, mut imbalances) = (Vec::new(), Vec::new(), Vec::new());
    for ((name, kind, plan, table), runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        let fault = Fault { from: BEFORE, until: BEFORE + slow, capacity: plan.setup.capacity() / FACTOR };
        let figures = trial::worst(runs, fault);
        tables[*table].figures(name, figures);
        imbalances.extend(runs.iter().filter_map(|run| Some(format!("{name}: {}", run.imbalance(*kind)?))));
        if *table == 0 {
            series.push(runs[0].series(name, fault));
        }
        if *kind == Kind::Ours {
            checks.extend(Check::of_fault(&name.replace('*', ""), &figures, [0.80, 0.98], [5_000, 500]));
        }
    }
    checks.push(Check::books("S5: the books", imbalances));
    Section { scenario: Scenario::S5, what: WHAT, tables, checks, plot: Plot::Series(series) }
}

fn job(kind: Kind, seed: u64, plan: Plan) -> Job<Measured> {
    Box::new(move || kind.run(seed, &plan))
}

fn brown_out(rho: f64, setup: &Setup, time: Duration, clients: usize) -> Plan {
    let rate = rho * setup.capacity();
    let slow = Slow { from: BEFORE, until: BEFORE + time, factor: FACTOR };
    let setup = Setup { slow: Some(slow), ..setup.clone() };
    Plan { setup, stretches: vec![Stretch { rate, time: BEFORE + time + AFTER }], clients, slo: SLO }
}

/// Half as many as in the tests, as in the spike.
const WORKERS: u32 = 8;
const FACTOR: f64 = 5.0;
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_millis(5_500);
const WHAT: &str =
    "For some seconds each call takes the server five times as long, and a fifth of its capacity is left.";
