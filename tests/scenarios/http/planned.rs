//! Settings of `cargo resilient plan` in the scenarios, beside those that were chosen by hand, and the predictions of its simulator.

use std::time::Duration;

use cargo_resilient::advice::Advice;
use cargo_resilient::client::Planned;
use cargo_resilient::stack::Stack;
use cargo_resilient::trials::World;
use cargo_resilient::wish::Wish;
use cargo_resilient::written;
use futures_util::future::join_all;
use resilient_scenarios::arrivals::Stretch;
use resilient_scenarios::calls::{CallError, Client, SLO, Target};
use resilient_scenarios::drive::{Call, Plan, Run, run};
use resilient_scenarios::report::{Fault, Figures, Table, millis, percent};
use resilient_scenarios::search::{PROVIDERS, RATE, WORKERS, signed};
use resilient_scenarios::server::{OnLeave, Quota, Setup, Slow};
use resilient_scenarios::transient::Trouble;
use resilient_simulator::latency::Measured;

use crate::cli::{Args, Scenario};
use crate::host;
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::Plot as Drawn;
use crate::transient;
use crate::trial::{self, Measured as Trial};
use crate::verdict::Check;

/// A scenario: its load and its servers, what the planner is told of them, and the stack that somebody chose.
#[derive(Debug, Clone)]
struct Case {
    name: String,
    plan: Plan,
    fault: Fault,
    wish: Wish,
    by_hand: Stack,
}

