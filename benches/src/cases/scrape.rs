//! A scrape of the metrics: what a thousand policies cost whoever reads them.

use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use resilient::metrics::collect;
use resilient::{CircuitBreaker, PerKey};

use crate::case::{Case, Table};
use crate::work::answer;

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "A scrape of a thousand policies",
            "A thousand circuit breakers, each with 27 series; all numbers are for one of them. By hand, 27 atomics of each are read into a vector.",
            vec![
                Case::prepared("vector by hand", || {
                    let counts: Vec<AtomicU64> = (0..POLICIES * SERIES).map(AtomicU64::new).collect();
                    move |scrapes| repeated(scrapes, || counts.iter().map(|count| count.load(Relaxed) as f64).collect::<Vec<_>>().len())
                }),
                Case::prepared("resilient `collect`", || {
                    thousand();
                    |scrapes| repeated(scrapes, || collect().len())
                }),
                Case::prepared("resilient `collect`, and ten thousand keys", || {
                    thousand();
                    keys();
                    |scrapes| repeated(scrapes, || collect().len())
                })
                // the work depends on the keys' hashes, which are others in each process
                .unsteady(),
            ],
        )
        .per_item(POLICIES),
    ]
}

fn repeated(scrapes: u64, scrape: impl Fn() -> usize) -> u64 {
    let one = |number: u64| {
        assert!(black_box(scrape()) as u64 >= POLICIES * SERIES, "a series is missing");
        answer(number)
    };
    (0..scrapes).map(one).sum()
}

/// Lists the breakers, once.
fn thousand() {
    static LISTED: OnceLock<()> = OnceLock::new();
    LISTED.get_or_init(|| {
        for number in 0..POLICIES {
            let name: &'static str = format!("scrape {number}").leak();
            let breaker: &'static CircuitBreaker = Box::leak(Box::new(CircuitBreaker::named(name)));
            drop(breaker.acquire());
            resilient::list(breaker);
        }
    });
}

/// Fills the keys of one policy.
fn keys() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("scrape, by key"));
    resilient::list(&HOSTS);
    for key in 0..10_000_u32 {
        drop(HOSTS.of(&key).acquire());
    }
}

const POLICIES: u64 = 1_000;
const SERIES: u64 = 27;
