//! Settings of `cargo resilient plan` in S2 and S5, beside those that were chosen by hand, and the predictions of its simulator.

use std::time::Duration;

use cargo_resilient::advice::Advice;
use cargo_resilient::client::Planned;
use cargo_resilient::stack::Stack;
use cargo_resilient::trials::World;
use cargo_resilient::wish::Wish;
use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::calls::SLO;
use resilient_scenarios::drive::{Plan, run};
use resilient_scenarios::report::{Fault, Figures, Table, millis, percent};
use resilient_scenarios::server::{OnLeave, Setup, Slow};
use resilient_scenarios::stack::Ours;
use resilient_simulator::latency::Measured;

use crate::cli::{Args, Scenario};
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot;
use crate::trial::{Kind, Measured as Trial};
use crate::verdict::Check;

/// Returns the wish that the measurements of the server lead to.
fn wish(plan: &Plan) -> Wish {
    // as `docs/scenarios.md` says of the server
    let times = Measured::through(&[(0.5, 0.015), (0.95, 0.034), (0.99, 0.146)]);
    Wish {
        times: times.expect("the times rise"),
        errors: 0.0,
        rate: plan.stretches[0].rate,
        capacity: plan.setup.capacity(),
        quota: None,
        slo: plan.slo,
        fan_out: 1,
        instances: plan.clients as u32,
        goal: 0.999,
        idempotent: false,
    }
}

/// Returns the stack that is planned for the load of a run.
pub(crate) fn stack(plan: &Plan) -> Stack {
    Advice::of(&wish(plan), "fetch").stack
}

/// The figures that are predicted: means of several seeds, for in a few seconds the times of one differ by as much as is asked about.
#[derive(Debug, Clone, Copy)]
struct Means([f64; 5]);

impl Means {
    fn of(figures: &[Figures]) -> Self {
        let each = |of: fn(&Figures) -> f64| figures.iter().map(of).sum::<f64>() / figures.len() as f64;
        Self([
            each(|figures| figures.goodput),
            each(|figures| figures.good),
            each(|figures| figures.amplification),
            each(|figures| figures.p50.as_secs_f64()),
            each(|figures| figures.p99.as_secs_f64()),
        ])
    }

    fn cells(self) -> [String; 5] {
        let [goodput, good, amplification, p50, p99] = self.0;
        let time = |seconds| millis(Duration::from_secs_f64(seconds));
        [percent(goodput), percent(good), format!("{amplification:.2}"), time(p50), time(p99)]
    }
}

/// Returns the figures that the planner's simulator gives for a run.
fn predicted(kind: Kind, seeds: &[u64], plan: &Plan, fault: Fault) -> Means {
    let wish = wish(plan);
    let setup = Setup { slow: plan.setup.slow, ..World::of(&wish).setup().clone() };
    let simulated = Plan { setup, ..plan.clone() };
    let stack = if kind == Kind::Planned { Advice::of(&wish, "fetch").stack } else { Stack::none() };
    let (workers, clients) = (plan.setup.workers, plan.clients as u32);
    let figures = seeds.iter().map(|&seed| {
        // other luck than that of the servers
        let seed = seed + 1_000;
        let run = match kind {
            Kind::Ours => run(seed, &simulated, |wire| Ours::sharing(wire, workers, clients)),
            _ => run(seed, &simulated, |wire| Planned::new(wire, &stack)),
        };
        Figures::of(&run, fault)
    });
    Means::of(&figures.collect::<Vec<_>>())
}

pub(crate) fn section(args: &Args) -> Section {
    let mut rows = Vec::new();
    for (scenario, plan, fault) in [spike(1), spike(8), brown_out(1), brown_out(8)] {
        for kind in [Kind::NoPolicy, Kind::Ours, Kind::Planned] {
            rows.push((format!("{scenario}, {}", kind.name().replace('*', "")), kind, plan.clone(), fault));
        }
    }
    let jobs = rows.iter().flat_map(|(_, kind, plan, _)| {
        args.seeds.iter().map(|&seed| {
            let (kind, plan) = (*kind, plan.clone());
            Box::new(move || kind.run(seed, &plan)) as Job<Trial>
        })
    });
    let runs = lanes::run(4, Duration::from_secs(2), jobs.collect());

    let mut columns = vec!["run", "goodput", "predicted", "answered", "predicted"];
    columns.extend(["amplification", "predicted", "p50", "predicted", "p99", "predicted", "worst difference"]);
    let mut table = Table::new("Over HTTP, and as the planner's simulator predicts it", &columns);
    let (mut imbalances, mut series) = (Vec::new(), Vec::new());
    for ((name, kind, plan, fault), runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        let seen = Means::of(&runs.iter().map(|measured| Figures::of(&measured.run, *fault)).collect::<Vec<_>>());
        let said = predicted(*kind, &args.seeds, plan, *fault);
        let worst = seen.0.iter().zip(said.0).map(|(seen, said)| (said / seen - 1.0).abs()).fold(0.0, f64::max);
        let cells = seen.cells().into_iter().zip(said.cells()).flat_map(|(seen, said)| [seen, said]);
        table.row([name.clone()].into_iter().chain(cells).chain([percent(worst)]).collect());
        imbalances.extend(runs.iter().filter_map(|run| Some(format!("{name}: {}", run.imbalance(*kind)?))));
        series.push(runs[0].series(name, *fault));
    }
    let checks = vec![Check::books("the books", imbalances)];
    Section { scenario: Scenario::Plan, what: WHAT, tables: vec![table], checks, plot: Plot::Series(series) }
}

fn spike(clients: usize) -> (String, Plan, Fault) {
    let setup = Setup { on_leave: OnLeave::GoOn, ..Setup::of(4) };
    let (usual, capacity, time) = (0.7 * setup.capacity(), setup.capacity(), Duration::from_secs(3));
    let stretches = vec![
        Stretch { rate: usual, time: BEFORE },
        Stretch { rate: 10.0 * usual, time },
        Stretch { rate: usual, time: AFTER },
    ];
    let fault = Fault { from: BEFORE, until: BEFORE + time, capacity };
    (format!("S2, clients: {clients}"), Plan { setup, stretches, clients, slo: SLO }, fault)
}

fn brown_out(clients: usize) -> (String, Plan, Fault) {
    let time = Duration::from_secs(6);
    let (from, until) = (BEFORE, BEFORE + time);
    let setup = Setup { on_leave: OnLeave::GoOn, slow: Some(Slow { from, until, factor: 5.0 }), ..Setup::of(8) };
    let (rate, capacity) = (0.7 * setup.capacity(), setup.capacity() / 5.0);
    let stretches = vec![Stretch { rate, time: until + AFTER }];
    (format!("S5, clients: {clients}"), Plan { setup, stretches, clients, slo: SLO }, Fault { from, until, capacity })
}

const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_millis(5_500);
const WHAT: &str = "The settings that the planner makes from p50, p95, p99, rate and capacity of the server, beside those of this page.";