pub(crate) fn section(args: &Args) -> Section {
    let wire = wire();
    // the two that need the most connections are far apart
    let mut cases = vec![search(), spike(1)];
    cases.extend([Trouble::Each(0.05), Trouble::Each(0.20), Trouble::Burst(200)].map(failures));
    cases.extend([brown_out(1), spike(8), brown_out(8), quota()]);
    let rows: Vec<(&Case, &str, Stack)> =
        cases.iter().flat_map(|case| case.stacks().map(|(name, stack)| (case, name, stack))).collect();
    let jobs = args.seeds.iter().flat_map(|&seed| {
        rows.iter().map(move |(case, _, stack)| {
            let (case, stack) = (Case::clone(case), stack.clone());
            Box::new(move || case.over_http(seed, &stack)) as Job<Trial>
        })
    });
    let runs = lanes::run(6, Duration::from_millis(1_500), jobs.collect());

    let mut columns = vec!["run", "goodput", "predicted", "answered", "predicted"];
    columns.extend(["amplification", "predicted", "p50", "predicted", "p99", "predicted", "worst difference"]);
    let mut table = Table::new("Over HTTP, and as the planner's simulator predicts it", &columns);
    let (mut imbalances, mut series, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    let mut by_hand = None;
    for (index, (case, client, stack)) in rows.iter().enumerate() {
        let name = format!("{}, {client}", case.name);
        let runs: Vec<&Trial> = runs.iter().skip(index).step_by(rows.len()).collect();
        let seen = Means::of(runs.iter().map(|trial| case.figures(std::slice::from_ref(&trial.run), 1)));
        let said = Means::of(
            (0..4 * args.seeds.len() as u64).map(|number| case.predicted(args.seeds[0] + number, stack, wire)),
        );
        let worst = seen.0.iter().zip(said.0).map(|(seen, said)| (said / seen - 1.0).abs()).fold(0.0, f64::max);
        let cells = seen.cells().into_iter().zip(said.cells()).flat_map(|(seen, said)| [seen, said]);
        table.row([name.clone()].into_iter().chain(cells).chain([percent(worst)]).collect());
        imbalances.extend(runs.iter().filter_map(|run| Some(format!("{name}: {}", run.imbalance_with(0)?))));
        series.push(runs[0].series(&name, case.fault));
        checks.push(Check::most(format!("{name}: worst difference"), worst, 0.15, 0.15, percent).only_aim());
        match (*client, by_hand) {
            (BY_HAND, _) => by_hand = Some(seen),
            (PLAN, Some(Means([goodput, .., p99]))) => {
                let Means([planned, .., planned_p99]) = seen;
                let (goodput, p99) = (planned / goodput - 1.0, planned_p99 / p99 - 1.0);
                checks.push(Check::least(format!("{name}: goodput, to that by hand"), goodput, -0.05, -0.01, signed));
                checks.push(Check::most(format!("{name}: p99, to that by hand"), p99, 0.15, 0.05, signed));
            }
            _ => {}
        }
    }
    checks.push(Check::books("the books", imbalances));
    Section { scenario: Scenario::Plan, what: WHAT, tables: vec![table], checks, plot: Drawn::Series(series) }
}

impl Case {
    /// Returns the stacks to compare.
    fn stacks(&self) -> [(&'static str, Stack); 3] {
        let planned = Advice::of(&self.wish, "fetch").stack;
        [(NO_POLICY, Stack::none()), (BY_HAND, self.by_hand.clone()), (PLAN, planned)]
    }

    fn over_http(&self, seed: u64, stack: &Stack) -> Trial {
        match self.wish.fan_out as usize {
            1 => trial::direct(seed, &self.plan, |wire| Planned::new(wire, stack)),
            servers => {
                let app = |_, server, books| host::serving(server, books);
                let all = |wires: Vec<_>| Together(wires.into_iter().map(|wire| Planned::new(wire, stack)).collect());
                trial::among(servers, seed, &self.plan, app, all)
            }
        }
    }

    /// Returns the figures that the planner's simulator gives for a run with other luck than the seed's, and so much time on the wire.
    fn predicted(&self, seed: u64, stack: &Stack, wire: Duration) -> [f64; 5] {
        let world = World::of(&self.wish);
        assert_eq!(world.part, 1, "the whole is simulated");
        let world = world.setup().clone();
        let Setup { slow, down, .. } = &self.plan.setup;
        // the planner is told how many attempts fail, and the trouble is when
        let errors = if down.is_empty() { world.errors } else { 0.0 };
        let plan = Plan { setup: Setup { slow: *slow, down: down.clone(), errors, ..world }, ..self.plan.clone() };
        // each server by itself
        let seeds = (0..self.wish.fan_out).map(|server| 1_000 * u64::from(1 + server) + seed);
        let runs: Vec<Run> =
            seeds.map(|seed| run(seed, &plan, |server| Planned::new(Remote { server, wire }, stack))).collect();
        self.figures(&runs, self.wish.fan_out)
    }

    /// Returns the figures of the requests, each of which needs so many of the calls.
    fn figures(&self, runs: &[Run], needs: u32) -> [f64; 5] {
        let needs = f64::from(needs);
        let figures: Vec<Figures> = runs.iter().map(|run| Figures::of(run, self.fault)).collect();
        let mean = |of: fn(&Figures) -> f64| figures.iter().map(of).sum::<f64>() / figures.len() as f64;
        let mut times: Vec<Duration> = runs.iter().flat_map(|run| &run.calls).filter_map(Call::latency).collect();
        times.sort_unstable();
        let at = |share: f64| {
            let time = times.get((share.powf(1.0 / needs) * times.len() as f64) as usize);
            time.copied().unwrap_or(Duration::MAX).as_secs_f64()
        };
        let good = mean(|figures| figures.good);
        // of the calls that the request needs besides the first, each may fail as well
        let others = good.powf(needs - 1.0);
        let attempts = mean(|figures| figures.amplification) * needs / f64::from(self.wish.fan_out);
        [mean(|figures| figures.goodput) * others, good * others, attempts, at(0.50), at(0.99)]
    }
}

/// The figures that are predicted: means of several seeds, for in a few seconds the times of one differ by as much as is asked about.
#[derive(Debug, Clone, Copy)]
struct Means([f64; 5]);

impl Means {
    fn of(figures: impl Iterator<Item = [f64; 5]>) -> Self {
        let figures: Vec<[f64; 5]> = figures.collect();
        let count = figures.len() as f64;
        Self(std::array::from_fn(|column| figures.iter().map(|row| row[column]).sum::<f64>() / count))
    }

    fn cells(self) -> [String; 5] {
        let [goodput, good, amplification, p50, p99] = self.0;
        let time = |seconds| millis(Duration::from_secs_f64(seconds));
        [percent(goodput), percent(good), format!("{amplification:.2}"), time(p50), time(p99)]
    }
}

/// A simulated server at the other end of a wire.
struct Remote<T> {
    server: T,
    wire: Duration,
}

impl<T: Target> Target for Remote<T> {
    async fn send(&self) -> Result<(), CallError> {
        tokio::time::sleep(self.wire).await;
        self.server.send().await
    }
}

/// A client of several servers, each of which a call needs.
struct Together<C>(Vec<C>);

impl<C: Client> Client for Together<C> {
    async fn call(&self) -> Result<(), CallError> {
        join_all(self.0.iter().map(Client::call)).await.into_iter().collect()
    }
}

/// Returns the wish that the measurements of the server lead to.
fn wish(plan: &Plan, times: &[(f64, f64)]) -> Wish {
    Wish {
        times: Measured::through(times).expect("the times rise"),
        errors: plan.setup.errors,
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

/// Measures the whole milliseconds on the wire: the median time of an attempt at a server that needs 15 ms for each, without that.
fn wire() -> Duration {
    let plan = transient::plan(1, Trouble::Each(0.0), 300.0, Duration::from_secs(3));
    let run = trial::direct(1, &plan, |wire| Planned::new(wire, &Stack::none())).run;
    let figures = Figures::of(&run, Fault { from: Duration::ZERO, until: Duration::from_secs(3), capacity: 300.0 });
    Duration::from_millis((figures.p50.as_millis() as u64).saturating_sub(15))
}

/// Reads a stack that somebody chose.
fn by_hand(text: &str) -> Stack {
    let stack = written::stack(text).and_then(|stack| Stack::of(&stack)).expect("a stack");
    assert!(stack.1.is_empty(), "not simulated: {:?}", stack.1);
    stack.0
}

fn search() -> Case {
    let (from, until) = (Duration::ZERO, Duration::from_secs(30));
    let plan =
        Plan { setup: Setup::of(WORKERS), stretches: vec![Stretch { rate: RATE, time: until }], clients: 1, slo: SLO };
    Case {
        name: "S1".to_owned(),
        fault: Fault { from, until, capacity: RATE },
        // the slowest of eight depends on the tail beyond p99
        wish: Wish {
            fan_out: PROVIDERS as u32,
            idempotent: true,
            ..wish(&plan, &[&TAILED[..], &[(0.999, 0.522)]].concat())
        },
        by_hand: by_hand("hedge(idempotent), bulkhead(limit = 40, queue = 10000, max_wait = \"60s\")"),
        plan,
    }
}

fn failures(trouble: Trouble) -> Case {
    let (from, until) = (Duration::ZERO, Duration::from_secs(15));
    let plan = transient::plan(1, trouble, 300.0, until);
    let errors = match trouble {
        Trouble::Each(errors) => errors,
        Trouble::Burst(millis) => millis as f64 / 3_000.0,
    };
    Case {
        name: format!("S3, {trouble}"),
        fault: Fault { from, until, capacity: plan.stretches[0].rate },
        wish: Wish { errors, ..wish(&plan, &STEADY) },
        by_hand: by_hand("timeout(total = \"1s\"), retry, circuit_breaker"),
        plan,
    }
}

fn spike(clients: usize) -> Case {
    let setup = Setup { on_leave: OnLeave::GoOn, ..Setup::of(4) };
    let (usual, capacity) = (0.7 * setup.capacity(), setup.capacity());
    let plan = Plan { setup, stretches: surge(usual, 10.0), clients, slo: SLO };
    let fault = Fault { from: BEFORE, until: BEFORE + SURGE, capacity };
    Case { name: format!("S2, clients: {clients}"), fault, wish: wish(&plan, &TAILED), by_hand: whole(&plan), plan }
}

fn brown_out(clients: usize) -> Case {
    let (from, until) = (BEFORE, BEFORE + Duration::from_secs(6));
    let setup = Setup { on_leave: OnLeave::GoOn, slow: Some(Slow { from, until, factor: 5.0 }), ..Setup::of(8) };
    let (rate, capacity) = (0.7 * setup.capacity(), setup.capacity() / 5.0);
    let plan = Plan { setup, stretches: vec![Stretch { rate, time: until + AFTER }], clients, slo: SLO };
    let fault = Fault { from, until, capacity };
    Case { name: format!("S5, clients: {clients}"), fault, wish: wish(&plan, &TAILED), by_hand: whole(&plan), plan }
}

/// Returns the provider of S6, which is offered three times as much as usual for some seconds.
fn quota() -> Case {
    let quota = Quota { from: Duration::ZERO, until: Duration::MAX, rate: 100.0, burst: 20.0 };
    let setup = Setup { on_leave: OnLeave::GoOn, quota: vec![quota], ..Setup::of(8) };
    let plan = Plan { setup, stretches: surge(70.0, 3.0), clients: 1, slo: SLO };
    Case {
        name: "S6, 100/s allowed".to_owned(),
        fault: Fault { from: BEFORE, until: BEFORE + SURGE, capacity: quota.rate },
        wish: Wish { quota: Some((100, Duration::from_secs(1))), ..wish(&plan, &TAILED) },
        by_hand: by_hand(
            "timeout(total = \"1s\"), retry(max = 2), rate_limit(\"100/s\", burst = 10, max_wait = \"100ms\")",
        ),
        plan,
    }
}

/// Returns some seconds of so many times the usual calls.
fn surge(usual: f64, times: f64) -> Vec<Stretch> {
    let stretch = |rate, time| Stretch { rate, time };
    vec![stretch(usual, BEFORE), stretch(times * usual, SURGE), stretch(usual, AFTER)]
}

/// Returns the whole stack of the page, for the clients of a plan.
fn whole(plan: &Plan) -> Stack {
    let clients = plan.clients as u32;
    let (most, initial) = (200 / clients, (2 * plan.setup.workers / clients).max(4));
    by_hand(&format!(
        "timeout(total = \"1s\"), retry, circuit_breaker, bulkhead(limit = \"vegas\", min_limit = 2, max_limit = {most}, \
         initial_limit = {initial}, max_wait = \"100ms\"), timeout(attempt = \"800ms\")"
    ))
}

/// The times of `docs/scenarios.md` as shares and seconds, and those of S3.
const TAILED: [(f64, f64); 3] = [(0.5, 0.015), (0.95, 0.034), (0.99, 0.146)];
const STEADY: [(f64, f64); 2] = [(0.5, 0.015), (0.99, 0.015)];
const NO_POLICY: &str = "no policy";
const BY_HAND: &str = "by hand";
const PLAN: &str = "plan";
const BEFORE: Duration = Duration::from_secs(1);
const SURGE: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_millis(5_500);
const WHAT: &str = "The settings that the planner makes from p50, p95, p99, errors, rate, capacity and quota of the server, beside \
    those of this page, which somebody chose.";
