//! `crate = …`: the policies work in a crate that knows the runtime crate by another name.

use resilient_tests::{Error, Script};
use tokio_util::sync::CancellationToken;

use resilient::{
    batch, bulkhead, cancel, circuit_breaker, coalesce, fallback, fan_out, hedge, rate_limit, resilient, retry, timeout,
};

/// The runtime crate, as a crate of the user's re-exports it.
pub(crate) mod elsewhere {
    pub(crate) use resilient::*;
}

#[tokio::test(start_paused = true)]
async fn each_policy_finds_the_crate_by_the_path_that_it_is_given() {
    #[retry(backoff = "none", crate = crate::crate_path::elsewhere)]
    async fn retried(script: &Script) -> Result<u32, Error> {
        script.next().map(|()| script.attempts())
    }
    #[circuit_breaker(crate = crate::crate_path::elsewhere)]
    async fn guarded(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
    #[bulkhead(limit = 2, crate = crate::crate_path::elsewhere)]
    async fn limited(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
    #[rate_limit("100/s", crate = crate::crate_path::elsewhere)]
    async fn paced(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
    #[timeout("1s", crate = crate::crate_path::elsewhere)]
    async fn timed(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
    #[cancel(on = stop, crate = crate::crate_path::elsewhere)]
    async fn stopped(stop: &CancellationToken) -> Result<u32, Error> {
        Ok(0)
    }
    #[fallback(value = 5, crate = crate::crate_path::elsewhere)]
    async fn answered() -> Result<u32, Error> {
        Err(Error::Down)
    }
    #[fan_out(crate = crate::crate_path::elsewhere)]
    async fn spread(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
    #[hedge(idempotent, crate = crate::crate_path::elsewhere)]
    async fn hedged(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
    #[coalesce(key = n, crate = crate::crate_path::elsewhere)]
    async fn joined(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
    #[batch(crate = crate::crate_path::elsewhere)]
    async fn gathered(keys: Vec<u32>) -> Vec<Result<u32, Error>> {
        keys.into_iter().map(Ok).collect()
    }

    assert_eq!(retried(&Script::failing(1)).await, Ok(2));
    assert_eq!((hedged(6).await, joined(7).await, gathered_one(8).await), (Ok(6), Ok(7), Ok(8)));
    assert_eq!((guarded(1).await, limited(2).await, paced(3).await, timed(4).await), (Ok(1), Ok(2), Ok(3), Ok(4)));
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(stopped(&stop).await.unwrap_err().reason(), resilient::Reason::Cancelled);
    assert_eq!(answered().await, Ok(5));
    assert_eq!(spread_all([1, 2]).await, [Ok(1), Ok(2)]);
}

#[tokio::test(start_paused = true)]
async fn one_path_is_enough_for_a_whole_stack() {
    #[timeout("1s")]
    #[retry(backoff = "none", crate = crate::crate_path::elsewhere)]
    #[circuit_breaker]
    async fn stacked(script: &Script) -> Result<u32, Error> {
        script.next().map(|()| script.attempts())
    }
    #[resilient(timeout("1s"), retry(backoff = "none"), crate = crate::crate_path::elsewhere)]
    async fn listed(script: &Script) -> Result<u32, Error> {
        script.next().map(|()| script.attempts())
    }

    assert_eq!(stacked(&Script::failing(2)).await, Ok(3));
    assert_eq!(listed(&Script::failing(2)).await, Ok(3));
}
