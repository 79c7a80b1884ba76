//! One run over HTTP: a server, some clients of one kind, an open loop of calls, and the books.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use resilient_scenarios::arrivals::poisson;
use resilient_scenarios::baselines::{Naive, NoPolicy, Tower};
use resilient_scenarios::calls::Client;
use resilient_scenarios::drive::{Plan, Run, open_loop_within};
use resilient_scenarios::report::{Fault, Figures};
use resilient_scenarios::server::{Seen, Server};
use resilient_scenarios::stack::Ours;

use crate::books::Books;
use crate::host::{self, Host, Port};
use crate::plot::Series;
use crate::wire::{self, Wire};
use crate::{cpu, wire::POOL};

/// The clients that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NoPolicy,
    Naive,
    Tower,
    Ours,
}

/// The record of a run.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) run: Run,
    /// A contradiction in the books.
    imbalance: Option<String>,
    /// The number of attempts that a broken connection ended.
    lost: u64,
    /// The share of a core that the clients' thread kept busy.
    pub(crate) cpu: Option<f64>,
    /// CPU time of that thread for each call.
    pub(crate) cpu_a_call: Option<Duration>,
    /// New connections after the first second, for each attempt after it.
    pub(crate) new_connections: f64,
    /// The connections in use, on average, as a share of those that the pools keep.
    pub(crate) pool: f64,
}

impl Kind {
    pub(crate) const BASELINES: [Self; 3] = [Self::NoPolicy, Self::Naive, Self::Tower];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NoPolicy => "no policy",
            Self::Naive => "naive retry",
            Self::Tower => "tower",
            Self::Ours => "**ours**",
        }
    }

    /// Runs `plan` with clients of this kind.
    pub(crate) fn run(self, seed: u64, plan: &Plan) -> Measured {
        let (workers, clients) = (plan.setup.workers, plan.clients as u32);
        match self {
            Self::NoPolicy => direct(seed, plan, NoPolicy),
            Self::Naive => direct(seed, plan, Naive),
            Self::Tower => direct(seed, plan, Tower::new),
            Self::Ours => direct(seed, plan, |wire| Ours::sharing(wire, workers, clients)),
        }
    }
}

impl Measured {
    /// Describes a contradiction in the books, if there is one. Our own clients must not lose attempts on the way either.
    pub(crate) fn imbalance(&self, kind: Kind) -> Option<String> {
        self.imbalance_with(if kind == Kind::Ours { 0 } else { u64::MAX })
    }

    /// Describes a contradiction in the books, or more attempts that connections lost than `most`.
    pub(crate) fn imbalance_with(&self, most: u64) -> Option<String> {
        let lost = (self.lost > most).then(|| format!("{} lost with their connections", self.lost));
        self.imbalance.clone().or(lost)
    }

    pub(crate) fn series(&self, name: impl Into<String>, fault: Fault) -> Series {
        Series::of(name, &self.run.calls, fault)
    }
}

/// Runs clients and a server with nothing in between.
pub(crate) fn direct<C: Client>(seed: u64, plan: &Plan, client: impl Fn(Wire) -> C) -> Measured {
    at(Port::bind(), seed, plan, client)
}

/// Runs clients and a server at that port.
pub(crate) fn at<C: Client>(port: Port, seed: u64, plan: &Plan, client: impl Fn(Wire) -> C) -> Measured {
    let (url, books) = (port.url.clone(), Arc::clone(&port.books));
    let wires = (0..plan.clients).map(|_| Wire::to(&url, &books));
    let clients: Vec<_> = wires.map(|wire| Arc::new(client(wire))).collect();
    let server = Server::start(plan.setup.clone(), seed);
    let app = host::serving(Arc::clone(&server), Arc::clone(&books));
    run(seed, plan, &clients, &books, &books, vec![server], vec![(port, app)])
}

/// Runs one client of so many servers, each at a port of its own, for which `app` makes the routes.
pub(crate) fn among<C: Client>(
    servers: usize,
    seed: u64,
    plan: &Plan,
    app: impl Fn(usize, Arc<Server>, Arc<Books>) -> Router,
    client: impl FnOnce(Vec<Wire>) -> C,
) -> Measured {
    let books = Arc::<Books>::default();
    let start = |number| Server::start(plan.setup.clone(), seed * 100 + number as u64);
    let servers: Vec<_> = (0..servers).map(start).collect();
    let ports: Vec<Port> = servers.iter().map(|_| Port::bind()).collect();
    let wires = ports.iter().map(|port| Wire::to(&port.url, &books)).collect();
    let apps = servers.iter().enumerate().map(|(number, server)| app(number, Arc::clone(server), Arc::clone(&books)));
    let ports = ports.into_iter().zip(apps).collect();
    run(seed, plan, &[Arc::new(client(wires))], &books, &books, servers, ports)
}

