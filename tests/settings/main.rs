//! Settings that change while the program runs: from files and from code, as a user's program would have them.

mod effects;
mod files;
mod keys;
mod watching;

use std::sync::{Mutex, MutexGuard, PoisonError};

use resilient::config::{self, Applied, Refused};
use resilient::snapshot::{PolicySnapshot, Setting};

/// Settings are the process's, so that one test after the other has them for itself.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    config::forget_all();
    guard
}

/// Applies a file without its last line.
fn apply(text: &str) -> Result<Applied, Refused> {
    config::apply("test.toml", &format!("{text}\n[end]\n"))
}

/// The mistakes of a file without its last line.
fn mistakes(text: &str) -> String {
    apply(text).expect_err("it is refused").to_string()
}

/// The policy of that name in the stack of the function.
fn policy(function: &str, layer: &str) -> PolicySnapshot {
    let functions = resilient::policies().functions;
    let function = functions.into_iter().find(|listed| listed.function == function).expect("it is listed");
    let layer = function.stack.into_iter().find(|listed| listed.layer == layer).expect("it has that layer");
    layer.policy.expect("it is its own")
}

fn setting(policy: &PolicySnapshot, key: &str) -> Setting {
    policy.settings.iter().find(|setting| setting.key == key).unwrap_or_else(|| panic!("no {key}: {policy:?}")).clone()
}

/// The value of the key that counts.
fn value(function: &str, layer: &str, key: &str) -> String {
    setting(&policy(function, layer), key).value
}

#[expect(dead_code, reason = "a function is listed without being called")]
mod shop {
    use resilient::shared::InMemory;
    use resilient::{
        batch, bulkhead, cancel, circuit_breaker, coalesce, fallback, fan_out, hedge, measure, rate_limit, retry,
        throttle, timeout,
    };
    use resilient_tests::Error;

    #[timeout(total = "2s", attempt = "500ms")]
    #[retry(max = 3, backoff = "fixed", base = "100ms", budget = none)]
    #[circuit_breaker(consecutive = 3, min_calls = 50)]
    #[rate_limit("1000/s")]
    #[bulkhead(limit = 8)]
    pub async fn order(fails: u32) -> Result<u32, Error> {
        if fails > 0 { Err(Error::Down) } else { Ok(fails) }
    }

    static FLEET: InMemory = InMemory::new();

    #[rate_limit("1000/s", shared = FLEET, name = "supplier")]
    pub async fn supplier() -> Result<(), Error> {
        Ok(())
    }

    #[timeout("1s")]
    pub async fn look() -> Result<(), Error> {
        Ok(())
    }

    #[fallback(stale = "5m", key = word)]
    #[throttle]
    #[hedge(after = "50ms", idempotent)]
    pub async fn price(word: &str) -> Result<usize, Error> {
        Ok(word.len())
    }

    #[timeout("1s")]
    #[hedge(after = "50ms", idempotent)]
    pub async fn quote(word: &str) -> Result<usize, Error> {
        Ok(word.len())
    }

    #[coalesce(key = id)]
    #[retry]
    pub async fn stock(id: u32) -> Result<u32, Error> {
        Ok(id)
    }

    #[coalesce(key = id, hold = "1s", stale_while_revalidate = "5s")]
    pub async fn discount(id: u32) -> Result<u32, Error> {
        Ok(id)
    }

    #[batch(max_size = 10)]
    pub async fn names(#[each] ids: Vec<u32>) -> Result<std::collections::HashMap<u32, String>, Error> {
        Ok(ids.into_iter().map(|id| (id, id.to_string())).collect())
    }

    #[fan_out(limit = 2)]
    #[measure]
    #[cancel(on = tokio_util::sync::CancellationToken::new())]
    pub async fn search(#[each] millis: u64) -> Result<u64, Error> {
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        Ok(millis)
    }

    #[bulkhead(limit = "aimd", min_limit = 2, max_limit = 20, initial_limit = 10)]
    pub async fn report() -> Result<(), Error> {
        Ok(())
    }

    #[circuit_breaker(name = "shop")]
    #[circuit_breaker(key = host)]
    pub async fn twice(host: &str) -> Result<usize, Error> {
        Ok(host.len())
    }
}

#[expect(dead_code, reason = "a function is listed without being called")]
mod depot {
    use resilient::{CircuitBreaker, circuit_breaker, enforce, retry, timeout};
    use resilient_tests::Error;

    /// Has the name of a function of the shop.
    #[retry(max = 5)]
    pub async fn look() -> Result<(), Error> {
        Ok(())
    }

    #[retry(max = 2)]
    pub async fn order() -> Result<(), Error> {
        Ok(())
    }

    pub static UPSTREAM: CircuitBreaker = CircuitBreaker::named("upstream");

    #[retry]
    #[circuit_breaker(with = UPSTREAM)]
    pub async fn ship() -> Result<(), Error> {
        Ok(())
    }

    #[timeout("1s")]
    #[retry(max = 2)]
    #[enforce(timeout(total <= "2s"), retry(max <= 3, base >= "50ms"))]
    pub async fn refund() -> Result<(), Error> {
        Ok(())
    }
}
