//! The measure: how long each call takes, in a histogram.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use resilient::{Measure, Settled, measure};

use crate::case::{Case, Table};
use crate::drive::{poll, repeat};
use crate::work::{Failure, attempt};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "Measure",
            "The time of each call, in 14 buckets from 5 ms to 10 s. By hand, the clock is read twice, and one atomic addition counts the \
             bucket of all calls, whatever their outcome.",
            vec![
                Case::new("clock and buckets by hand", |calls| {
                    poll(repeat(calls, async |id| by_hand(id).await.unwrap()))
                }),
                Case::new("resilient `#[measure]`", |calls| poll(repeat(calls, async |id| ours(id).await.unwrap()))),
                Case::new("resilient `Measure`", |calls| {
                    static POLICY: Measure = Measure::named("measure");
                    poll(repeat(calls, async |id| match resilient::run(&POLICY, attempt::<Failure>(id)).await {
                        Settled::Outcome(outcome) => outcome.unwrap(),
                        Settled::Rejected(rejection) => panic!("{rejection}"),
                    }))
                }),
            ],
        )
        .shared(),
    ]
}

#[measure]
async fn ours(id: u64) -> Result<u64, Failure> {
    attempt(id).await
}

async fn by_hand(id: u64) -> Result<u64, Failure> {
    static BUCKETS: [AtomicU64; 15] = [const { AtomicU64::new(0) }; 15];

    let start = Instant::now();
    let outcome = attempt(id).await;
    let took = start.elapsed();
    let bucket = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
    BUCKETS[bucket].fetch_add(1, Relaxed);
    outcome
}

const BOUNDS: &[Duration] = Measure::DEFAULT_BUCKETS;
