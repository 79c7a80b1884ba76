//! S8, the half with batches: five thousand calls a second, some of which leave, panic or fail.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use resilient::{Batch, batch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::drive::SEEDS;
use resilient_scenarios::report::{Table, millis, percent};

use crate::page;

/// A back end that takes 50 ms for any number of keys; some calls fail as a whole, and some panic.
struct Store {
    batch: Batch,
    seed: u64,
    calls: AtomicU64,
    panics: AtomicU64,
}

#[derive(Debug, Clone, PartialEq)]
struct Down;

impl Store {
    #[batch(with = self.batch)]
    async fn load(&self, keys: Vec<u64>) -> Result<HashMap<u64, u64>, Down> {
        assert!(keys.len() <= MOST as usize);
        let call = self.calls.fetch_add(1, Relaxed);
        sleep(Duration::from_millis(50)).await;
        match SmallRng::seed_from_u64(self.seed ^ call << 20).random_range(0..100) {
            0 => {
                self.panics.fetch_add(1, Relaxed);
                // unwinds like a panic, but prints no message
                resume_unwind(Box::new("one call in a hundred"));
            }
            1..=5 => Err(Down),
            _ => Ok(keys.into_iter().filter(|key| !is_absent(*key)).map(|key| (key, value(key))).collect()),
        }
    }
}

fn value(key: u64) -> u64 {
    key * 3 + 1
}

fn is_absent(key: u64) -> bool {
    key.is_multiple_of(97)
}

/// The ends of all calls. Each call ends in one of these ways.
#[derive(Debug, Default)]
struct Ends {
    found: u64,
    absent: u64,
    failed: u64,
    left: u64,
    panicked: u64,
    latencies: Vec<Duration>,
}

impl Ends {
    fn sum(&self) -> u64 {
        self.found + self.absent + self.failed + self.left + self.panicked
    }

    fn latency(&self, share: f64) -> Duration {
        self.latencies[(self.latencies.len() as f64 * share) as usize]
    }
}

/// The key of a call, its outcome unless its caller left, and the time that it took.
type Call = (u64, Option<Result<Option<u64>, Down>>, Duration);

#[test]
fn every_caller_gets_its_own_answer_once_whoever_leaves_panics_or_fails() {
    let mut table = Table::new(
        "5,000 calls/s for 10,000 keys, one seed in each row",
        &["calls", "back end", "saved", "batch", "full", "distinct keys", "handed over", "p50", "p99"],
    );
    for seed in SEEDS {
        let arrivals = poisson(seed, &[Stretch { rate: 5_000.0, time: Duration::from_secs(2) }]);
        let calls = arrivals.len() as u64;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (ends, store) = runtime.expect("a runtime").block_on(drive(seed, &arrivals));

        let counts = store.batch.counts();
        assert_eq!(ends.sum(), calls, "{ends:?}");
        assert_eq!(ends.panicked, store.panics.load(Relaxed), "a panic is its leader's alone");
        assert_eq!(counts.gathering, 0);
        assert_eq!(counts.batches, store.calls.load(Relaxed));
        assert!(ends.panicked > 0 && ends.failed > 0 && ends.left > 0 && ends.absent > 0, "{ends:?}");
        assert!(counts.handed_over > ends.panicked / 2, "{counts:?}");

        let saved = 1.0 - counts.batches as f64 / calls as f64;
        let size = (counts.keys + counts.duplicates) as f64 / counts.batches as f64;
        let full = size / f64::from(MOST);
        assert!(saved >= 0.6, "{saved}");
        assert!(full >= 0.5, "{full}");
        table.row(vec![
            calls.to_string(),
            counts.batches.to_string(),
            percent(saved),
            format!("{size:.1}"),
            percent(full),
            format!("{:.1}", counts.mean_size()),
            counts.handed_over.to_string(),
            millis(ends.latency(0.5)),
            millis(ends.latency(0.99)),
        ]);
    }
    page::publish("S8b", &[table]);
}

/// Makes a call at each arrival. One caller in twenty leaves some time later.
async fn drive(seed: u64, arrivals: &[Duration]) -> (Ends, Arc<Store>) {
    let batch = Batch::named("load").max_size(MOST).max_wait(Duration::from_millis(5));
    let store = Arc::new(Store { batch, seed, calls: AtomicU64::new(0), panics: AtomicU64::new(0) });
    let zipf = Zipf::new(10_000.0, 1.0).expect("a distribution");
    let mut generator = SmallRng::seed_from_u64(seed.wrapping_mul(31));
    let mut tasks: Vec<JoinHandle<Call>> = Vec::new();
    let start = Instant::now();
    for &at in arrivals {
        sleep_until(start + at).await;
        let key = zipf.sample(&mut generator) as u64;
        let leaves = generator.random_bool(0.05).then(|| Duration::from_micros(generator.random_range(0..60_000)));
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let begun = Instant::now();
            let outcome = match leaves {
                Some(after) => timeout(after, store.load_one(key)).await.ok(),
                None => Some(store.load_one(key).await),
            };
            (key, outcome, begun.elapsed())
        }));
    }

    let mut ends = Ends::default();
    // a caller that hangs fails the test
    let all = timeout(Duration::from_secs(60), async {
        for task in tasks {
            match task.await {
                Err(error) => {
                    assert!(error.is_panic());
                    ends.panicked += 1;
                }
                Ok((_, None, _)) => ends.left += 1,
                Ok((key, Some(outcome), took)) => {
                    ends.latencies.push(took);
                    match outcome {
                        Err(Down) => ends.failed += 1,
                        Ok(None) => {
                            assert!(is_absent(key), "{key} is there");
                            ends.absent += 1;
                        }
                        Ok(Some(found)) => {
                            assert_eq!(found, value(key), "the answer of another key");
                            ends.found += 1;
                        }
                    }
                }
            }
        }
    });
    assert!(all.await.is_ok(), "somebody hangs: {ends:?}");
    ends.latencies.sort_unstable();
    (ends, store)
}

/// Half as many again as the calls that come in 5 ms.
const MOST: u32 = 40;
