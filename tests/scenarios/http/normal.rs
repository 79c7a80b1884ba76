//! S7: nothing is wrong.

use std::time::Duration;

use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::baselines::NoPolicy;
use resilient_scenarios::calls::{CallError, Client, SLO, Target};
use resilient_scenarios::drive::Plan;
use resilient_scenarios::report::{Fault, Table, millis, percent};
use resilient_scenarios::server::Setup;
use resilient_scenarios::stack::Ours;

use crate::cli::{Args, Scenario};
use crate::cpu;
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot;
use crate::trial::{self, Kind, Measured};
use crate::verdict::Check;

pub(crate) fn section(args: &Args) -> Section {
    let time = if args.quick { Duration::from_secs(5) } else { Duration::from_secs(10) };
    let rhos: &[f64] = if args.quick { &[0.7] } else { &[0.4, 0.6, 0.7, 0.8] };
    let clients = [(Kind::NoPolicy, 1), (Kind::Tower, 1), (Kind::Ours, 1), (Kind::Ours, 8)];
    let rows: Vec<(f64, Kind, Plan)> =
        rhos.iter().flat_map(|&rho| clients.map(|(kind, clients)| (rho, kind, normal(rho, time, clients)))).collect();

    let jobs = rows.iter().flat_map(|(_, kind, plan)| args.seeds.iter().map(|&seed| job(*kind, seed, plan.clone())));
    let runs = lanes::run(8, Duration::ZERO, jobs.collect());

    let columns = [
        "client",
        "refused",
        "late",
        "amplification",
        "occupancy",
        "pool",
        "CPU",
        "CPU a call",
        "new connections",
        "p50",
        "p99",
    ];
    let (mut tables, mut checks, mut series, mut imbalances) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((rho, kind, plan), runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        if *kind == Kind::NoPolicy {
            tables.push(Table::new(format!("ρ {rho}"), &columns));
        }
        let fault = Fault { from: Duration::ZERO, until: time, capacity: plan.stretches[0].rate };
        let figures = trial::worst(runs, fault);
        let name =
            if plan.clients == 1 { kind.name().to_owned() } else { format!("**ours, {} clients**", plan.clients) };
        let most = |of: fn(&Measured) -> f64| runs.iter().map(of).fold(0.0, f64::max);
        let (pool, connections) = (most(|run| run.pool), most(|run| run.new_connections));
        let cpu = runs.iter().filter_map(|run| run.cpu).reduce(f64::max);
        let cpu_a_call = runs.iter().filter_map(|run| run.cpu_a_call).max();
        if let Some(table) = tables.last_mut() {
            table.row(vec![
                name.clone(),
                percent(figures.refused),
                percent(figures.late),
                format!("{:.3}", figures.amplification),
                if figures.occupancy == 0.0 { "–".to_owned() } else { percent(figures.occupancy) },
                percent(pool),
                cpu.map_or_else(|| "–".to_owned(), percent),
                cpu_a_call.map_or_else(|| "–".to_owned(), |time| format!("{} µs", time.as_micros())),
                percent(connections),
                millis(figures.p50),
                millis(figures.p99),
            ]);
        }
        imbalances.extend(runs.iter().filter_map(|run| Some(format!("{name}, ρ {rho}: {}", run.imbalance(*kind)?))));
        if *kind == Kind::Ours {
            let what = format!("ρ {rho}, clients: {}", plan.clients);
            let mut check = |figure: &str, reached, must, aim| {
                checks.push(Check::most(format!("{what}: {figure}"), reached, must, aim, percent));
            };
            check("refused", figures.refused, 0.001, 0.0001);
            if *rho <= 0.7 {
                check("occupancy", figures.occupancy, 0.8, 0.8);
                check("pool", pool, 0.8, 0.8);
                if let Some(cpu) = cpu {
                    check("CPU", cpu, 0.8, 0.8);
                }
            }
            let what = format!("{what}: new connections");
            checks.push(Check::most(what, connections, 0.01, 0.01, percent).only_aim());
            if rhos.last().is_some_and(|last| last.total_cmp(rho).is_eq()) {
                series.push(runs[0].series(&name, fault));
            }
        }
    }
    let cost = cost();
    let micros = |time: Duration| format!("{:.2} µs", time.as_secs_f64() * 1e6);
    let most = Duration::from_micros(1);
    checks.push(Check::most("CPU of the full stack around a call", cost, most, most, micros).only_aim());
    checks.push(Check::books("S7: the books", imbalances));
    Section { scenario: Scenario::S7, what: WHAT, tables, checks, plot: Plot::Series(series) }
}

/// Returns the time that the whole stack adds to a call: the difference to the bare call, with answers at once. An HTTP request
/// costs a hundred times as much and varies by more than this.
fn cost() -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let (bare, ours) = (NoPolicy(AtOnce), Ours::sharing(AtOnce, 8, 1));
        let mut differences: Vec<Duration> = Vec::new();
        for _ in 0..21 {
            let bare = block(&bare).await;
            differences.push(block(&ours).await.saturating_sub(bare));
        }
        differences.sort_unstable();
        differences[differences.len() / 2]
    })
}

/// Returns the time of one of many calls in a row.
async fn block<C: Client>(client: &C) -> Duration {
    let before = (cpu::of_this_thread(), std::time::Instant::now());
    for _ in 0..CALLS {
        // The outcome is the same each time.
        let _ = std::hint::black_box(client.call().await);
    }
    let wall = before.1.elapsed();
    cpu::of_this_thread().zip(before.0).map_or(wall, |(now, then)| now.saturating_sub(then)) / CALLS
}

/// A server whose attempts take no time.
struct AtOnce;

impl Target for AtOnce {
    async fn send(&self) -> Result<(), CallError> {
        Ok(())
    }
}

fn job(kind: Kind, seed: u64, plan: Plan) -> Job<Measured> {
    Box::new(move || kind.run(seed, &plan))
}

fn normal(rho: f64, time: Duration, clients: usize) -> Plan {
    let setup = Setup::of(8);
    let rate = rho * setup.capacity();
    Plan { setup, stretches: vec![Stretch { rate, time }], clients, slo: SLO }
}

const CALLS: u32 = 20_000;
const WHAT: &str = "Calls at a rate that the server can serve. *Pool* is the share of the kept connections that are in use, \
    *CPU* that of a core which the clients' thread uses, and *new connections* are those after the first second, for each \
    attempt.";
