//! `resilient::test::reset`: what every policy has learnt, used up, keeps and was told is as at first. It is alone in its
//! program, since it resets the policies of all tests.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use resilient::test::{Script, reset};
use resilient::{Reason, bulkhead, coalesce, fallback, hedge, rate_limit, snapshot::PolicySnapshot};
use resilient_tests::{Error, ms};

const HOUR: Duration = Duration::from_secs(3600);

/// Returns the snapshot of the only policy of that function.
fn policy(function: &str) -> PolicySnapshot {
    let functions = resilient::policies().functions;
    let found = functions.into_iter().find(|listed| listed.function == function).expect("it is listed");
    found.stack.into_iter().next().and_then(|layer| layer.policy).expect("it has a policy of its own")
}

fn level(function: &str, name: &str) -> Option<f64> {
    policy(function).levels.iter().find(|level| level.name == name).map(|level| level.value)
}

#[tokio::test(start_paused = true)]
async fn all_is_as_at_first() {
    rates_are_unused().await;
    nothing_is_held_or_kept().await;
    nothing_is_learnt().await;
}

async fn rates_are_unused() {
    #[rate_limit("1/h")]
    async fn hourly(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    #[rate_limit("1/h", key = user)]
    async fn hourly_for_each(user: u32) -> Result<u32, Error> {
        Ok(user)
    }
    #[rate_limit("1000/s")]
    async fn paused(script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }
    let busy = || Script::of([Error::Busy { after: Some(HOUR) }]);

    for _ in 0..3 {
        hourly(&Script::fine()).await.unwrap();
        let refused = hourly(&Script::fine()).await.unwrap_err().reason();
        assert!(matches!(refused, Reason::RateLimited { .. }), "{refused:?}");
        hourly_for_each(1).await.unwrap();
        assert!(hourly_for_each(1).await.is_err());
        paused(&busy()).await.unwrap_err();
        assert_eq!((level("paused", "paused"), paused(&busy()).await.is_err()), (Some(1.0), true));
        reset();
        assert_eq!((level("paused", "paused"), level("paused", "rate_share")), (Some(0.0), Some(1.0)));
    }
}

async fn nothing_is_held_or_kept() {
    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[coalesce(hold = "1h")]
    async fn held() -> Result<u32, Error> {
        Ok(RUNS.fetch_add(1, SeqCst))
    }
    #[fallback(stale = "1h", key = page)]
    async fn kept(page: u32, script: &Script<Error>) -> Result<(), Error> {
        script.next()
    }

    assert_eq!((held().await, held().await), (Ok(0), Ok(0)));
    kept(1, &Script::fine()).await.unwrap();
    kept(1, &Script::failing(1, || Error::Down)).await.unwrap();
    reset();
    assert_eq!(held().await, Ok(1));
    kept(1, &Script::failing(1, || Error::Down)).await.unwrap_err();
}

async fn nothing_is_learnt() {
    #[hedge(idempotent, after = "p95")]
    async fn hedged() -> Result<(), Error> {
        tokio::time::sleep(ms(20)).await;
        Ok(())
    }
    #[bulkhead(limit = "aimd")]
    async fn adapting() -> Result<(), Error> {
        tokio::time::sleep(ms(20)).await;
        Err(Error::Busy { after: None })
    }

    for _ in 0..200 {
        hedged().await.unwrap();
        adapting().await.unwrap_err();
    }
    assert!(level("hedged", "hedge_delay_seconds").is_some());
    assert!(level("adapting", "limit") < Some(20.0));
    reset();
    assert_eq!((level("hedged", "hedge_delay_seconds"), level("adapting", "limit")), (None, Some(20.0)));
}
