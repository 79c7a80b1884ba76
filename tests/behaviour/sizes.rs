//! The bytes that each policy adds to a function's future.

use resilient::{batch, bulkhead, circuit_breaker, coalesce, hedge, rate_limit, retry, timeout};
use resilient_tests::Error;

macro_rules! function {
    ($(#[$policy:meta])* $name:ident) => {
        $(#[$policy])*
        async fn $name(n: u32) -> Result<u32, Error> {
            let large = [n as u8; 256];
            tokio::task::yield_now().await;
            Ok(u32::from(large[0]))
        }
    };
}

function!(plain);
function!(
    #[retry]
    retried
);
function!(
    #[circuit_breaker]
    broken
);
function!(
    #[circuit_breaker(key = 1 + 1)]
    broken_by_key
);
function!(
    #[rate_limit("100/s", max_wait = "1s")]
    limited
);
function!(
    #[bulkhead]
    few
);
function!(
    #[hedge(idempotent)]
    hedged
);
function!(
    #[coalesce(key = 1 + 1)]
    coalesced
);
function!(
    #[timeout("1s")]
    timed
);
function!(
    #[timeout(total = "1s")]
    #[retry]
    #[circuit_breaker]
    #[bulkhead]
    limited_stack
);
function!(
    #[timeout(total = "1s")]
    #[retry]
    #[circuit_breaker]
    stacked
);
function!(
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry]
    #[circuit_breaker]
    doubly_timed
);

/// A function whose future, while it runs, has a place of its own in memory.
#[batch]
async fn many(keys: Vec<u32>) -> Result<std::collections::HashMap<u32, u32>, Error> {
    let large = [1_u8; 4096];
    tokio::task::yield_now().await;
    Ok(keys.into_iter().map(|key| (key, u32::from(large[0]))).collect())
}

async fn look(page: &[u8; 1024]) -> Result<u8, Error> {
    tokio::task::yield_now().await;
    Ok(page[0])
}

#[expect(clippy::large_types_passed_by_value, reason = "its size is the point")]
async fn large(page: [u8; 1024]) -> Result<u8, Error> {
    look(&page).await
}

#[timeout("1s")]
#[circuit_breaker]
#[rate_limit("1000/s")]
#[bulkhead(limit = 8)]
#[allow(clippy::large_types_passed_by_value, reason = "its size is the point")]
async fn large_under_a_stack(page: [u8; 1024]) -> Result<u8, Error> {
    look(&page).await
}

#[test]
fn a_stack_holds_a_large_argument_no_oftener_than_the_plain_function() {
    let (plain, stacked) = (size_of_val(&large([0; 1024])), size_of_val(&large_under_a_stack([0; 1024])));

    assert!(stacked < plain + 300, "{stacked} bytes, and {plain} without the policies");
}

#[test]
fn the_future_grows_by_no_more_than_its_policies_need() {
    let plain = size_of_val(&plain(1));
    let grown = |size: usize| size - plain;

    let sizes = [
        ("retry", grown(size_of_val(&retried(1))), 64),
        ("circuit_breaker", grown(size_of_val(&broken(1))), 24),
        ("circuit_breaker of a key", grown(size_of_val(&broken_by_key(1))), 40),
        ("rate_limit", grown(size_of_val(&limited(1))), 56),
        ("bulkhead", grown(size_of_val(&few(1))), 48),
        ("hedge", grown(size_of_val(&hedged(1))), 320),
        ("coalesce", grown(size_of_val(&coalesced(1))), 160),
        ("timeout", grown(size_of_val(&timed(1))), 144),
        ("stack", grown(size_of_val(&stacked(1))), 248),
        ("stack with a bulkhead", grown(size_of_val(&limited_stack(1))), 296),
        ("stack with two time-outs", grown(size_of_val(&doubly_timed(1))), 392),
    ];

    let batched = size_of_val(&many_one(1));
    assert!(batched <= 280, "a call in a batch has {batched} bytes");

    println!("plain: {plain} bytes");
    for (policy, bytes, _) in sizes {
        println!("{policy}: {bytes} bytes more");
    }
    for (policy, bytes, most) in sizes {
        assert!(bytes <= most, "{policy} adds {bytes} bytes, more than {most}");
    }
}
