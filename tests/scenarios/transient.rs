//! S3: attempts fail now and then, each for itself or all of them for a moment.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use resilient::{CircuitBreaker, Retry, circuit_breaker, retry, timeout};
use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::{CallError, Client, Target};
use resilient_scenarios::drive::{Call, SEEDS, open_loop};
use resilient_scenarios::recoveries::{Recoveries, Watched, Watching};
use resilient_scenarios::report::{Table, millis, percent};
use tokio::time::{Instant, sleep};

use crate::page;

#[test]
fn what_fails_for_a_moment_is_recovered_within_three_retries() {
    let tables = thread::scope(|threads| {
        let ours = threads.spawn(ours_in_every_trouble);
        let others = threads.spawn(|| [Trouble::Each(0.05), Trouble::Burst(50)].map(beside_others));
        let [each, bursts] = others.join().expect("they run");
        [ours.join().expect("it recovers"), each, bursts]
    });
    page::publish("S3", &tables);
}

fn ours_in_every_trouble() -> Table {
    let mut table =
        Table::new("Our stack", &["trouble", "calls a second", "recovered", "good", "amplification", "p99"]);
    let usual = [
        Trouble::Each(0.01),
        Trouble::Each(0.05),
        Trouble::Each(0.10),
        Trouble::Each(0.20),
        Trouble::Burst(20),
        Trouble::Burst(50),
        Trouble::Burst(100),
        Trouble::Burst(200),
    ];
    let rows = usual.map(|trouble| (trouble, 500.0)).into_iter().chain([(Trouble::Each(0.20), 2_000.0)]);
    for (trouble, rate) in rows {
        let figures = worst(trouble, rate, Ours::new);
        trouble.is_survived(&figures);
        let mut cells = vec![trouble.to_string(), format!("{rate:.0}")];
        cells.extend(figures.cells());
        table.row(cells);
    }
    table
}

fn beside_others(trouble: Trouble) -> Table {
    let title = format!("Beside others: {trouble}, 500 calls a second");
    let mut table = Table::new(title, &["client", "recovered", "good", "amplification", "p99"]);
    let rows = [
        ("no policy", worst(trouble, 500.0, NoPolicy)),
        ("naive retry", worst(trouble, 500.0, Naive)),
        ("tower", worst(trouble, 500.0, Tower::new)),
        ("**ours**", worst(trouble, 500.0, Ours::new)),
    ];
    for (client, figures) in rows {
        let mut cells = vec![client.to_owned()];
        cells.extend(figures.cells());
        table.row(cells);
    }
    table
}

/// The ways in which attempts fail.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Each attempt with this probability.
    Each(f64),
    /// All attempts that arrive within so many milliseconds, once in three seconds.
    Burst(u64),
}

/// The figures of a run, or the worst of several.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// The calls that succeeded although their first attempt failed, as a share of those whose first attempt failed.
    recovered: f64,
    good: f64,
    amplification: f64,
    p99: Duration,
}

impl Trouble {
    /// Checks the musts: 99 % are recovered, for no more attempts than the failures explain.
    fn is_survived(self, figures: &Figures) {
        let (must, attempts) = match self {
            Self::Each(p) if p <= 0.05 => (0.99, 1.0 + p + p * p + 0.005),
            Self::Each(p) if p <= 0.10 => (0.985, 1.0 + p + p * p + 0.005),
            // the budget of a fifth ends some calls
            Self::Each(p) => (0.80, 1.0 + p + p * p + 0.005),
            Self::Burst(_) => (0.99, 1.10),
        };
        assert!(figures.recovered >= must, "{self}: {figures:?}");
        assert!(figures.amplification <= attempts, "{self}: {figures:?}");
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Each(p) => write!(f, "{:.0} % of the attempts fail", p * 100.0),
            Self::Burst(millis) => write!(f, "all fail for {millis} ms, every 3 s"),
        }
    }
}

impl Figures {
    fn worse(self, other: Self) -> Self {
        Self {
            recovered: self.recovered.min(other.recovered),
            good: self.good.min(other.good),
            amplification: self.amplification.max(other.amplification),
            p99: self.p99.max(other.p99),
        }
    }

