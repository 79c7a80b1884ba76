//! A server with a few workers and a queue without end.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::calls::CallError;

/// The server.
#[derive(Debug)]
pub(crate) struct Server {
    workers: Semaphore,
    fault: Fault,
    from: Instant,
    until: Instant,
}

/// The fault that a server has for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It is five times slower.
    Slow,
    /// It answers at once with 503.
    Fails,
}

impl Server {
    pub(crate) fn new(fault: Fault, from: Instant, until: Instant) -> Self {
        Self { workers: Semaphore::new(WORKERS), fault, from, until }
    }

    /// Serves a request when a worker is free.
    pub(crate) async fn serve(&self) -> Result<(), CallError> {
        let has_fault = |fault| self.fault == fault && (self.from..self.until).contains(&Instant::now());
        if has_fault(Fault::Fails) {
            sleep(Duration::from_millis(1)).await;
            return Err(CallError::Unavailable);
        }
        let Ok(_worker) = self.workers.acquire().await else { return Err(CallError::Unavailable) };
        let slower = if has_fault(Fault::Slow) { 5.0 } else { 1.0 };
        // one request in a hundred takes long
        let tail = if rand::random::<f64>() < 0.01 { 8.0 } else { 1.0 };
        sleep(USUAL.mul_f64(slower * tail * (0.5 + rand::random::<f64>()))).await;
        Ok(())
    }
}

const WORKERS: usize = 4;
/// The mean time of a request.
const USUAL: Duration = Duration::from_millis(15);