/// Runs the calls of `plan` by `clients`. The servers at the end have `books`, and the clients write into those of the `first`
/// hop.
pub(crate) fn run<C: Client>(
    seed: u64,
    plan: &Plan,
    clients: &[Arc<C>],
    first: &Books,
    books: &Books,
    servers: Vec<Arc<Server>>,
    ports: Vec<(Port, Router)>,
) -> Measured {
    wire::begin();
    let arrivals = poisson(seed.wrapping_add(0x5eed), &plan.stretches);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let host = Host::start(ports, servers.clone());

    let began = (std::time::Instant::now(), cpu::of_this_thread());
    let (mut full, mut busy, mut looks, mut ticks) = (0.0, 0, 0_u32, 0_u32);
    let mut warm = (0, 0);
    let calls = runtime.block_on(open_loop_within(plan.slo, &arrivals, clients, || {
        ticks += 1;
        if ticks.is_multiple_of(10) {
            looks += 1;
            busy += first.in_flight();
            full += clients.iter().map(|client| client.occupancy()).sum::<f64>() / clients.len() as f64;
        }
        if ticks == WARM {
            warm = (first.connections.load(Relaxed), first.sent());
        }
    }));
    let wall = began.0.elapsed();
    let cpu = cpu::of_this_thread().zip(began.1).map(|(now, then)| now.saturating_sub(then));
    // Attempts on their way arrive, or are given up.
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(100)).await });
    drop(runtime);
    std::thread::sleep(Duration::from_millis(50));
    drop(host);

    let at_server = servers.iter().map(|server| server.seen()).reduce(Seen::and).unwrap_or_default();
    let imbalance = books.imbalance(&calls, Some(&at_server)).or_else(|| first.imbalance(&calls, None));
    let (new, sent) = (first.connections.load(Relaxed) - warm.0, first.sent() - warm.1);
    let count = u32::try_from(calls.len()).unwrap_or(u32::MAX).max(1);
    Measured {
        imbalance,
        lost: first.lost().max(books.lost()),
        cpu: cpu.map(|cpu| cpu.as_secs_f64() / wall.as_secs_f64()),
        cpu_a_call: cpu.map(|cpu| cpu / count),
        new_connections: new as f64 / sent.max(1) as f64,
        pool: busy as f64 / f64::from(looks.max(1)) / (POOL * clients.len()) as f64,
        run: Run { calls, attempts: books.sent(), seen: at_server, occupancy: full / f64::from(looks.max(1)) },
    }
}

/// Returns the worst figures of several runs.
pub(crate) fn worst(runs: &[Measured], fault: Fault) -> Figures {
    let figures = runs.iter().map(|measured| Figures::of(&measured.run, fault));
    figures.reduce(Figures::worse).expect("there is a seed")
}

/// The ticks before connections count as new ones.
const WARM: u32 = 1_000;

#[cfg(test)]
mod tests {
    use resilient_scenarios::arrivals::Stretch;
    use resilient_scenarios::calls::SLO;
    use resilient_scenarios::server::KINDS;

    use super::*;
    use crate::lanes::{self, Job};

    /// A slow machine makes calls late, and must not lose any call or attempt.
    #[test]
    fn the_books_of_a_short_run_balance() {
        let jobs = [Kind::NoPolicy, Kind::Naive, Kind::Tower, Kind::Ours].iter().zip(KINDS).map(|(&kind, server)| {
            let stretches = vec![Stretch { rate: 400.0, time: Duration::from_millis(300) }];
            let plan = Plan { setup: server.with(2), stretches, clients: 2, slo: SLO };
            Box::new(move || kind.run(1, &plan)) as Job<Measured>
        });

        for measured in lanes::run(4, Duration::ZERO, jobs.collect()) {
            assert_eq!(measured.imbalance, None);
            assert!(measured.run.calls.len() > 60);
        }
    }
}
