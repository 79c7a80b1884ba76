//! S1: a search of eight providers at once, hedged and not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::drive::SEEDS;
use resilient_scenarios::report::Table;
use resilient_scenarios::search::{
    self, Answer, COLUMNS, Figures, Hedged, JoinAll, PLAIN, PROVIDERS, RATE, Search, WORKERS, is_complete,
};
use resilient_scenarios::server::{OnLeave, Server, Setup};

use crate::page;

/// The setup of the eight providers, and the number of searches.
#[derive(Debug, Clone)]
struct Plan {
    setup: Setup,
    rate: f64,
    time: Duration,
}

/// The providers of one run, and the number of their requests.
#[derive(Debug)]
struct Providers {
    servers: Vec<Arc<Server>>,
    sent: AtomicU64,
}

impl Providers {
    fn start(setup: &Setup, seed: u64) -> Self {
        let servers = (0..PROVIDERS).map(|provider| Server::start(setup.clone(), seed * 100 + provider as u64));
        Self { servers: servers.collect(), sent: AtomicU64::new(0) }
    }

    fn tick(&self) {
        self.servers.iter().for_each(|server| server.tick());
    }

    /// Returns the number of requests that are still queued or worked on.
    fn inside(&self) -> u64 {
        self.servers.iter().map(|server| server.seen().inside).sum()
    }
}

impl search::Providers for Providers {
    async fn ask(&self, search: u64, provider: usize) -> Answer {
        self.sent.fetch_add(1, Relaxed);
        self.servers[provider].serve_copy(search).await.expect("these servers refuse nothing");
        search::answer(search, provider)
    }
}

/// Asks one provider after the other.
struct Sequential;

impl Search for Sequential {
    async fn search<P: search::Providers>(&self, providers: &P, number: u64) -> Vec<Answer> {
        let mut answers = Vec::new();
        for provider in 0..PROVIDERS {
            answers.push(providers.ask(number, provider).await);
        }
        answers
    }
}

/// The record of a run.
#[derive(Debug)]
struct Run {
    /// The time of each complete search, from its intended beginning.
    times: Vec<Duration>,
    answers: HashMap<u64, Vec<Answer>>,
    sent: u64,
    left_over: u64,
}

/// Returns the worst figures of the seeds.
fn figures<S: Search>(plan: &Plan, client: fn(&Plan) -> S) -> Figures {
    let figures = SEEDS.map(|seed| {
        let run = run(seed, plan, client(plan));
        let stops = plan.setup.on_leave == OnLeave::Stop;
        assert!(!stops || run.left_over == 0, "the servers still work when the last search has ended");
        Figures::of(run.times, run.answers.len(), run.sent)
    });
    figures.into_iter().reduce(Figures::worse).expect("there are seeds")
}

fn run<S: Search>(seed: u64, plan: &Plan, client: S) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    resilient::test::seed(seed);
    runtime.block_on(searches(seed, plan, client))
}

/// Begins a search at each arrival, and goes on until all have ended.
async fn searches<S: Search>(seed: u64, plan: &Plan, client: S) -> Run {
    let providers = Arc::new(Providers::start(&plan.setup, seed));
    let client = Arc::new(client);
    let arrivals = poisson(seed.wrapping_add(0x5eed), &[Stretch { rate: plan.rate, time: plan.time }]);
    let start = Instant::now();
    let mut arriving = (0..).zip(arrivals).peekable();
    let mut searching = JoinSet::new();
    let (mut times, mut answers, mut left_over) = (Vec::new(), HashMap::new(), 0);

    let mut now = Duration::ZERO;
    while arriving.peek().is_some() || !searching.is_empty() {
        now += TICK;
        tokio::time::sleep_until(start + now).await;
        providers.tick();
        while let Some((number, at)) = arriving.next_if(|&(_, at)| at <= now) {
            let (client, providers) = (Arc::clone(&client), Arc::clone(&providers));
            searching.spawn(async move {
                let found = client.search(&*providers, number).await;
                (number, start.elapsed().saturating_sub(at), found)
            });
        }
        while let Some(ended) = searching.try_join_next() {
            let (number, time, found) = ended.expect("no search panics");
            times.extend(is_complete(&found).then_some(time));
            answers.insert(number, found);
            left_over = providers.inside();
        }
    }
    Run { times, answers, sent: providers.sent.load(Relaxed), left_over }
}

#[test]
fn hedging_cuts_the_tail_of_a_parallel_search() {
    let plan = |tail, correlation| Plan {
        setup: Setup { tail, correlation, ..Setup::of(WORKERS) },
        rate: RATE,
        time: Duration::from_secs(15),
    };
    let cases = [
        ("D0: one in thirty takes far longer", plan(true, 0.0)),
        ("D3: a second attempt takes as long as the first in one case of five", plan(true, 0.2)),
        ("D3: in one of two", plan(true, 0.5)),
        ("D2: none takes far longer", plan(false, 0.0)),
    ];
    let mut tables = Vec::new();
    for (title, plan) in cases {
        let mut table = Table::new(title, &COLUMNS);
        let unhedged = figures(&plan, |_| JoinAll);
        let ours = figures(&plan, |plan| Hedged::ours(plan.setup.workers));
        table.row(unhedged.row(PLAIN, unhedged));
        table.row(ours.row("**ours**", unhedged));

        assert!(ours.complete >= unhedged.complete && ours.extra <= 0.05, "{title}: {ours:?}");
        let most = if plan.setup.tail { -0.20 } else { 0.05 };
        assert!(ours.change(unhedged) <= most, "{title}: {ours:?} {unhedged:?}");
        tables.push(table);
    }
    for rho in [0.4, 0.6, 0.7, 0.8, 0.9] {
        let setup = Setup { on_leave: OnLeave::GoOn, ..Setup::of(4) };
        let plan = Plan { rate: rho * setup.capacity(), setup, time: Duration::from_secs(8) };
        let mut table = Table::new(format!("ρ {rho}, with four workers a provider"), &COLUMNS);
        let unhedged = figures(&plan, |_| JoinAll);
        let ours = figures(&plan, |plan| Hedged::ours(plan.setup.workers));
        let without_limits = figures(&plan, |_| Hedged::without_limits());
        table.row(unhedged.row(PLAIN, unhedged));
        table.row(without_limits.row("hedge without limits", unhedged));
        table.row(ours.row("**ours**", unhedged));

        assert!(ours.complete >= unhedged.complete && ours.extra <= 0.05, "ρ {rho}: {ours:?}");
        assert!(ours.change(unhedged) <= 0.05, "ρ {rho}: {ours:?} {unhedged:?}");
        tables.push(table);
    }
    page::publish("S1", &tables);
}

#[test]
fn a_hedged_search_finds_what_a_sequential_one_does() {
    let plan = Plan { setup: Setup::of(WORKERS), rate: RATE, time: Duration::from_secs(2) };
    let sequential = run(1, &plan, Sequential);

    for answers in [run(1, &plan, JoinAll).answers, run(1, &plan, Hedged::ours(WORKERS)).answers] {
        assert_eq!(answers, sequential.answers);
    }
    let failed = sequential.answers.values().flatten().filter(|answer| answer.is_err()).count() as f64;
    let share = failed / (sequential.answers.len() * PROVIDERS) as f64;
    assert!((0.03..0.07).contains(&share), "{share}");
}

const TICK: Duration = Duration::from_millis(1);
