//! Policies that have a state for each key.

use std::collections::HashMap;
use std::future::pending;
use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use resilient::{Bulkhead, CircuitBreaker, Coalesce, Hedge, PerKey, RateLimit, Throttle};

use crate::charts::{Chart, Curve, least_nanos};
use crate::drive::{poll, repeat};
use crate::leaving::poll_once;
use crate::work::{Busy, Failure, attempt};

pub(crate) fn chart() -> Chart {
    let curves = vec![
        Curve::new("map and counter by hand", SIZES, |keys| {
            let map: RwLock<HashMap<u64, Arc<AtomicU64>>> = RwLock::default();
            map.write().unwrap().extend((0..keys).map(|key| (key, Arc::default())));
            nanos(keys, async |key| {
                let counter = map.read().unwrap()[&key].clone();
                counter.fetch_add(1, Relaxed);
                attempt::<Failure>(key).await.unwrap()
            })
        }),
        Curve::new("resilient `CircuitBreaker`", SIZES, |keys| {
            let policies = PerKey::new(CircuitBreaker::named("scaling")).capacity(MOST);
            nanos(keys, async |key| {
                let policy = policies.of(&key);
                let permit = policy.acquire().expect("closed");
                permit.settle(attempt::<Failure>(key).await).unwrap()
            })
        }),
        Curve::new("resilient `RateLimit`", SIZES, |keys| {
            let policies = PerKey::new(RateLimit::named("scaling").rate(1_000_000_000, SECOND)).capacity(MOST);
            nanos(keys, async |key| {
                let policy = policies.of(&key);
                let permit = policy.acquire().await.expect("room");
                permit.settle(attempt::<Failure>(key).await).unwrap()
            })
        }),
        Curve::new("resilient `Bulkhead`", SIZES, |keys| {
            let policies = PerKey::new(Bulkhead::named("scaling").limit(64)).capacity(MOST);
            nanos(keys, async |key| {
                let policy = policies.of(&key);
                let _permit = policy.acquire().await.expect("room");
                attempt::<Failure>(key).await.unwrap()
            })
        }),
        Curve::new("resilient `Throttle`", SIZES, |keys| {
            let policies = PerKey::new(Throttle::named("scaling")).capacity(MOST);
            nanos(keys, async |key| {
                let policy = policies.of(&key);
                let permit = policy.acquire().expect("no failures");
                permit.settle(attempt::<Failure>(key).await).unwrap()
            })
        }),
        Curve::new("resilient `Hedge`", SIZES, |keys| {
            let policies = PerKey::new(Hedge::named("scaling")).capacity(MOST);
            nanos(keys, async |key| policies.of(&key).run(|| attempt::<Failure>(key)).await.unwrap())
        }),
        Curve::new("resilient `Coalesce`, so many runs under way", SIZES, |keys| {
            let policy: &'static Coalesce = Box::leak(Box::new(Coalesce::named("scaling")));
            let mut running: Vec<_> = (0..keys)
                .map(|key| Box::pin(policy.run(&(key + MOST as u64), pending::<Result<u64, Busy>>())))
                .collect();
            for run in &mut running {
                assert!(poll_once(run).is_pending());
            }
            nanos(keys, async |key| policy.run(&key, attempt::<Busy>(key)).await.unwrap())
        }),
    ];
    Chart {
        title: "Keys",
        about: "Calls with keys in a random order, each key's policy there already. With more keys, more of them are not \
                in the processor's caches: the first row shows what that costs a map of counters.",
        axis: "keys",
        unit: "ns per call",
        curves,
    }
}

fn nanos(keys: u64, call: impl AsyncFn(u64) -> u64) -> f64 {
    poll(repeat(keys, async |key| call(key).await));
    let calls = keys.max(CALLS);
    least_nanos(calls, || {
        let random = |number: u64| (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % keys;
        black_box(poll(repeat(calls, async |number| call(random(number)).await)));
    })
}

const SIZES: &[u64] = &[1, 10, 100, 1_000, 10_000, 100_000];
const MOST: usize = 200_000;
const CALLS: u64 = 20_000;
const SECOND: Duration = Duration::from_secs(1);
