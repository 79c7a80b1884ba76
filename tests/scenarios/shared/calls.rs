//! What a client of a scenario is, and how one of its calls ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilient::{Classify, Deadline};
use tokio::time::Instant;

use crate::server::{Refusal, Server};

/// A client: what stands between a call and the attempts that the server sees.
pub trait Client: Send + Sync + 'static {
    /// Makes one call.
    fn call(&self) -> impl Future<Output = Result<(), CallError>> + Send;

    /// How full its own limit is; 0 if it has none.
    fn occupancy(&self) -> f64 {
        0.0
    }
}

/// What a client makes its attempts at.
pub trait Target: Send + Sync + 'static {
    /// Makes one attempt.
    fn send(&self) -> impl Future<Output = Result<(), CallError>> + Send;
}

tokio::task_local! {
    /// When the call that an attempt belongs to should have ended: what the books go by, whether or not policies know it.
    pub static DUE: Instant;
}

/// Why a call, or an attempt, failed.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
pub enum CallError {
    /// The server is full and said so at once: a 503 with `Retry-After`, or a 429.
    #[throttled]
    Busy,
    /// The server named a time to come back at.
    #[throttled(after = after)]
    Later {
        /// How long that is.
        after: Duration,
    },
    /// The time was over.
    #[transient]
    Late,
    /// The connection broke.
    #[transient]
    Lost,
    /// The client refused by itself.
    #[permanent]
    Unsent,
    /// What one of our policies said.
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

/// For tower's `Timeout`, which wants it.
impl std::error::Error for CallError {}

/// The wire between the clients of one run and their server, which counts what is sent.
#[derive(Debug, Clone)]
pub struct Wire {
    server: Arc<Server>,
    sent: Arc<AtomicU64>,
}

impl Wire {
    /// A wire that nothing has been sent on.
    pub fn to(server: Arc<Server>) -> Self {
        Self { server, sent: Arc::default() }
    }

    /// The attempts so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Its other end.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl Target for Wire {
    /// One attempt, with the deadline in force in its header.
    async fn send(&self) -> Result<(), CallError> {
        self.sent.fetch_add(1, Relaxed);
        let header = Deadline::current().map(Deadline::to_header);
        let due = DUE.try_with(|due| *due).ok();
        self.server.serve(header.as_deref(), due).await.map_err(|refusal| match refusal {
            Refusal::Full => CallError::Busy,
            Refusal::Expired => CallError::Late,
        })
    }
}

/// An answer counts if it comes within this.
pub const SLO: Duration = Duration::from_secs(1);
