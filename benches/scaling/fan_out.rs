//! Fan-outs over more and more items.

use futures::stream::{self, StreamExt as _};
use resilient::FanOut;

use crate::charts::{Chart, Curve, least_nanos};
use crate::drive::poll;
use crate::work::{Busy, attempt_later};

pub(crate) fn chart() -> Chart {
    let curves = vec![
        Curve::new("futures `buffered`", SIZES, |items| {
            nanos(items, async || {
                let outputs: Vec<_> = stream::iter(0..items).map(attempt_later::<Busy>).buffered(LIMIT).collect().await;
                outputs.len()
            })
        }),
        Curve::new("resilient `FanOut`, all outcomes", SIZES, |items| {
            nanos(items, async || FanOut::new(0..items, attempt_later::<Busy>).limit(LIMIT).await.len())
        }),
        Curve::new("resilient `FanOut`, unordered", SIZES, |items| {
            nanos(items, async || FanOut::new(0..items, attempt_later::<Busy>).limit(LIMIT).unordered().count().await)
        }),
        Curve::new("resilient `FanOut`, ordered", SIZES, |items| {
            nanos(items, async || FanOut::new(0..items, attempt_later::<Busy>).limit(LIMIT).ordered().count().await)
        }),
        Curve::new("resilient `FanOut`, all at once", SIZES, |items| {
            nanos(items, async || FanOut::new(0..items, attempt_later::<Busy>).limit(items as usize).await.len())
        }),
    ];
    Chart {
        title: "Items of a fan-out",
        about: "Items that yield once, sixteen at once, and in the last row all at once. A fan-out of few items pays for its \
                start.",
        axis: "items",
        unit: "ns per item",
        curves,
    }
}

fn nanos(items: u64, fan_out: impl AsyncFn() -> usize) -> f64 {
    let times = (SIZES[SIZES.len() - 1] / items).min(2_000);
    least_nanos(items * times, || {
        poll(async {
            for _ in 0..times {
                assert_eq!(fan_out().await as u64, items, "an item was lost");
            }
        });
    })
}

const SIZES: &[u64] = &[1, 10, 100, 1_000, 10_000, 160_000];
const LIMIT: usize = 16;
