//! One run: a server, some clients of one kind, an open loop of calls, and the books.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::arrivals::{Stretch, poisson};
use crate::calls::{CallError, Client, DUE, SLO, Wire};
use crate::report::{Fault, Figures};
use crate::server::{Seen, Server, Setup};

/// The load of a run, and its server.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub setup: Setup,
    /// The calls.
    pub stretches: Vec<Stretch>,
    /// The clients that share the calls between them; each has its own policies.
    pub clients: usize,
    /// The time within which an answer counts.
    pub slo: Duration,
}

/// The record of a run.
#[derive(Debug)]
pub struct Run {
    /// All calls.
    pub calls: Vec<Call>,
    /// The number of attempts that the clients sent.
    pub attempts: u64,
    /// The server's own counts.
    pub seen: Seen,
    /// The average share of the clients' own limits that was in use.
    pub occupancy: f64,
}

/// One call: its intended beginning, and its end with the outcome, if it has ended.
#[derive(Debug, Clone)]
pub struct Call {
    /// The intended beginning, since the beginning of the run.
    pub at: Duration,
    /// The time within which its answer counts.
    pub slo: Duration,
    /// The end, since the beginning of the run, too.
    pub end: Option<(Duration, Result<(), CallError>)>,
}

/// Runs `plan` with clients that `client` makes, on a paused clock of its own.
///
/// # Panics
///
/// If the books do not balance.
pub fn run<C: Client>(seed: u64, plan: &Plan, client: impl Fn(Wire) -> C) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    // the jitter of our own policies
    resilient::test::seed(seed);
    let run = runtime.block_on(calls(seed, plan, client));
    run.balance();
    run
}

/// Returns the worst figures of the three seeds.
///
/// # Panics
///
/// If the books do not balance.
pub fn worst<C: Client>(plan: &Plan, fault: Fault, client: impl Fn(Wire) -> C) -> Figures {
    let figures = SEEDS.map(|seed| Figures::of(&run(seed, plan, &client), fault));
    figures.into_iter().reduce(Figures::worse).expect("there are seeds")
}

async fn calls<C: Client>(seed: u64, plan: &Plan, client: impl Fn(Wire) -> C) -> Run {
    let wire = Wire::to(Server::start(plan.setup.clone(), seed));
    let clients: Vec<Arc<C>> = (0..plan.clients).map(|_| Arc::new(client(wire.clone()))).collect();
    let arrivals = poisson(seed.wrapping_add(0x5eed), &plan.stretches);

    let (mut full, mut looks, mut ticks) = (0.0, 0, 0_u32);
    let tick = || {
        wire.server().tick();
        ticks += 1;
        if ticks.is_multiple_of(10) {
            looks += clients.len();
            full += clients.iter().map(|client| client.occupancy()).sum::<f64>();
        }
    };
    let calls = open_loop_within(plan.slo, &arrivals, &clients, tick).await;

    Run { calls, attempts: wire.sent(), seen: wire.server().seen(), occupancy: full / looks as f64 }
}

/// Makes a call at each arrival, by one client after the other, and waits some more for the last calls. An answer counts within
/// [`SLO`].
pub async fn open_loop<C: Client>(arrivals: &[Duration], clients: &[Arc<C>], tick: impl FnMut()) -> Vec<Call> {
    open_loop_within(SLO, arrivals, clients, tick).await
}

/// Makes the same calls, whose answers count within `slo`.
pub async fn open_loop_within<C: Client>(
    slo: Duration,
    arrivals: &[Duration],
    clients: &[Arc<C>],
    mut tick: impl FnMut(),
) -> Vec<Call> {
    let calls = arrivals.iter().map(|&at| Call { at, slo, end: None }).collect();
    let calls: Arc<Mutex<Vec<Call>>> = Arc::new(Mutex::new(calls));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    let last = arrivals.last().copied().unwrap_or_default() + slo + PATIENCE;

    let mut arriving = arrivals.iter().copied().enumerate().peekable();
    let mut now = Duration::ZERO;
    while now < last {
        now += TICK;
        tokio::time::sleep_until(start + now).await;
        tick();
        while let Some((index, _)) = arriving.next_if(|&(_, at)| at <= now) {
            let client = Arc::clone(&clients[index % clients.len()]);
            let calls = Arc::clone(&calls);
            let due = Instant::now() + slo;
            tasks.spawn(DUE.scope(due, async move {
                let outcome = client.call().await;
                let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
                calls[index].end = Some((start.elapsed(), outcome));
            }));
        }
    }

    // A call that is still under way has waited for too long.
    tasks.shutdown().await;
    let calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
    calls.clone()
}

impl Run {
    /// Checks that every call has one outcome or is under way, and that the server saw every attempt and has one end for each.
    fn balance(&self) {
        let Seen { arrived, refused, served, left, inside, .. } = self.seen;
        assert_eq!(self.attempts, arrived, "attempts that were sent, and that the server saw");
        let ways = [Call::is_good, Call::is_refused, Call::is_late];
        let ends = ways.map(|is| self.calls.iter().filter(|call| is(call)).count());
        assert_eq!(ends.iter().sum::<usize>(), self.calls.len(), "good, refused and late: {ends:?}");
        assert_eq!(arrived, refused + served + left + inside, "{:?}", self.seen);
    }
}

/// The seeds of the runs; the worst figures count.
pub const SEEDS: [u64; 3] = [1, 2, 3];
const TICK: Duration = Duration::from_millis(1);
/// The time to wait for the last calls beyond the time that a call may take.
const PATIENCE: Duration = Duration::from_millis(200);
