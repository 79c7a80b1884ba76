//! The calls whose first attempt failed, and those of them that succeeded in the end.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::calls::{CallError, Client, Target};

tokio::task_local! {
    /// The end of the first attempt of the call: true if it failed.
    static FIRST_FAILED: Cell<Option<bool>>;
}

/// A wire that notes how the first attempt of each call ended.
#[derive(Debug, Clone)]
pub struct Watched<T>(pub T);

impl<T: Target> Target for Watched<T> {
    async fn send(&self) -> Result<(), CallError> {
        let outcome = self.0.send().await;
        let _ = FIRST_FAILED.try_with(|first| first.set(first.get().or(Some(outcome.is_err()))));
        outcome
    }
}

/// The counts of one run.
#[derive(Debug, Default)]
pub struct Recoveries {
    failed: AtomicU64,
    recovered: AtomicU64,
}

impl Recoveries {
    /// Returns the share of the calls whose first attempt failed that succeeded all the same; 1 if none failed.
    pub fn share(&self) -> f64 {
        let failed = self.failed.load(Relaxed);
        if failed == 0 { 1.0 } else { self.recovered.load(Relaxed) as f64 / failed as f64 }
    }

    /// Returns the number of calls whose first attempt failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }
}

/// A client over a [`Watched`] wire whose calls are counted.
#[derive(Debug)]
pub struct Watching<C> {
    client: C,
    recoveries: Arc<Recoveries>,
}

impl<C> Watching<C> {
    /// Returns a client that counts into `recoveries`.
    pub fn new(client: C, recoveries: &Arc<Recoveries>) -> Self {
        Self { client, recoveries: Arc::clone(recoveries) }
    }
}

impl<C: Client> Client for Watching<C> {
    async fn call(&self) -> Result<(), CallError> {
        let call = async {
            let outcome = self.client.call().await;
            if FIRST_FAILED.with(Cell::get) == Some(true) {
                self.recoveries.failed.fetch_add(1, Relaxed);
                self.recoveries.recovered.fetch_add(u64::from(outcome.is_ok()), Relaxed);
            }
            outcome
        };
        FIRST_FAILED.scope(Cell::new(None), call).await
    }

    fn occupancy(&self) -> f64 {
        self.client.occupancy()
    }
}
