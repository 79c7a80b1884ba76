//! S8: many callers want the same few things, while the callers that lead a run fail, panic and leave.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng};
use rand_distr::{Distribution, Zipf};
use resilient::{Coalesce, coalesce, counts::CoalesceCounts};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::drive::SEEDS;
use resilient_scenarios::report::{Table, millis, percent};

use crate::page;

#[test]
fn callers_of_popular_keys_share_work_and_each_has_an_outcome_of_its_own_key() {
    let columns = [
        "calls",
        "back end",
        "saved",
        "at most",
        "joined",
        "handed over",
        "good",
        "failed",
        "left",
        "panicked",
        "longest",
    ];
    let mut tables = Vec::new();
    for (hold, title, least) in
        [(None, "without `hold`", 0.35), (Some(Duration::from_millis(500)), "`hold = \"500ms\"`", 0.60)]
    {
        let mut table = Table::new(title, &columns);
        for seed in SEEDS {
            let run = run(seed, hold);
            let ended = |how: &str| percent(run.outcomes[how] as f64 / run.calls as f64);
            let saved = 1.0 - run.sent as f64 / run.calls as f64;
            table.row(vec![
                run.calls.to_string(),
                run.sent.to_string(),
                percent(saved),
                percent(most_saved(BACK_END + hold.unwrap_or_default())),
                run.counts.followers.to_string(),
                run.counts.handed_over.to_string(),
                ended("good"),
                ended("failed"),
                ended("left"),
                ended("panicked"),
                millis(run.longest),
            ]);

            assert_eq!(run.outcomes.values().sum::<usize>(), run.calls, "one each, and nobody hangs");
            assert!(run.longest < PATIENCE, "{:?}", run.longest);
            assert_eq!(run.counts.keys, 0, "nothing is left");
            assert_eq!((run.counts.leaders + run.counts.followers) as usize, run.calls);
            assert!(saved >= least, "{saved}");
            assert!(run.counts.handed_over > 0 && run.outcomes["panicked"] > 0 && run.outcomes["left"] > 0);
        }
        tables.push(table);
    }
    page::publish("S8a", &tables);
}

/// Returns the share of the calls that need not run if each run is for all callers within `time` of its beginning.
///
/// Of calls for a key at λ a second, λ / (1 + λ·time) run: after each run, the next call comes after 1/λ on average.
fn most_saved(time: Duration) -> f64 {
    let weights: f64 = (1..=KEYS).map(|key| 1.0 / f64::from(key)).sum();
    let run: f64 = (1..=KEYS)
        .map(|key| {
            let rate = RATE / f64::from(key) / weights;
            rate / (1.0 + rate * time.as_secs_f64())
        })
        .sum();
    1.0 - run / RATE
}

/// The record of one run.
#[derive(Debug)]
struct Run {
    calls: usize,
    /// The number of calls that the back end saw.
    sent: u64,
    outcomes: HashMap<&'static str, usize>,
    longest: Duration,
    counts: CoalesceCounts,
}

/// A client of a back end that takes 50 ms.
#[derive(Debug)]
struct Client {
    flights: Coalesce,
    fates: Mutex<(SmallRng, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failed(u64);

impl Client {
    /// Asks the back end. One in twenty of the leading callers leaves half-way, as many fail, and one in a hundred panics.
    #[coalesce(key = key, with = self.flights)]
    async fn search(&self, key: u64, leave: &Notify) -> Result<u64, Failed> {
        let fate = {
            let mut fates = self.fates.lock().expect("nothing panics under it");
            fates.1 += 1;
            fates.0.random_range(0..100)
        };
        sleep(BACK_END / 2).await;
        match fate {
            0..5 => leave.notify_one(),
            5 => resume_unwind(Box::new("as it should")),
            _ => {}
        }
        sleep(BACK_END / 2).await;
        if (6..11).contains(&fate) { Err(Failed(key)) } else { Ok(key) }
    }
}

fn run(seed: u64, hold: Option<Duration>) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(calls(seed, hold))
}

async fn calls(seed: u64, hold: Option<Duration>) -> Run {
    let flights = Coalesce::named("search");
    let flights = match hold {
        Some(time) => flights.hold(time),
        None => flights,
    };
    let fates = Mutex::new((SmallRng::seed_from_u64(seed), 0));
    let client = Arc::new(Client { flights, fates });
    let keys = RefCell::new(SmallRng::seed_from_u64(seed.wrapping_add(0x5eed)));
    let popularity = Zipf::new(f64::from(KEYS), 1.0).expect("a distribution");
    let arrivals = poisson(seed, &[Stretch { rate: RATE, time: Duration::from_secs(4) }]);

    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for at in &arrivals {
        sleep_until(start + *at).await;
        let (client, key) = (client.clone(), popularity.sample(&mut *keys.borrow_mut()) as u64);
        tasks.spawn(async move {
            let (leave, begin) = (Notify::new(), Instant::now());
            let outcome = tokio::select! {
                biased;
                () = leave.notified() => "left",
                outcome = client.search(key, &leave) => {
                    let (Ok(of) | Err(Failed(of))) = outcome;
                    assert_eq!(of, key, "somebody else's outcome");
                    if outcome.is_ok() { "good" } else { "failed" }
                }
            };
            (outcome, begin.elapsed())
        });
    }

    let (mut outcomes, mut longest) = (HashMap::new(), Duration::ZERO);
    while let Some(ended) = timeout(PATIENCE, tasks.join_next()).await.expect("nobody hangs") {
        let outcome = match ended {
            Ok((outcome, time)) => {
                longest = longest.max(time);
                outcome
            }
            Err(error) => match error.into_panic().downcast_ref() {
                Some(&"as it should") => "panicked",
                other => panic!("{other:?}"),
            },
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    sleep(hold.unwrap_or_default()).await;
    let sent = client.fates.lock().expect("nothing panics under it").1;
    Run { calls: arrivals.len(), sent, outcomes, longest, counts: client.flights.counts() }
}

/// The calls a second.
const RATE: f64 = 5_000.0;
const KEYS: u32 = 10_000;
const BACK_END: Duration = Duration::from_millis(50);
/// A time longer than several leaders in a row take to leave.
const PATIENCE: Duration = Duration::from_secs(1);
