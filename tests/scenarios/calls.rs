//! What a client of a scenario is, and how one of its calls ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilient::{Classify, Deadline};

use crate::server::{Refusal, Server};

/// A client: what stands between a call and the attempts that the server sees.
pub(crate) trait Client: Send + Sync + 'static {
    /// Makes one call.
    fn call(&self) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Why a call, or an attempt, failed.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
pub(crate) enum CallError {
    /// The server is full and said so at once: a 503 with `Retry-After`, or a 429.
    #[throttled]
    Busy,
    /// The time was over.
    #[transient]
    Late,
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
            Self::Late => f.write_str("the time was over"),
            Self::Unsent => f.write_str("the client is full"),
            Self::Refused(rejection) => rejection.fmt(f),
        }
    }
}

/// For tower's `Timeout`, which wants it.
impl std::error::Error for CallError {}

/// The wire between the clients of one run and their server, which counts what is sent.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    server: Arc<Server>,
    sent: Arc<AtomicU64>,
}

impl Wire {
    pub(crate) fn to(server: Arc<Server>) -> Self {
        Self { server, sent: Arc::default() }
    }

    /// One attempt, with the deadline in force in its header.
    pub(crate) async fn send(&self) -> Result<(), CallError> {
        self.sent.fetch_add(1, Relaxed);
        self.server.serve(Deadline::current().map(Deadline::instant)).await.map_err(|refusal| match refusal {
            Refusal::Full => CallError::Busy,
            Refusal::Expired => CallError::Late,
        })
    }

    /// The attempts so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }
}

/// An answer counts if it comes within this.
pub(crate) const SLO: Duration = Duration::from_secs(1);
