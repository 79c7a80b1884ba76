//! The client of a scenario, and the ends of its calls.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilient::{Classify, Deadline};
use tokio::time::Instant;

use crate::server::{Refusal, Server};

/// A client: the policies between a call and the attempts that the server sees.
pub trait Client: Send + Sync + 'static {
    /// Makes one call.
    fn call(&self) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Returns how full the client's own limit is, or 0 if it has none.
    fn occupancy(&self) -> f64 {
        0.0
    }
}

/// The server's end of the wire, at which a client makes its attempts.
pub trait Target: Send + Sync + 'static {
    /// Makes one attempt.
    fn send(&self) -> impl Future<Output = Result<(), CallError>> + Send;
}

tokio::task_local! {
    /// The time when the call of an attempt should have ended. The books go by it, whether or not the policies know it.
    pub static DUE: Instant;
}

/// The failures of a call or an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
pub enum CallError {
    /// The server is full and said so at once: a 503 with `Retry-After`, or a 429.
    #[throttled]
    Busy,
    /// The server named a time to come back at.
    #[throttled(after = after)]
    Later {
        /// The time to stay away.
        after: Duration,
    },
    /// The time was over.
    #[transient]
    Late,
    /// The connection broke.
    #[transient]
    Lost,
    /// The client refused the call by itself.
    #[permanent]
    Unsent,
    /// One of our policies rejected the call.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the server is full"),
            Self::Later { after } => write!(f, "the server asks to come back in {after:?}"),
            Self::Late => f.write_str("the time was over"),
            Self::Lost => f.write_str("the connection broke"),
            Self::Unsent => f.write_str("the client is full"),
            Self::Refused(rejection) => rejection.fmt(f),
        }
    }
}

/// Tower's `Timeout` requires this.
impl std::error::Error for CallError {}

/// The wire between the clients of one run and their server, which counts the attempts on it.
#[derive(Debug, Clone)]
pub struct Wire {
    server: Arc<Server>,
    sent: Arc<AtomicU64>,
}

impl Wire {
    /// Returns a wire on which nothing has been sent.
    pub fn to(server: Arc<Server>) -> Self {
        Self { server, sent: Arc::default() }
    }

    /// Returns the number of attempts so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Returns the server at the other end.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl Target for Wire {
    /// Makes one attempt, with the current deadline in its header.
    async fn send(&self) -> Result<(), CallError> {
        self.sent.fetch_add(1, Relaxed);
        let header = Deadline::current().map(Deadline::to_header);
        let due = DUE.try_with(|due| *due).ok();
        self.server.serve(header.as_deref(), due).await.map_err(|refusal| match refusal {
            Refusal::Full => CallError::Busy,
            Refusal::Expired => CallError::Late,
            Refusal::Failed => CallError::Lost,
            Refusal::Throttled { after } => CallError::Later { after },
        })
    }
}

/// The time within which an answer counts, unless a plan says otherwise.
pub const SLO: Duration = Duration::from_secs(1);
