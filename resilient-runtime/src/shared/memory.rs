//! A store in the memory of one process, for tests.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Ask, CircuitAsk, CircuitLedger, CircuitView, Consulting, Leasing, Ledger, Store, StoreError};
use crate::clock::{self, Ticks};

/// A store in the memory of this process, on tokio's clock: for tests of limits and circuit breakers that machines share.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::RateLimit;
/// use resilient::shared::InMemory;
///
/// static STORE: InMemory = InMemory::new();
/// static SEARCH: RateLimit = RateLimit::named("search").rate(100, Duration::from_secs(1)).shared_through(&STORE);
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// assert!(SEARCH.acquire().await.is_ok());
/// assert_eq!(STORE.granted("search"), 1);
/// # }
/// ```
#[derive(Debug)]
pub struct InMemory {
    limits: Mutex<Option<HashMap<String, (Ledger, u64)>>>,
    circuits: Mutex<Option<HashMap<String, CircuitLedger>>>,
    machines: AtomicU32,
    is_down: AtomicBool,
    /// In nanoseconds.
    delay: AtomicU64,
    asked: AtomicU64,
}

impl InMemory {
    /// An empty store with one machine, which answers at once.
    pub const fn new() -> Self {
        Self {
            limits: Mutex::new(None),
            circuits: Mutex::new(None),
            machines: AtomicU32::new(1),
            is_down: AtomicBool::new(false),
            delay: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        }
    }

    /// Lets it answer with errors from now on, or no longer.
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Relaxed);
    }

    /// Lets each answer take so long from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.delay.store(clock::nanos(delay), Relaxed);
    }

    /// Sets the number of machines that it says it has.
    pub fn set_machines(&self, machines: u32) {
        self.machines.store(machines, Relaxed);
    }

    /// Forgets all limits and circuit breakers, as a store does that is emptied or replaced.
    pub fn forget(&self) {
        *self.circuits.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns how many permits it has granted of the limit of that name.
    pub fn granted(&self, limit: &str) -> u64 {
        let limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.as_ref().and_then(|limits| limits.get(limit)).map_or(0, |(_, granted)| *granted)
    }

    /// Returns the state of the circuit breaker of that name, as a machine sees it that asks now and has nothing to say.
    pub fn view(&self, breaker: &str) -> CircuitView {
        self.consult(breaker, &CircuitAsk::new())
    }

    fn consult(&self, breaker: &str, ask: &CircuitAsk) -> CircuitView {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = circuits.get_or_insert_default().entry(breaker.to_owned()).or_default();
        ledger.answer(Duration::from_nanos(Ticks::now().0), ask)
    }

    /// Takes as long as an answer does, and gives it if the store is up.
    async fn answer<T>(&self, decide: impl FnOnce() -> T) -> Result<T, StoreError> {
        self.asked.fetch_add(1, Relaxed);
        let delay = Duration::from_nanos(self.delay.load(Relaxed));
        tokio::time::sleep(delay / 2).await;
        if self.is_down.load(Relaxed) {
            return Err(StoreError::new("the store is down"));
        }
        let answer = decide();
        tokio::time::sleep(delay.saturating_sub(delay / 2)).await;
        Ok(answer)
    }

    /// Returns how many questions it was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Relaxed)
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for InMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(5)
    }

    fn machines(&self) -> u32 {
        self.machines.load(Relaxed)
    }

    fn lease<'a>(&'a self, limit: &'a str, ask: Ask) -> Leasing<'a> {
        Box::pin(self.answer(move || {
            let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
            let (ledger, granted) = limits.get_or_insert_default().entry(limit.to_owned()).or_default();
            let lease = ledger.answer(Duration::from_nanos(Ticks::now().0), &ask);
            *granted += u64::from(lease.granted);
            lease
        }))
    }

    fn circuit<'a>(&'a self, breaker: &'a str, ask: CircuitAsk) -> Consulting<'a> {
        Box::pin(self.answer(move || self.consult(breaker, &ask)))
    }
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const DELAY: Duration = Duration::from_millis(100);

    fn ask() -> Ask {
        Ask::new(1, Duration::from_millis(10), Duration::from_millis(90))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_takes_the_delay_and_is_given_in_its_middle() {
        let store = InMemory::new();
        assert_eq!(store.timeout(), Duration::from_millis(5));
        store.set_delay(DELAY);
        let began = Instant::now();

        let (answer, granted) = tokio::join!(store.lease("limit", ask()), async {
            sleep(DELAY * 49 / 100).await;
            let before = store.granted("limit");
            sleep(Duration::from_millis(2)).await;
            (before, store.granted("limit"))
        });

        assert_eq!((answer.unwrap().granted, granted, began.elapsed()), (1, (0, 1), DELAY));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_down_says_so_after_half_the_delay() {
        let store = InMemory::new();
        store.set_delay(DELAY);
        store.set_down(true);
        let began = Instant::now();

        assert_eq!(store.lease("limit", ask()).await.unwrap_err().to_string(), "the store is down");

        assert_eq!((began.elapsed(), store.asked()), (DELAY / 2, 1));
        store.set_down(false);
        assert!(store.lease("limit", ask()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_forgets_knows_neither_limits_nor_breakers() {
        let store = InMemory::new();
        let opened = CircuitAsk { open_for: DELAY, ..CircuitAsk::new() };
        store.lease("limit", ask()).await.unwrap();
        store.circuit("breaker", opened).await.unwrap();
        assert_eq!((store.granted("limit"), store.view("breaker").epoch), (1, 1));

        store.forget();

        assert_eq!((store.granted("limit"), store.view("breaker")), (0, CircuitView::default()));
    }
}