    fn cells(&self) -> [String; 4] {
        let amplification = format!("{:.3}", self.amplification);
        [percent(self.recovered), percent(self.good), amplification, millis(self.p99)]
    }
}

/// The server, which works on any number of calls at once.
#[derive(Debug, Clone)]
struct Flaky(Arc<State>);

#[derive(Debug)]
struct State {
    start: Instant,
    trouble: Trouble,
    /// The beginnings of the bursts.
    bursts: Vec<Duration>,
    luck: Mutex<SmallRng>,
    attempts: AtomicU64,
}

impl Flaky {
    fn start(trouble: Trouble, seed: u64) -> Self {
        let mut luck = SmallRng::seed_from_u64(seed);
        // somewhere in its three seconds, and not in the seconds before anything is known of the server
        let bursts = (2..).map(|number| EVERY * number + EVERY.mul_f64(0.9 * fraction(&mut luck)));
        let bursts = bursts.take_while(|&burst| burst < TIME).collect();
        let luck = Mutex::new(luck);
        Self(Arc::new(State { start: Instant::now(), trouble, bursts, luck, attempts: AtomicU64::new(0) }))
    }

    fn fails(&self) -> bool {
        let now = self.0.start.elapsed();
        match self.0.trouble {
            Trouble::Each(p) => fraction(&mut self.0.luck.lock().expect("nobody panics")) < p,
            Trouble::Burst(millis) => {
                let last = self.0.bursts.partition_point(|&burst| burst <= now);
                last > 0 && now < self.0.bursts[last - 1] + Duration::from_millis(millis)
            }
        }
    }
}

impl Target for Flaky {
    async fn send(&self) -> Result<(), CallError> {
        self.0.attempts.fetch_add(1, Relaxed);
        let fails = self.fails();
        sleep(USUAL).await;
        if fails { Err(CallError::Lost) } else { Ok(()) }
    }
}

struct Ours<T> {
    server: T,
    retry: Retry,
    breaker: CircuitBreaker,
}

impl<T: Target> Ours<T> {
    fn new(server: T) -> Self {
        Self { server, retry: Retry::named("fetch"), breaker: CircuitBreaker::named("fetch") }
    }

    #[timeout(total = "1s")]
    #[retry(with = self.retry)]
    #[circuit_breaker(with = self.breaker)]
    async fn fetch(&self) -> Result<(), CallError> {
        self.server.send().await
    }
}

impl<T: Target> Client for Ours<T> {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}

fn worst<C: Client>(trouble: Trouble, rate: f64, client: impl Fn(Watched<Flaky>) -> C) -> Figures {
    let figures = SEEDS.map(|seed| run(seed, trouble, rate, &client));
    figures.into_iter().reduce(Figures::worse).expect("there are seeds")
}

fn run<C: Client>(seed: u64, trouble: Trouble, rate: f64, client: impl Fn(Watched<Flaky>) -> C) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    resilient::test::seed(seed);
    runtime.block_on(async {
        let server = Flaky::start(trouble, seed);
        let recoveries = Arc::<Recoveries>::default();
        let client = Arc::new(Watching::new(client(Watched(server.clone())), &recoveries));
        let arrivals = poisson(seed, &[Stretch { rate, time: TIME }]);

        let calls = open_loop(&arrivals, &[client], || {}).await;

        assert!(recoveries.failed() > 30, "there is something to recover from");
        let mut latencies: Vec<Duration> = calls.iter().filter_map(Call::latency).collect();
        latencies.sort_unstable();
        let all = calls.len() as f64;
        Figures {
            recovered: recoveries.share(),
            good: calls.iter().filter(|call| call.is_good()).count() as f64 / all,
            amplification: server.0.attempts.load(Relaxed) as f64 / all,
            p99: latencies[latencies.len() * 99 / 100],
        }
    })
}

fn fraction(luck: &mut SmallRng) -> f64 {
    luck.next_u64() as f64 / u64::MAX as f64
}

const USUAL: Duration = Duration::from_millis(15);
const TIME: Duration = Duration::from_secs(21);
const EVERY: Duration = Duration::from_secs(3);
