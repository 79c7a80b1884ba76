//! The bytes of policies, of keys and of futures.

use std::fmt::Write as _;
use std::mem::size_of_val;
use std::time::Duration;

use resilient::{
    Batch, Bulkhead, CircuitBreaker, Coalesce, Hedge, PerKey, RateLimit, Retry, Throttle, Timeout, bulkhead,
    circuit_breaker, hedge, rate_limit, retry, timeout,
};

use resilient::call::Keyed;

use crate::allocations;
use crate::drive::poll;
use crate::number::number;
use crate::work::Failure;

/// Returns the tables in Markdown.
pub(crate) fn section() -> String {
    let mut text = include_str!("memory.md").to_owned();
    let breaker = per_key(CircuitBreaker::named("memory"), |policy| drop(policy.acquire()));
    let limit = per_key(RateLimit::named("memory").rate(1_000_000, SECOND), |policy| drop(policy.try_acquire()));
    let keyed = [
        ("`CircuitBreaker`", size_of::<CircuitBreaker>(), Some(breaker)),
        ("`RateLimit`", size_of::<RateLimit>(), Some(limit)),
        (
            "`Bulkhead`",
            size_of::<Bulkhead>(),
            Some(per_key(Bulkhead::named("memory"), |policy| drop(policy.try_acquire()))),
        ),
        (
            "`Throttle`",
            size_of::<Throttle>(),
            Some(per_key(Throttle::named("memory"), |policy| drop(policy.acquire()))),
        ),
        (
            "`Hedge`",
            size_of::<Hedge>(),
            Some(per_key(Hedge::named("memory"), |policy| {
                poll(policy.run(async || Ok::<_, Failure>(1))).expect("it succeeds");
            })),
        ),
        ("`Retry`", size_of::<Retry>(), None),
        ("`Timeout`", size_of::<Timeout>(), None),
        ("`Coalesce`", size_of::<Coalesce>(), None),
        ("`Batch`", size_of::<Batch>(), None),
    ];
    text.push_str("\n| policy | bytes of the `static` | bytes for each key |\n|---|---:|---:|\n");
    for (name, bytes, key) in keyed {
        writeln!(text, "| {name} | {} | {} |", number(Some(bytes as f64)), number(key)).expect(TAKES_ALL);
    }
    let megabytes = (breaker + limit) * KEYS as f64 / 1e6;
    let verdict = if megabytes <= MOST_MEGABYTES { "met" } else { "missed" };
    writeln!(
        text,
        "\nTen thousand keys with a breaker and a rate limit each take {megabytes:.1} MB. Our goal is at most {MOST_MEGABYTES} MB: \
         {verdict}."
    )
    .expect(TAKES_ALL);

    text.push_str("\n| stack of a function | bytes of its future beyond the plain function's |\n|---|---:|\n");
    let mut missed = Vec::new();
    let body = size_of_val(&plain(1));
    for (name, bytes) in [
        ("`retry`", size_of_val(&retried(1))),
        ("`circuit_breaker`", size_of_val(&guarded(1))),
        ("`timeout`", size_of_val(&timed(1))),
        ("`hedge`", size_of_val(&hedged(1))),
        ("`circuit_breaker`, `bulkhead`, `rate_limit`", size_of_val(&limits(1))),
        ("`timeout`, `retry`", size_of_val(&two(1))),
        ("`timeout`, `retry`, `circuit_breaker`", size_of_val(&three(1))),
        ("`timeout`, `retry`, `circuit_breaker`, `bulkhead`, `rate_limit`", size_of_val(&five(1))),
    ] {
        let more = bytes - body;
        writeln!(text, "| {name} | {more} |").expect(TAKES_ALL);
        if more > MOST_BYTES {
            missed.push(name);
        }
    }
    let verdict = if missed.is_empty() { "met".to_owned() } else { format!("missed by {}", missed.join("; by ")) };
    writeln!(text, "\nOur goal is at most {MOST_BYTES} bytes: {verdict}.").expect(TAKES_ALL);
    text
}

/// Returns the bytes that are allocated for each of ten thousand keys, each used once.
fn per_key<P: Keyed>(template: P, call: impl Fn(&P)) -> f64 {
    let policies = PerKey::new(template);
    call(&policies.of(&KEYS));
    let before = allocations::bytes();
    for key in 0..KEYS - 1 {
        call(&policies.of(&key));
    }
    (allocations::bytes() - before) as f64 / (KEYS - 1) as f64
}

macro_rules! function {
    ($(#[$policy:meta])* $name:ident) => {
        $(#[$policy])*
        async fn $name(id: u64) -> Result<u64, Failure> {
            let page = [id as u8; 256];
            tokio::task::yield_now().await;
            Ok(u64::from(page[0]))
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
    guarded
);
function!(
    #[timeout("60s")]
    timed
);
function!(
    #[hedge(idempotent)]
    hedged
);
function!(
    #[circuit_breaker]
    #[bulkhead]
    #[rate_limit("1000/s")]
    limits
);
function!(
    #[timeout(total = "60s")]
    #[retry]
    two
);
function!(
    #[timeout(total = "60s")]
    #[retry]
    #[circuit_breaker]
    three
);
function!(
    #[timeout(total = "60s")]
    #[retry]
    #[circuit_breaker]
    #[bulkhead]
    #[rate_limit("1000/s")]
    five
);

const KEYS: u64 = 10_000;
const MOST_MEGABYTES: f64 = 6.0;
const MOST_BYTES: usize = 200;
const SECOND: Duration = Duration::from_secs(1);
const TAKES_ALL: &str = "a string takes everything";
