//! S1: a search of eight providers at once, hedged and not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::future::join_all;
use resilient::{Bulkhead, Classify, Hedge, PerKey, bulkhead, fan_out, hedge};
use tokio::task::JoinSet;
use tokio::time::Instant;

use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::drive::SEEDS;
use resilient_scenarios::report::{Table, millis, percent};
use resilient_scenarios::server::{OnLeave, Server, Setup};

use crate::page;

/// The reasons why a provider has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
enum SearchError {
    /// The provider does not know the word, and will not know it when asked again.
    #[permanent]
    Unknown,
    #[transparent(from)]
    Refused(resilient::Error),
}

type Answer = Result<u64, SearchError>;

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

    /// Asks a provider. One request in twenty is for a word that the provider does not know.
    async fn ask(&self, search: u64, provider: usize) -> Answer {
        self.sent.fetch_add(1, Relaxed);
        self.servers[provider].serve_copy(search).await.expect("these servers refuse nothing");
        let mixed = (search * PROVIDERS as u64 + provider as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        if mixed.is_multiple_of(20) { Err(SearchError::Unknown) } else { Ok(mixed) }
    }

    fn tick(&self) {
        self.servers.iter().for_each(|server| server.tick());
    }

    /// Returns the number of requests that are still queued or worked on.
    fn inside(&self) -> u64 {
        self.servers.iter().map(|server| server.seen().inside).sum()
    }
}

/// A client that searches.
trait Search: Send + Sync + 'static {
    fn search(&self, providers: &Providers, number: u64) -> impl Future<Output = Vec<Answer>> + Send;
}

/// Asks all providers at once, and waits for the slowest.
struct JoinAll;

impl Search for JoinAll {
    async fn search(&self, providers: &Providers, number: u64) -> Vec<Answer> {
        join_all((0..PROVIDERS).map(|provider| providers.ask(number, provider))).await
    }
}

/// Asks one provider after the other.
struct Sequential;

impl Search for Sequential {
    async fn search(&self, providers: &Providers, number: u64) -> Vec<Answer> {
        let mut answers = Vec::new();
        for provider in 0..PROVIDERS {
            answers.push(providers.ask(number, provider).await);
        }
        answers
    }
}

/// A fan-out with a hedge and a bulkhead for each provider.
struct Hedged {
    hedges: PerKey<Hedge>,
    places: PerKey<Bulkhead>,
}

impl Hedged {
    fn new(hedge: Hedge, places: u32) -> Self {
        let places = Bulkhead::named("search").limit(places).queue(10_000).max_wait(Duration::from_secs(60));
        Self { hedges: PerKey::new(hedge), places: PerKey::new(places) }
    }

    /// Returns the client with the attributes of the page.
    fn ours(plan: &Plan) -> Self {
        Self::new(Hedge::named("search"), 2 * plan.setup.workers)
    }

    /// Returns the client that the page warns of: it makes second attempts whatever they do to the servers.
    fn without_limits(_: &Plan) -> Self {
        Self::new(Hedge::named("search").ratio(1.0), 1_000_000)
    }

    #[fan_out(limit = 8)]
    #[hedge(idempotent, with = self.hedges.of(&provider))]
    #[bulkhead(with = self.places.of(&provider))]
    async fn ask(&self, providers: &Providers, number: u64, #[each] provider: usize) -> Answer {
        providers.ask(number, provider).await
    }
}

impl Search for Hedged {
    async fn search(&self, providers: &Providers, number: u64) -> Vec<Answer> {
        self.ask_all(providers, number, 0..PROVIDERS).await
    }
}

/// The record of a run.
#[derive(Debug)]
struct Run {
    /// The time of each search from its intended beginning, in order of length.
    times: Vec<Duration>,
    answers: HashMap<u64, Vec<Answer>>,
    sent: u64,
    left_over: u64,
}

impl Run {
    fn at(&self, share: f64) -> Duration {
        self.times[(share * self.times.len() as f64) as usize]
    }

    /// Returns the requests beyond one for each search and provider, as a share.
    fn extra(&self) -> f64 {
        self.sent as f64 / (self.times.len() * PROVIDERS) as f64 - 1.0
    }
}

/// The worst figures of three seeds.
#[derive(Debug, Clone, Copy)]
struct Figures {
    p50: Duration,
    p95: Duration,
    p99: Duration,
    extra: f64,
}

