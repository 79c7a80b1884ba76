//! Attributes on functions that block: a program of plain threads, which share a breaker, two places and a budget.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use resilient::{Budget, CircuitBreaker, Classify, bulkhead, circuit_breaker, fallback, retry};

/// The retries that all threads may make together.
static BUDGET: Budget = Budget::new();
/// The breaker before the sensor, also for functions that are async.
static SENSOR: CircuitBreaker = CircuitBreaker::named("sensor").consecutive(20);

#[derive(Debug, Classify)]
enum ReadError {
    #[transient]
    Busy,
    #[transparent(from)]
    Refused(resilient::Error),
}

/// Reads a sensor that is busy every third time; without an answer, it was 17 °C the last time.
#[fallback(value = 17.0)]
#[retry(max = 3, base = "1ms", max_elapsed = "5s", budget = BUDGET)]
#[circuit_breaker(with = SENSOR)]
#[bulkhead(limit = 2, max_wait = "5s")]
fn temperature(reads: &AtomicU32) -> Result<f64, ReadError> {
    // as a bus does, it takes a while
    thread::sleep(Duration::from_millis(1));
    if reads.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) { Err(ReadError::Busy) } else { Ok(18.5) }
}

fn main() {
    let reads = AtomicU32::new(0);

    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| println!("{:?}", temperature(&reads).map(|degrees| format!("{degrees} °C"))));
        }
    });

    println!("{} reads for 6 calls", reads.load(Ordering::Relaxed));
    println!("the budget still pays for {:.1} retries, and the breaker is {:?}", BUDGET.balance(), SENSOR.state());
}
