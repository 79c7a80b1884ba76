//! The fan-out: a thousand items, sixteen at once, that are ready or yield once.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::Poll;

use futures::stream::{self, StreamExt as _};
use futures_concurrency::concurrent_stream::ConcurrentStream as _;
use futures_concurrency::stream::StreamExt as _;
use resilient::{FanOut, fan::spawned, fan_out};
use tokio::task::JoinSet;

use crate::case::{Case, Table};
use crate::drive::{poll, repeat, run};
use crate::work::{Busy, Failure, answer, attempt, attempt_later};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "Fan-out, ready at once",
            "A thousand items, sixteen at once. By hand, all sixteen are polled whenever one of them is woken.",
            cases!(attempt),
        )
        .per_item(ITEMS)
        .goal(100),
        Table::new("Fan-out, ready at the second poll", "The same with work that yields once.", cases!(attempt_later))
            .per_item(ITEMS)
            .goal(300),
        Table::new(
            "Fan-out, a task for each item",
            "The same, each item a task of its own, in a runtime of one thread.",
            vec![
                Case::new("tokio `JoinSet`", |calls| run(repeat(calls, async |id| check(join_set(attempt).await, id)))),
                Case::new("resilient `FanOut` of tasks, unordered", |calls| {
                    run(repeat(calls, async |id| {
                        let outputs = FanOut::new(0..ITEMS, spawned(attempt::<Failure>)).limit(LIMIT).unordered();
                        check(outputs.fold(0, async |sum, (_, output)| sum + output.unwrap()).await, id)
                    }))
                }),
            ],
        )
        .per_item(ITEMS),
    ]
}

/// Writes the cases for either kind of work; a generic function could not name the annotated one.
macro_rules! cases {
    ($work:ident) => {{
        #[fan_out(limit = 16)]
        async fn ours(id: u64) -> Result<u64, Busy> {
            $work(id).await
        }

        vec![
            Case::new("slots by hand", |calls| {
                poll(repeat(calls, async |id| {
                    check(by_hand((0..ITEMS).map($work::<Busy>)).await.into_iter().map(Result::unwrap).sum(), id)
                }))
            }),
            Case::new("resilient `#[fan_out]`", |calls| {
                poll(repeat(calls, async |id| {
                    check(ours_all(0..ITEMS).await.into_iter().map(Result::unwrap).sum(), id)
                }))
            }),
            Case::new("resilient `FanOut`, unordered", |calls| {
                poll(repeat(calls, async |id| {
                    let outputs = FanOut::new(0..ITEMS, $work::<Busy>).limit(LIMIT).unordered();
                    check(outputs.fold(0, async |sum, (_, output)| sum + output.unwrap()).await, id)
                }))
            }),
            Case::new("resilient `FanOut`, ordered", |calls| {
                poll(repeat(calls, async |id| {
                    let outputs = FanOut::new(0..ITEMS, |item| $work::<Busy>(item)).limit(LIMIT).ordered();
                    check(outputs.fold(0, async |sum, output| sum + output.unwrap()).await, id)
                }))
            }),
            Case::new("resilient `FanOut` over a stream, unordered", |calls| {
                poll(repeat(calls, async |id| {
                    let items = stream::iter(0..ITEMS);
                    let outputs = FanOut::from_stream(items, $work::<Busy>).limit(LIMIT).unordered();
                    check(outputs.fold(0, async |sum, (_, output)| sum + output.unwrap()).await, id)
                }))
            }),
            Case::new("futures `buffered`", |calls| {
                poll(repeat(calls, async |id| {
                    let outputs: Vec<_> = stream::iter(0..ITEMS).map($work::<Busy>).buffered(LIMIT).collect().await;
                    check(outputs.into_iter().map(Result::unwrap).sum(), id)
                }))
            }),
            Case::new("futures `buffer_unordered`", |calls| {
                poll(repeat(calls, async |id| {
                    let outputs = stream::iter(0..ITEMS).map($work::<Busy>).buffer_unordered(LIMIT);
                    check(outputs.fold(0, async |sum, output| sum + output.unwrap()).await, id)
                }))
            }),
            Case::new("futures `for_each_concurrent`", |calls| {
                poll(repeat(calls, async |id| {
                    let sum = Cell::new(0);
                    let add = async |item| {
                        let output = $work::<Busy>(item).await;
                        sum.set(sum.get() + output.unwrap());
                    };
                    stream::iter(0..ITEMS).for_each_concurrent(LIMIT, add).await;
                    check(sum.get(), id)
                }))
            }),
            Case::new("futures-concurrency", |calls| {
                poll(repeat(calls, async |id| {
                    let sum = Cell::new(0);
                    let outputs = stream::iter(0..ITEMS).co().limit(NonZeroUsize::new(LIMIT)).map($work::<Busy>);
                    outputs.for_each(async |output| sum.set(sum.get() + output.unwrap())).await;
                    check(sum.get(), id)
                }))
            }),
            Case::new("tokio `JoinSet`", |calls| run(repeat(calls, async |id| check(join_set($work).await, id)))),
        ]
    }};
}
use cases;

async fn join_set<F>(work: impl Fn(u64) -> F) -> u64
where
    F: Future<Output = Result<u64, Busy>> + Send + 'static,
{
    let mut sum = 0;
    let mut tasks: JoinSet<Result<u64, Busy>> = JoinSet::new();
    for item in 0..ITEMS {
        if tasks.len() == LIMIT {
            let output = tasks.join_next().await.expect("there are some");
            sum += output.expect("no panic").unwrap();
        }
        tasks.spawn(work(item));
    }
    while let Some(output) = tasks.join_next().await {
        sum += output.expect("no panic").unwrap();
    }
    sum
}

async fn by_hand<F: Future>(mut work: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut outputs = Vec::with_capacity(work.size_hint().0);
    let mut slots: [Pin<Box<Option<F>>>; LIMIT] = std::array::from_fn(|_| Box::pin(None));
    poll_fn(|context| {
        let mut running = false;
        for slot in &mut slots {
            loop {
                let Some(future) = slot.as_mut().as_pin_mut() else {
                    let Some(next) = work.next() else { break };
                    slot.set(Some(next));
                    continue;
                };
                let Poll::Ready(output) = future.poll(context) else {
                    running = true;
                    break;
                };
                slot.set(None);
                outputs.push(output);
            }
        }
        if running { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    outputs
}

/// Returns the answer of one call, if all of its items were answered.
fn check(sum: u64, id: u64) -> u64 {
    assert_eq!(sum, ITEMS * (ITEMS + 1) / 2, "an item was lost");
    answer(id)
}

const ITEMS: u64 = 1_000;
const LIMIT: usize = 16;