impl Figures {
    fn of(plan: &Plan, client: impl Fn(&Plan) -> Arc<dyn Fn(u64) -> Run>) -> Self {
        let runs = SEEDS.map(|seed| client(plan)(seed));
        let most = |share: f64| runs.iter().map(|run| run.at(share)).max().expect("there are seeds");
        for run in &runs {
            let stops = plan.setup.on_leave == OnLeave::Stop;
            assert!(!stops || run.left_over == 0, "the servers still work when the last search has ended");
        }
        let extra = runs.iter().map(Run::extra).fold(0.0, f64::max);
        Self { p50: most(0.50), p95: most(0.95), p99: most(0.99), extra }
    }

    fn row(self, client: &str, unhedged: Self) -> Vec<String> {
        let change = self.p99.as_secs_f64() / unhedged.p99.as_secs_f64() - 1.0;
        let change = if client == PLAIN { "–".to_owned() } else { format!("{:+.0} %", change * 100.0) };
        vec![
            client.to_owned(),
            millis(self.p50),
            millis(self.p95),
            millis(self.p99),
            change,
            percent(self.extra.max(0.0)),
        ]
    }
}

/// Makes a run of the client that `client` makes for the plan.
fn runs<S: Search>(plan: &Plan, client: fn(&Plan) -> S) -> Arc<dyn Fn(u64) -> Run> {
    let plan = plan.clone();
    Arc::new(move |seed| run(seed, &plan, client(&plan)))
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
                let found = client.search(&providers, number).await;
                (number, start.elapsed().saturating_sub(at), found)
            });
        }
        while let Some(ended) = searching.try_join_next() {
            let (number, time, found) = ended.expect("no search panics");
            times.push(time);
            answers.insert(number, found);
            left_over = providers.inside();
        }
    }
    times.sort_unstable();
    Run { times, answers, sent: providers.sent.load(Relaxed), left_over }
}

#[test]
fn hedging_cuts_the_tail_of_a_parallel_search() {
    let plan = |tail, correlation| Plan {
        setup: Setup { tail, correlation, ..Setup::of(20) },
        rate: 90.0,
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
        let unhedged = Figures::of(&plan, |plan| runs(plan, |_| JoinAll));
        let ours = Figures::of(&plan, |plan| runs(plan, Hedged::ours));
        table.row(unhedged.row(PLAIN, unhedged));
        table.row(ours.row("**ours**", unhedged));

        assert!(ours.extra <= 0.05, "{title}: {ours:?}");
        let most = if plan.setup.tail { 0.80 } else { 1.05 };
        assert!(ours.p99 <= unhedged.p99.mul_f64(most), "{title}: {ours:?} {unhedged:?}");
        tables.push(table);
    }
    for rho in [0.4, 0.6, 0.7, 0.8, 0.9] {
        let setup = Setup { on_leave: OnLeave::GoOn, ..Setup::of(4) };
        let plan = Plan { rate: rho * setup.capacity(), setup, time: Duration::from_secs(8) };
        let mut table = Table::new(format!("ρ {rho}, with four workers a provider"), &COLUMNS);
        let unhedged = Figures::of(&plan, |plan| runs(plan, |_| JoinAll));
        let ours = Figures::of(&plan, |plan| runs(plan, Hedged::ours));
        let without_limits = Figures::of(&plan, |plan| runs(plan, Hedged::without_limits));
        table.row(unhedged.row(PLAIN, unhedged));
        table.row(without_limits.row("hedge without limits", unhedged));
        table.row(ours.row("**ours**", unhedged));

        assert!(ours.extra <= 0.05, "ρ {rho}: {ours:?}");
        assert!(ours.p99 <= unhedged.p99.mul_f64(1.05), "ρ {rho}: {ours:?} {unhedged:?}");
        tables.push(table);
    }
    page::publish("S1", &tables);
}

#[test]
fn a_hedged_search_finds_what_a_sequential_one_does() {
    let plan = Plan { setup: Setup::of(20), rate: 90.0, time: Duration::from_secs(2) };
    let sequential = run(1, &Plan { rate: 90.0, ..plan.clone() }, Sequential);

    for answers in [run(1, &plan, JoinAll).answers, run(1, &plan, Hedged::ours(&plan)).answers] {
        assert_eq!(answers, sequential.answers);
    }
    let failed = sequential.answers.values().flatten().filter(|answer| answer.is_err()).count() as f64;
    let share = failed / (sequential.answers.len() * PROVIDERS) as f64;
    assert!((0.03..0.07).contains(&share), "{share}");
}

const PROVIDERS: usize = 8;
const PLAIN: &str = "`join_all`";
const COLUMNS: [&str; 6] = ["client", "p50", "p95", "p99", "change of p99", "extra requests"];
const TICK: Duration = Duration::from_millis(1);
