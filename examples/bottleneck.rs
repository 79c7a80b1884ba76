//! Two functions that are slow for different reasons, one hundred calls of each at once: `waits` queues for four places, and `computes` keeps the runtime's
//! threads busy. The list of policies and a profile tell them apart: see *Finding the bottleneck* in the guide.

use std::hint::black_box;
use std::time::Duration;

use resilient::{Classify, bulkhead, measure, timeout};

#[derive(Debug, Classify)]
enum Error {
    #[transparent(from)]
    Refused(resilient::Error),
}

#[measure]
#[timeout("500ms")]
#[bulkhead(limit = 4, queue = 100, max_wait = "1s")]
async fn waits(id: u64) -> Result<u64, Error> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(id)
}

#[measure]
#[timeout("500ms")]
#[bulkhead(limit = 64)]
async fn computes(id: u64) -> Result<u64, Error> {
    Ok((0..20_000_000).fold(id, |sum, n| black_box(sum ^ n)))
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let waiting: Vec<_> = (0..100).map(|id| tokio::spawn(waits(id))).collect();
    for call in waiting {
        drop(call.await);
    }
    let computing: Vec<_> = (0..100).map(|id| tokio::spawn(computes(id))).collect();
    for call in computing {
        drop(call.await);
    }
    println!("{}", resilient::policies());
}
