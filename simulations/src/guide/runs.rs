//! Runs in simulated time, and the series that charts show of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use resilient_simulator::arrivals::{Stretch, poisson};
use resilient_simulator::calls::{CallError, Client, SLO, Target, Wire};
use resilient_simulator::drive::{self, Call, Plan, Run, open_loop_within};
use resilient_simulator::server::{Server, Setup};
use tokio::time::Instant;

/// The wire to a server, which notes the time of each attempt.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) wire: Wire,
    start: Instant,
    sent: Arc<Mutex<Vec<Duration>>>,
}

impl Line {
    /// Returns a line whose time begins now.
    pub(super) fn to(wire: Wire) -> Self {
        Self { wire, start: Instant::now(), sent: Arc::default() }
    }
}

impl Target for Line {
    async fn send(&self) -> Result<(), CallError> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(self.start.elapsed());
        self.wire.send().await
    }
}

/// The calls of a run, and the times of the attempts that the server saw.
pub(super) struct Story {
    pub(super) calls: Vec<Call>,
    pub(super) sent: Vec<Duration>,
    pub(super) run: Run,
}

/// Makes a client of a function that has policies above it.
macro_rules! client {
    ($name:ident, $function:path) => {
        pub(in $crate::guide) struct $name(pub(in $crate::guide) $crate::guide::runs::Line);

        impl resilient_simulator::calls::Client for $name {
            async fn call(&self) -> Result<(), resilient_simulator::calls::CallError> {
                $function(&self.0).await
            }
        }
    };
}
pub(super) use client;

/// Makes the attempt and nothing else: a client without policies.
pub(super) async fn plain(line: &Line) -> Result<(), CallError> {
    line.send().await
}

client!(Plain, plain);

/// Runs a plan with one client, and with the seed of the guide.
pub(super) fn story<C: Client>(plan: &Plan, client: impl Fn(Line) -> C) -> Story {
    let sent = Arc::new(Mutex::new(Arc::default()));
    let run = drive::run(SEED, plan, |wire| {
        let line = Line::to(wire);
        *sent.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&line.sent);
        client(line)
    });
    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Story { calls: run.calls.clone(), sent, run }
}

/// Returns a plan with one client, in which an answer counts within a second.
pub(super) fn plan(setup: Setup, stretches: &[(f64, u64)]) -> Plan {
    let stretches = stretches.iter().map(|&(rate, time)| Stretch { rate, time: seconds(time) }).collect();
    Plan { setup, stretches, clients: 1, slo: SLO }
}

pub(super) const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

pub(super) const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

impl Story {
    /// Returns the attempts a second that the server saw.
    pub(super) fn attempts(&self) -> Vec<(f64, f64)> {
        rates(self.sent.iter().copied(), self.end())
    }

    /// Returns the good answers a second, by the time of the answer.
    pub(super) fn good(&self) -> Vec<(f64, f64)> {
        let good = self.calls.iter().filter(|call| call.is_good());
        rates(good.filter_map(|call| Some(call.end.as_ref()?.0)), self.end())
    }

    /// Returns the calls a second that did not end well, by the time at which they came.
    pub(super) fn bad(&self) -> Vec<(f64, f64)> {
        rates(self.calls.iter().filter(|call| !call.is_good()).map(|call| call.at), self.end())
    }

    /// Returns the share of the calls that ended well, of those that came within a time.
    pub(super) fn share_good(&self, from: u64, until: u64) -> f64 {
        let came = || self.calls.iter().filter(|call| (seconds(from)..seconds(until)).contains(&call.at));
        came().filter(|call| call.is_good()).count() as f64 / came().count() as f64
    }

    /// Returns the attempts a second within a time.
    pub(super) fn attempts_within(&self, from: u64, until: u64) -> f64 {
        let within = self.sent.iter().filter(|at| (seconds(from)..seconds(until)).contains(*at)).count();
        within as f64 / (until - from) as f64
    }

