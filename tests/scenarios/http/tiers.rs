//! S9: three tiers, each of which tries four times, and the last at half its capacity.

use std::sync::Arc;
use std::time::Duration;

use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::{Client, SLO};
use resilient_scenarios::drive::Plan;
use resilient_scenarios::report::{Fault, Table, millis, percent};
use resilient_scenarios::server::{KINDS, OnLeave, Server, Setup};
use resilient_scenarios::stack::Ours;

use crate::cli::{Args, Scenario};
use crate::host::{self, Port};
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot;
use crate::trial::{self, Kind, Measured};
use crate::verdict::{Check, times};
use crate::wire::Wire;

pub(crate) fn section(args: &Args) -> Section {
    let time = if args.quick { Duration::from_secs(4) } else { Duration::from_secs(7) };
    let mut rows: Vec<(Kind, Setup)> = Vec::new();
    for setup in KINDS.map(|kind| kind.with(WORKERS)) {
        let (ends, goes_on) = (setup.shed_at.is_none(), setup.on_leave == OnLeave::GoOn);
        if ends && (goes_on || !args.quick) {
            rows.extend(Kind::BASELINES.map(|kind| (kind, setup.clone())));
        } else if !ends && goes_on && !args.quick {
            rows.push((Kind::NoPolicy, setup.clone()));
            rows.push((Kind::Tower, setup.clone()));
        }
        if goes_on || !args.quick {
            rows.push((Kind::Ours, setup));
        }
    }

    let jobs = rows.iter().flat_map(|(kind, setup)| {
        args.seeds.iter().map(|&seed| {
            // Each second of the plain loop opens more connections than the second before.
            let time = if *kind == Kind::Naive { time.min(NAIVE) } else { time };
            let (kind, plan) = (*kind, plan(setup, time));
            Box::new(move || tiered(kind, seed, &plan)) as Job<Measured>
        })
    });
    let runs = lanes::run(4, Duration::from_millis(500), jobs.collect());

    let columns = ["client", "goodput", "amplification", "begun too late", "wasted", "p50", "p99", "refused", "late"];
    let mut tables: Vec<(String, Table)> = Vec::new();
    let (mut checks, mut series, mut imbalances) = (Vec::new(), Vec::new(), Vec::new());
    for ((kind, setup), runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        let until = if *kind == Kind::Naive { time.min(NAIVE) } else { time };
        let fault = Fault { from: Duration::from_secs(2), until, capacity: setup.capacity() };
        let figures = trial::worst(runs, fault);
        let late = runs.iter().map(|run| run.run.seen.begun_late).max().unwrap_or_default();
        let title = setup.to_string();
        if tables.last().is_none_or(|(last, _)| *last != title) {
            tables.push((title.clone(), Table::new(title.clone(), &columns)));
        }
        if let Some((_, table)) = tables.last_mut() {
            table.row(vec![
                kind.name().to_owned(),
                percent(figures.goodput),
                times(figures.amplification),
                late.to_string(),
                percent(figures.wasted),
                millis(figures.p50),
                millis(figures.p99),
                percent(figures.refused),
                percent(figures.late),
            ]);
        }
        let imbalance = |run: &Measured| Some(format!("{}, {title}: {}", kind.name(), run.imbalance(*kind)?));
        imbalances.extend(runs.iter().filter_map(imbalance));
        if setup.shed_at.is_none() && setup.on_leave == OnLeave::GoOn {
            series.push(runs[0].series(kind.name(), fault));
        }
        if *kind == Kind::Ours {
            let show = |count: u64| count.to_string();
            checks.push(Check::most(format!("{title}: amplification"), figures.amplification, 1.3, 1.1, times));
            checks.push(Check::most(format!("{title}: begun too late"), late, 0, 0, show));
        }
    }
    checks.push(Check::books("S9: the books", imbalances));
    let tables = tables.into_iter().map(|(_, table)| table).collect();
    Section { scenario: Scenario::S9, what: WHAT, tables, checks, plot: Plot::Series(series) }
}

/// Returns a plan with half of the workers, and with calls that all of the workers could serve well.
fn plan(setup: &Setup, time: Duration) -> Plan {
    let rate = 0.8 * 2.0 * setup.capacity();
    Plan { setup: setup.clone(), stretches: vec![Stretch { rate, time }], clients: 1, slo: SLO }
}

fn tiered(kind: Kind, seed: u64, plan: &Plan) -> Measured {
    match kind {
        Kind::NoPolicy => three(seed, plan, NoPolicy),
        Kind::Naive => three(seed, plan, Naive),
        Kind::Tower => three(seed, plan, Tower::new),
        Kind::Ours => three(seed, plan, |wire| Ours::sharing(wire, 2 * WORKERS, 1)),
    }
}

/// Runs a caller, two tiers and a server.
fn three<C: Client>(seed: u64, plan: &Plan, client: impl Fn(Wire) -> C) -> Measured {
    let [first, middle, last] = [Port::bind(), Port::bind(), Port::bind()];
    let caller = vec![Arc::new(client(Wire::to(&first.url, &first.books)))];
    let on_leave = plan.setup.on_leave;
    let upper = host::tier(client(Wire::to(&middle.url, &middle.books)), Arc::clone(&first.books), on_leave);
    let lower = host::tier(client(Wire::to(&last.url, &last.books)), Arc::clone(&middle.books), on_leave);
    let server = Server::start(plan.setup.clone(), seed);
    let app = host::serving(Arc::clone(&server), Arc::clone(&last.books));
    let (at_first, at_last) = (Arc::clone(&first.books), Arc::clone(&last.books));
    trial::run(
        seed,
        plan,
        &caller,
        &at_first,
        &at_last,
        vec![server],
        vec![(first, upper), (middle, lower), (last, app)],
    )
}

/// Half as many as in the tests, as in the spike.
const WORKERS: u32 = 2;
/// The time that the plain loop of retries runs.
const NAIVE: Duration = Duration::from_secs(4);
const WHAT: &str = "A client calls a tier, which calls a tier, which calls a server at half of its capacity. Each of the three \
    has the whole stack, and the deadline goes along as a header. Amplification is that of the attempts at the server.";
