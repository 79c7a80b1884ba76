//! Failures that pass: their kinds, the client that outlives them, and its figures.

use std::fmt;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use resilient::{CircuitBreaker, Retry, circuit_breaker, retry, timeout};
use resilient_simulator::latency::Measured;

use crate::calls::{CallError, Client, Target};
use crate::drive::{Call, Run};
use crate::recoveries::Recoveries;
use crate::report::{millis, percent};
use crate::server::{Down, Setup};

/// The ways in which attempts fail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trouble {
    /// Each attempt with this probability.
    Each(f64),
    /// All attempts that arrive within so many milliseconds, once in three seconds.
    Burst(u64),
}

impl Trouble {
    /// Every trouble of the page.
    pub const ALL: [Self; 8] = [
        Self::Each(0.01),
        Self::Each(0.05),
        Self::Each(0.10),
        Self::Each(0.20),
        Self::Burst(20),
        Self::Burst(50),
        Self::Burst(100),
        Self::Burst(200),
    ];

    /// Returns the setup of a server with room for so many calls a second, and with this trouble for so long.
    pub fn setup(self, seed: u64, rate: f64, time: Duration) -> Setup {
        let usual = steady(rate);
        match self {
            Self::Each(errors) => Setup { errors, ..usual },
            Self::Burst(millis) => {
                let mut luck = SmallRng::seed_from_u64(seed);
                // somewhere in its three seconds, and not in the seconds before anything is known of the server
                let bursts = (2..).map(|number| EVERY * number + EVERY.mul_f64(luck.random_range(0.0..0.9)));
                let bursts = bursts.take_while(|&burst| burst < time);
                let down = |from| Down { from, until: from + Duration::from_millis(millis), hangs: false };
                Setup { down: bursts.map(down).collect(), ..usual }
            }
        }
    }

    /// Returns the least share of failed first attempts that must be recovered.
    pub fn least_recovered(self) -> f64 {
        match self {
            Self::Each(p) if p <= 0.10 => 0.99,
            // the budget of a fifth ends some calls
            Self::Each(_) => 0.80,
            Self::Burst(_) => 0.99,
        }
    }

    /// Returns the most attempts for each call that the failures explain.
    pub fn most_attempts(self) -> f64 {
        match self {
            Self::Each(p) => 1.0 + p + p * p + 0.005,
            Self::Burst(_) => 1.10,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Each(p) => write!(f, "{:.0} % of the attempts fail", p * 100.0),
            Self::Burst(millis) => write!(f, "all fail for {millis} ms, every 3 s"),
        }
    }
}

/// Returns the setup of a server that takes 15 ms for each call, and of whose workers so many calls a second need less than half.
pub fn steady(rate: f64) -> Setup {
    let workers = (2.5 * rate * USUAL).ceil() as u32;
    Setup { times: Measured::through(&[(0.5, USUAL), (0.99, USUAL)]), ..Setup::of(workers) }
}

/// A client that tries again, behind a breaker.
pub struct Ours<T> {
    server: T,
    retry: Retry,
    breaker: CircuitBreaker,
}

impl<T: Target> Ours<T> {
    /// Returns a client with policies of its own.
    pub fn new(server: T) -> Self {
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

/// The figures of a run, or the worst of several.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// The calls that succeeded although their first attempt failed, as a share of those whose first attempt failed.
    pub recovered: f64,
    /// The share of calls that were good.
    pub good: f64,
    /// Attempts for each call.
    pub amplification: f64,
    /// The 99th percentile of the times of the calls that succeeded.
    pub p99: Duration,
}

impl Figures {
    /// Returns the figures of a run.
    pub fn of(run: &Run, recoveries: &Recoveries) -> Self {
        let mut latencies: Vec<Duration> = run.calls.iter().filter_map(Call::latency).collect();
        latencies.sort_unstable();
        let all = run.calls.len() as f64;
        Self {
            recovered: recoveries.share(),
            good: run.calls.iter().filter(|call| call.is_good()).count() as f64 / all,
            amplification: run.attempts as f64 / all,
            p99: latencies.get(latencies.len() * 99 / 100).copied().unwrap_or(Duration::MAX),
        }
    }

    /// Returns the worse of each figure.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self {
            recovered: self.recovered.min(other.recovered),
            good: self.good.min(other.good),
            amplification: self.amplification.max(other.amplification),
            p99: self.p99.max(other.p99),
        }
    }

    /// Returns the cells of a table with these [`COLUMNS`].
    pub fn cells(self) -> [String; 4] {
        let amplification = format!("{:.3}", self.amplification);
        [percent(self.recovered), percent(self.good), amplification, millis(self.p99)]
    }
}

/// The columns of the figures.
pub const COLUMNS: [&str; 4] = ["recovered", "good", "amplification", "p99"];
/// The calls a second.
pub const RATE: f64 = 500.0;
/// The time that the server works on a call, in seconds.
const USUAL: f64 = 0.015;
const EVERY: Duration = Duration::from_secs(3);
