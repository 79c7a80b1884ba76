//! S2: ten times the calls for some seconds.

use std::time::Duration;

use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::calls::SLO;
use resilient_scenarios::drive::Plan;
use resilient_scenarios::report::{Fault, Table};
use resilient_scenarios::server::{KINDS, OnLeave, Setup};

use crate::cli::{Args, Scenario};
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot;
use crate::trial::{self, Kind, Measured};
use crate::verdict::{Check, times};

/// A row of the table, and its runs.
struct Row {
    name: String,
    kind: Kind,
    plan: Plan,
    fault: Fault,
    table: usize,
}

pub(crate) fn section(args: &Args) -> Section {
    let spike_time = if args.quick { Duration::from_secs(2) } else { Duration::from_secs(3) };
    let mut rows = Vec::new();
    let on_leave = OnLeave::GoOn;
    let bad = spike(0.7, spike_time, Setup { on_leave, ..Setup::of(WORKERS) }, 1);
    for kind in Kind::BASELINES {
        rows.push(row(kind.name(), kind, bad.clone(), spike_time, 0));
    }
    if !args.quick {
        rows.push(row("tower, 8 clients", Kind::Tower, Plan { clients: 8, ..bad.clone() }, spike_time, 0));
    }
    rows.push(row("**ours**", Kind::Ours, bad.clone(), spike_time, 0));
    rows.push(row("**ours, 8 clients**", Kind::Ours, Plan { clients: 8, ..bad }, spike_time, 0));
    let others: &[_] =
        if args.quick { &[(0.4, 3)] } else { &[(0.4, 0), (0.4, 1), (0.4, 2), (0.4, 3), (0.7, 0), (0.7, 2), (0.7, 3)] };
    for &(rho, kind) in others {
        let setup = KINDS[kind].with(WORKERS);
        for &clients in if args.quick { &[1][..] } else { &[1, 8] } {
            let name = format!("ρ {rho}, {setup}, clients: {clients}");
            rows.push(row(name, Kind::Ours, spike(rho, spike_time, setup.clone(), clients), spike_time, 1));
        }
    }
    let short = Duration::from_millis(300);
    for &clients in if args.quick { &[1][..] } else { &[1, 8] } {
        let name = format!("0.3 s at ρ 0.4, clients: {clients}");
        rows.push(row(name, Kind::Ours, spike(0.4, short, Setup::of(WORKERS), clients), short, 1));
    }

    let mut jobs: Vec<_> =
        rows.iter().flat_map(|row| args.seeds.iter().map(|&seed| job(row.kind, seed, row.plan.clone()))).collect();
    // The two rows that need the most connections begin far apart.
    let seeds = args.seeds.len();
    let naive = rows.iter().position(|row| row.kind == Kind::Naive).unwrap_or_default();
    let apart = |seed| (naive * seeds + seed, (rows.len() - 1) * seeds + seed);
    (0..seeds).map(apart).for_each(|(naive, last)| jobs.swap(naive, last));
    let mut runs = lanes::run(6, Duration::from_millis(if args.quick { 1_300 } else { 2_000 }), jobs);
    (0..seeds).map(apart).for_each(|(naive, last)| runs.swap(naive, last));

    let mut tables = vec![
        Table::of_faults("Ten times ρ 0.7, a queue without end, goes on when a client leaves"),
        Table::of_faults("Our stack before other servers, and a spike of 0.3 s"),
    ];
    let (mut checks, mut series, mut imbalances) = (Vec::new(), Vec::new(), Vec::new());
    for (row, runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        let figures = trial::worst(runs, row.fault);
        tables[row.table].figures(&row.name, figures);
        imbalances.extend(runs.iter().filter_map(|run| Some(format!("{}: {}", row.name, run.imbalance(row.kind)?))));
        if row.table == 0 {
            series.push(runs[0].series(&row.name, row.fault));
        }
        if row.kind == Kind::Ours {
            let name = row.name.replace('*', "");
            let [goodput, recovery] = Check::of_fault(&name, &figures, [0.80, 0.99], [10_000, 1_000]);
            // A rate over so short a time says little about a capacity.
            if row.fault.until > BEFORE + Duration::from_secs(1) {
                checks.push(goodput);
            }
            checks.push(recovery);
            checks.push(Check::most(format!("{name}: amplification"), figures.amplification, 1.01, 1.0, times));
        }
    }
    checks.push(Check::books("S2: the books", imbalances));
    Section { scenario: Scenario::S2, what: WHAT, tables, checks, plot: Plot::Series(series) }
}

fn job(kind: Kind, seed: u64, plan: Plan) -> Job<Measured> {
    Box::new(move || kind.run(seed, &plan))
}

fn row(name: impl Into<String>, kind: Kind, plan: Plan, time: Duration, table: usize) -> Row {
    let fault = Fault { from: BEFORE, until: BEFORE + time, capacity: plan.setup.capacity() };
    Row { name: name.into(), kind, plan, fault, table }
}

fn spike(rho: f64, time: Duration, setup: Setup, clients: usize) -> Plan {
    let usual = rho * setup.capacity();
    let stretches = vec![
        Stretch { rate: usual, time: BEFORE },
        Stretch { rate: 10.0 * usual, time },
        Stretch { rate: usual, time: AFTER },
    ];
    Plan { setup, stretches, clients, slo: SLO }
}

/// Half as many as in the tests: the clients without a limit open a connection for each call that waits.
const WORKERS: u32 = 4;
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_millis(5_500);
const WHAT: &str = "For some seconds ten times as many calls come as before. The queue of the server has no end or sheds \
    at 100, and it stops when a client leaves or goes on.";