    /// Returns the calls that are under way at each tenth of a second.
    pub(super) fn under_way(&self) -> Vec<(f64, f64)> {
        self.under_way_until(self.end())
    }

    /// Returns the calls that are under way at each tenth of a second to that time.
    pub(super) fn under_way_until(&self, until: Duration) -> Vec<(f64, f64)> {
        let times = (0..=(until.as_millis() / 100) as u64).map(|tenth| ms(tenth * 100));
        times.map(|time| (time.as_secs_f64(), self.under_way_at(time))).collect()
    }

    /// Returns the calls that are under way at a time.
    pub(super) fn under_way_at(&self, time: Duration) -> f64 {
        let goes_on = |call: &&Call| call.at <= time && call.end.as_ref().is_none_or(|(end, _)| *end > time);
        self.calls.iter().filter(goes_on).count() as f64
    }

    /// Returns the time within which that share of the calls got their answers, in milliseconds.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        quantile(self.calls.iter().filter_map(Call::latency).collect(), share)
    }

    /// Returns the end of the last whole second in which calls came.
    fn end(&self) -> Duration {
        let last = self.calls.last().map_or(Duration::ZERO, |call| call.at);
        Duration::from_secs_f64(last.as_secs_f64().ceil())
    }
}

/// Returns the events a second in each half of a second, at its middle.
pub(super) fn rates(times: impl Iterator<Item = Duration>, end: Duration) -> Vec<(f64, f64)> {
    let mut slots = vec![0.0; (end.as_secs_f64() / SLOT).round() as usize];
    for time in times {
        if let Some(slot) = slots.get_mut((time.as_secs_f64() / SLOT) as usize) {
            *slot += 1.0 / SLOT;
        }
    }
    slots.into_iter().enumerate().map(|(slot, rate)| ((slot as f64 + 0.5) * SLOT, rate)).collect()
}

/// Returns the time below which that share of the times is, in milliseconds.
pub(super) fn quantile(mut times: Vec<Duration>, share: f64) -> f64 {
    times.sort_unstable();
    times.get((share * times.len() as f64) as usize).map_or(f64::INFINITY, |time| time.as_secs_f64() * 1e3)
}

/// Returns the height of a line at one of its points.
pub(super) fn at(points: &[(f64, f64)], across: f64) -> f64 {
    points.iter().find(|(at, _)| at.total_cmp(&across).is_eq()).expect("a point of the line").1
}

/// Writes a share in per cent.
pub(super) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.0095 { format!("{:.1} %", share * 100.0) } else { format!("{:.0} %", share * 100.0) }
}

/// The seed of all runs of the guide.
pub(super) const SEED: u64 = 1;
const SLOT: f64 = 0.5;

/// The usual calls of a server that does other work as well.
pub(super) struct Beside {
    pub(super) calls: Vec<Call>,
    /// The end of the work.
    pub(super) work: Duration,
}

impl Beside {
    /// Returns the times of the calls that came within a time.
    pub(super) fn within(&self, from: Duration, until: Duration) -> Vec<Duration> {
        self.calls.iter().filter(|call| (from..until).contains(&call.at)).filter_map(Call::latency).collect()
    }
}

/// Makes so many calls a second at a server of eight workers, beside the work that `work` does there.
pub(super) fn beside<F: Future<Output = ()> + Send + 'static>(
    rate: f64,
    time: Duration,
    work: impl FnOnce(Line) -> F,
) -> Beside {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let wire = Wire::to(Server::start(Setup { tail: false, ..Setup::of(8) }, SEED));
        let line = Line::to(wire.clone());
        let start = Instant::now();
        let work = work(line.clone());
        let work = tokio::spawn(async move {
            work.await;
            start.elapsed()
        });
        let arrivals = poisson(SEED, &[Stretch { rate, time }]);
        let calls = open_loop_within(seconds(20), &arrivals, &[Arc::new(Plain(line))], || wire.server().tick()).await;
        Beside { calls, work: work.await.expect("it ends") }
    })
}
