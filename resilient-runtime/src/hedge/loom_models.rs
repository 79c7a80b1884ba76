//! The bucket and the estimate under every interleaving of a few threads.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::AtomicU32;
use loom::thread;

use super::bucket::{Bucket, TOKEN};
use super::estimate::{Estimate, Sample};
use super::*;

#[test]
fn loom_hedges_never_exceed_what_calls_have_paid() {
    loom::model(|| {
        // half a token for each of two calls pays for one attempt
        let bucket = Arc::new(Bucket::new());
        let taken = Arc::new(AtomicU32::new(0));
        let calls: Vec<_> = (0..2)
            .map(|_| {
                let (bucket, taken) = (bucket.clone(), taken.clone());
                thread::spawn(move || {
                    bucket.deposit(TOKEN / 2);
                    if bucket.withdraw() {
                        taken.fetch_add(1, Relaxed);
                    }
                })
            })
            .collect();
        for call in calls {
            call.join().unwrap();
        }

        let taken = f64::from(taken.load(Relaxed));
        assert!((taken + bucket.balance() - 1.0).abs() < 1e-9);
    });
}

#[test]
fn loom_samples_at_once_are_none_lost() {
    loom::model(|| {
        let estimate = Arc::new(Estimate::new());
        (0..18).for_each(|_| estimate.learn(0.95, Sample::Exactly(Duration::from_millis(10))));
        let learning: Vec<_> = [11, 12]
            .map(|millis| {
                let estimate = estimate.clone();
                thread::spawn(move || estimate.learn(0.95, Sample::Exactly(Duration::from_millis(millis))))
            })
            .into();
        for thread in learning {
            thread.join().unwrap();
        }

        let found = estimate.get().expect("twenty samples");
        assert!(found > Duration::from_millis(10) && found < Duration::from_millis(13), "{found:?}");
    });
}
