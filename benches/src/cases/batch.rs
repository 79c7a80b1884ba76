//! The batch: a hundred callers at once, whose keys share an answer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use dataloader::BatchFn;
use dataloader::non_cached::Loader;
use futures::future::join_all;
use resilient::{Batch, batch};
use tokio::sync::{mpsc, oneshot};
use ultra_batch::{BatchExecutor, Executor};

use crate::case::{Case, Table};
use crate::drive::{repeat, run, runtime};
use crate::work::answer;

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "Batch, a hundred callers",
            "A hundred callers in one task, in batches of a hundred, each with a key of its own; the numbers are for one \
             caller. By hand, a task of its own takes the keys from a channel, and sends each answer through another.",
            vec![
                Case::prepared("channels by hand", || {
                    let batcher = ByHand::start();
                    move |calls| run(repeat(calls, async |id| all(id, |key| batcher.load_one(key)).await))
                }),
                Case::new("resilient `#[batch]`", |calls| {
                    run(repeat(calls, async |id| all(id, async |key| ours_one(key).await.unwrap().unwrap()).await))
                })
                .counted_over(100),
                Case::new("resilient `Batch`, one object", |calls| {
                    static POLICY: Batch = Batch::named("load");
                    let object = 7_u64;
                    run(repeat(calls, async |id| {
                        let load = async |key| POLICY.of(&object).run(key, load).await.unwrap().unwrap();
                        all(id, load).await
                    }))
                })
                .counted_over(100),
                Case::prepared("ultra-batch", || {
                    let executor = BatchExecutor::build(Everything).eager_batch_size(Some(CALLERS as usize));
                    let executor = runtime().block_on(async { executor.finish() });
                    move |calls| {
                        run(repeat(calls, async |id| {
                            all(id, async |key| executor.execute(key).await.unwrap().unwrap()).await
                        }))
                    }
                }),
                Case::prepared("dataloader", || {
                    let loader = Loader::new(Everything).with_max_batch_size(CALLERS as usize);
                    move |calls| run(repeat(calls, async |id| all(id, |key| loader.load(key)).await))
                }),
            ],
        )
        .per_item(CALLERS),
    ]
}

/// Asks for a hundred keys at once.
async fn all<F: Future<Output = u64>>(id: u64, load: impl Fn(u64) -> F) -> u64 {
    let sum: u64 = join_all((0..CALLERS).map(load)).await.into_iter().sum();
    assert_eq!(sum, CALLERS * (CALLERS + 1) / 2, "an answer was lost");
    answer(id)
}

#[batch]
async fn ours(keys: Vec<u64>) -> Result<HashMap<u64, u64>, Infallible> {
    load(keys).await
}

async fn load(keys: Vec<u64>) -> Result<HashMap<u64, u64>, Infallible> {
    Ok(keys.into_iter().map(|key| (key, answer(key))).collect())
}

/// A task that takes up to a hundred keys at once, as many as are there.
struct ByHand(mpsc::Sender<(u64, oneshot::Sender<u64>)>);

impl ByHand {
    fn start() -> Arc<Self> {
        let (sender, mut receiver) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(CALLERS as usize);
        runtime().spawn(async move {
            let mut asked = Vec::new();
            while receiver.recv_many(&mut asked, CALLERS as usize).await > 0 {
                let keys = asked.iter().map(|(key, _)| *key).collect();
                let answers = load(keys).await.unwrap();
                for (key, reply) in asked.drain(..) {
                    let _ = reply.send(answers[&key]);
                }
            }
        });
        Arc::new(Self(sender))
    }

    async fn load_one(&self, key: u64) -> u64 {
        let (reply, answer) = oneshot::channel();
        self.0.send((key, reply)).await.expect("the task is there");
        answer.await.expect("an answer")
    }
}

struct Everything;

impl Executor for Everything {
    type Value = u64;
    type Result = u64;
    type Error = Infallible;

    async fn execute(&self, keys: Vec<u64>) -> Result<Vec<u64>, Infallible> {
        Ok(keys.into_iter().map(answer).collect())
    }
}

impl BatchFn<u64, u64> for Everything {
    async fn load(&mut self, keys: &[u64]) -> HashMap<u64, u64> {
        keys.iter().map(|key| (*key, answer(*key))).collect()
    }
}

const CALLERS: u64 = 100;
