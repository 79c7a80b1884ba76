//! S4: the server is down for ten seconds.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use resilient::{CircuitBreaker, circuit_breaker, timeout};
use tokio::time::{Instant, sleep};

use crate::page;
use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::calls::{CallError, Client};
use resilient_scenarios::drive::{SEEDS, open_loop};
use resilient_scenarios::report::{Table, millis, percent, recovery};

#[test]
fn an_outage_is_seen_at_once_and_its_end_too() {
    let tables = thread::scope(|threads| {
        let tables = FAULTS.map(|fault| threads.spawn(move || table(fault)));
        tables.map(|table| table.join().expect("it survives"))
    });
    page::publish("S4", &tables);
}

fn table(fault: Fault) -> Table {
    let columns = ["clients", "let through after 0.5 s", "let through in all", "recovery"];
    let mut table = Table::new(fault.title(), &columns);
    for (clients, shared) in [(1, true), (5, true), (50, true), (5, false), (50, false)] {
        let figures = SEEDS.map(|seed| outage(seed, fault, clients, shared)).into_iter().reduce(Figures::worse);
        let figures = figures.expect("there are seeds");
        survives(figures);
        let name = match (clients, shared) {
            (1, _) => "1".to_owned(),
            (_, true) => format!("{clients} that share a breaker"),
            (_, false) => format!("{clients} with their own"),
        };
        table.row(vec![
            name,
            percent(figures.late_attempts),
            percent(figures.attempts),
            figures.recovery.map_or_else(|| "never".to_owned(), millis),
        ]);
    }
    table
}

/// The ways in which a server is down.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It answers with an error after its usual time.
    Answers,
    /// It refuses connections at once.
    Refuses,
    /// It takes everything and never answers.
    Hangs,
}

#[derive(Debug, Clone, Copy)]
struct Figures {
    /// The attempts from half a second into the outage to its end, as a share of the calls then.
    late_attempts: f64,
    /// The attempts of the whole outage, as a share of the calls then.
    attempts: f64,
    /// The time from the end of the outage to the first of four seconds with 95 % good answers.
    recovery: Option<Duration>,
}

/// The server, which counts the attempts during its outage.
#[derive(Debug)]
struct Server {
    start: Instant,
    fault: Fault,
    attempts: AtomicU64,
    late_attempts: AtomicU64,
}

struct Guarded {
    server: Arc<Server>,
    breaker: Arc<CircuitBreaker>,
}

impl Guarded {
    #[circuit_breaker(with = *self.breaker)]
    #[timeout(attempt = "250ms")]
    async fn fetch(&self) -> Result<(), CallError> {
        self.server.serve().await
    }
}

impl Client for Guarded {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}

impl Server {
    async fn serve(&self) -> Result<(), CallError> {
        let now = self.start.elapsed();
        if !(BEFORE..BEFORE + OUTAGE).contains(&now) {
            sleep(USUAL).await;
            return Ok(());
        }
        // `Relaxed` is enough for one thread.
        self.attempts.fetch_add(1, Relaxed);
        if now >= BEFORE + LATE {
            self.late_attempts.fetch_add(1, Relaxed);
        }
        match self.fault {
            Fault::Answers => sleep(USUAL).await,
            Fault::Refuses => {}
            Fault::Hangs => std::future::pending().await,
        }
        Err(CallError::Lost)
    }
}

impl Fault {
    fn title(self) -> &'static str {
        match self {
            Self::Answers => "It answers with an error",
            Self::Refuses => "It refuses connections",
            Self::Hangs => "It never answers",
        }
    }
}

impl Figures {
    fn worse(self, other: Self) -> Self {
        Self {
            late_attempts: self.late_attempts.max(other.late_attempts),
            attempts: self.attempts.max(other.attempts),
            recovery: self.recovery.zip(other.recovery).map(|(one, other)| one.max(other)),
        }
    }
}

fn survives(figures: Figures) {
    assert!(figures.late_attempts <= 0.10, "{figures:?}");
    assert!(figures.recovery.is_some_and(|time| time <= Duration::from_millis(1_500)), "{figures:?}");
}

fn outage(seed: u64, fault: Fault, clients: usize, shared: bool) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    resilient::test::seed(seed);
    runtime.block_on(async {
        let server =
            Server { start: Instant::now(), fault, attempts: AtomicU64::new(0), late_attempts: AtomicU64::new(0) };
        let server = Arc::new(server);
        let breaker = || Arc::new(CircuitBreaker::named("fetch"));
        let one = breaker();
        let client =
            || Guarded { server: Arc::clone(&server), breaker: if shared { Arc::clone(&one) } else { breaker() } };
        let clients: Vec<_> = (0..clients).map(|_| Arc::new(client())).collect();
        let arrivals = poisson(seed, &[Stretch { rate: RATE, time: BEFORE + OUTAGE + AFTER }]);

        let calls = open_loop(&arrivals, &clients, || {}).await;

        let offered = |from: Duration| {
            let until = BEFORE + OUTAGE;
            calls.iter().filter(|call| (from..until).contains(&call.at)).count() as f64
        };
        Figures {
            late_attempts: server.late_attempts.load(Relaxed) as f64 / offered(BEFORE + LATE),
            attempts: server.attempts.load(Relaxed) as f64 / offered(BEFORE),
            recovery: recovery(&calls, BEFORE + OUTAGE),
        }
    })
}

const FAULTS: [Fault; 3] = [Fault::Answers, Fault::Refuses, Fault::Hangs];
/// The calls a second, by all clients together.
const RATE: f64 = 500.0;
const USUAL: Duration = Duration::from_millis(15);
const BEFORE: Duration = Duration::from_secs(40);
const OUTAGE: Duration = Duration::from_secs(10);
const AFTER: Duration = Duration::from_secs(7);
const LATE: Duration = Duration::from_millis(500);
