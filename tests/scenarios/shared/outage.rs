//! An outage: the client that leaves the server alone meanwhile, its attempts, and its figures.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use resilient::{CircuitBreaker, Mode, circuit_breaker, timeout};
use tokio::time::Instant;

use crate::calls::{CallError, Client, Target};
use crate::drive::Call;
use crate::report::recovery;

/// The ways in which a server is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers with an error.
    Answers,
    /// It refuses connections.
    Refuses,
    /// It takes everything and never answers.
    Hangs,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 3] = [Self::Answers, Self::Refuses, Self::Hangs];

    /// Returns the heading of the table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Answers => "It answers with an error",
            Self::Refuses => "It refuses connections",
            Self::Hangs => "It never answers",
        }
    }
}

/// The clients of a server, and their breakers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fleet {
    /// One client without a breaker.
    Unguarded,
    /// So many clients that share a breaker.
    Sharing(usize),
    /// So many clients, each with its own.
    Apart(usize),
}

impl Fleet {
    /// Every fleet with breakers.
    pub const ALL: [Self; 5] = [Self::Sharing(1), Self::Sharing(5), Self::Sharing(50), Self::Apart(5), Self::Apart(50)];

    /// Returns the number of clients.
    pub const fn clients(self) -> usize {
        match self {
            Self::Unguarded => 1,
            Self::Sharing(clients) | Self::Apart(clients) => clients,
        }
    }

    /// Returns the name in tables.
    pub fn name(self) -> String {
        match self {
            Self::Unguarded => "1 without a breaker".to_owned(),
            Self::Sharing(1) => "1".to_owned(),
            Self::Sharing(clients) => format!("{clients} that share a breaker"),
            Self::Apart(clients) => format!("{clients} with their own"),
        }
    }

    /// Returns the function that gives each client its breaker.
    pub fn breakers(self) -> impl Fn() -> Arc<CircuitBreaker> {
        let mode = if self == Self::Unguarded { Mode::Off } else { Mode::Enforce };
        let breaker = move || Arc::new(CircuitBreaker::named("fetch").mode(mode));
        let shared = breaker();
        move || if matches!(self, Self::Apart(_)) { breaker() } else { Arc::clone(&shared) }
    }
}

/// A client with a breaker and a time-out.
pub struct Guarded<T> {
    server: T,
    breaker: Arc<CircuitBreaker>,
}

impl<T: Target> Guarded<T> {
    /// Returns a client behind that breaker.
    pub const fn new(server: T, breaker: Arc<CircuitBreaker>) -> Self {
        Self { server, breaker }
    }

    #[circuit_breaker(with = *self.breaker)]
    #[timeout(attempt = "250ms")]
    async fn fetch(&self) -> Result<(), CallError> {
        self.server.send().await
    }
}

impl<T: Target> Client for Guarded<T> {
    async fn call(&self) -> Result<(), CallError> {
        self.fetch().await
    }
}

/// The times at which attempts began.
#[derive(Debug)]
pub struct Attempts {
    start: Instant,
    at: Mutex<Vec<Duration>>,
}

impl Attempts {
    /// Returns an empty record, whose time begins now.
    pub fn begin() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), at: Mutex::default() })
    }

    /// Returns the number of attempts in that time.
    pub fn within(&self, from: Duration, until: Duration) -> usize {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.iter().filter(|&at| (from..until).contains(at)).count()
    }
}

/// A wire that records its attempts.
pub struct Noted<T> {
    target: T,
    attempts: Arc<Attempts>,
}

impl<T> Noted<T> {
    /// Returns a wire that adds to `attempts`.
    pub fn new(target: T, attempts: &Arc<Attempts>) -> Self {
        Self { target, attempts: Arc::clone(attempts) }
    }
}

impl<T: Target> Target for Noted<T> {
    async fn send(&self) -> Result<(), CallError> {
        let now = self.attempts.start.elapsed();
        self.attempts.at.lock().unwrap_or_else(PoisonError::into_inner).push(now);
        self.target.send().await
    }
}

/// The figures of a run, or the worst of several.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// The attempts from some time into the outage to its end, as a share of the calls then.
    pub late_attempts: f64,
    /// The attempts of the whole outage, as a share of the calls then.
    pub attempts: f64,
    /// The time from the end of the outage to the first of four seconds with 95 % good answers.
    pub recovery: Option<Duration>,
}

impl Figures {
    /// Returns the figures of an outage. The later attempts are those from `late` on.
    pub fn of(calls: &[Call], attempts: &Attempts, outage: (Duration, Duration), late: Duration) -> Self {
        let (from, until) = outage;
        let share = |from: Duration| {
            let offered = calls.iter().filter(|call| (from..until).contains(&call.at)).count();
            attempts.within(from, until) as f64 / offered as f64
        };
        Self { late_attempts: share(from + late), attempts: share(from), recovery: recovery(calls, until) }
    }

    /// Returns the worse of each figure.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        Self {
            late_attempts: self.late_attempts.max(other.late_attempts),
            attempts: self.attempts.max(other.attempts),
            recovery: self.recovery.zip(other.recovery).map(|(one, other)| one.max(other)),
        }
    }
}

/// The calls a second, by all clients together.
pub const RATE: f64 = 500.0;
