//! Arguments that are expressions of every form, and tokens from `macro_rules!`.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(
    dead_code,
    clippy::cast_lossless,
    clippy::cast_possible_truncation,
    clippy::match_bool,
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use resilient::{CircuitBreaker, Classify, Timeout, fallback, resilient, retry, timeout};
use resilient_tests::{Error, Script};
use tokio_util::sync::CancellationToken;

/// The runtime crate under another name, with its attributes.
mod prelude {
    pub(super) use resilient::*;
}
use prelude as rz;

const FAST: bool = false;
static SHORT: Timeout = Timeout::named("short", Duration::from_secs(1));
static LONG: Timeout = Timeout::named("long", Duration::from_secs(2));
static BREAKERS: [CircuitBreaker; 2] = [CircuitBreaker::named("one"), CircuitBreaker::named("two")];

/// Has a closure that is called, a condition that is borrowed, and values behind pointers and references.
#[fallback(function = |id: &u32, _: &Error| std::future::ready(Ok(*id + 1)))]
async fn closure(id: u32) -> Result<u32, Error> {
    Err(if id == 0 { Error::Down } else { Error::Busy { after: None } })
}

#[fallback(function = [if FAST { first } else { second }, |_: &u32, _: &Error| Ok(9)])]
async fn chain(id: u32) -> Result<u32, Error> {
    Err(if id == 0 { Error::Down } else { Error::Busy { after: None } })
}

fn first(_: &u32, error: &Error) -> Result<u32, Error> {
    Err(error.clone())
}

fn second(id: &u32, error: &Error) -> Result<u32, Error> {
    if *id == 3 { Ok(8) } else { Err(error.clone()) }
}

#[resilient::cancel(on = &token)]
async fn by_reference(token: CancellationToken) -> Result<u32, Error> {
    std::future::pending().await
}

#[resilient::cancel(on = *token)]
async fn behind_a_pointer(token: Arc<CancellationToken>) -> Result<u32, Error> {
    std::future::pending().await
}

#[resilient::cancel(on = if FAST { first } else { second })]
async fn by_condition(first: &CancellationToken, second: &CancellationToken) -> Result<u32, Error> {
    std::future::pending().await
}

#[resilient::timeout(with = if FAST { &SHORT } else { &LONG })]
#[resilient::circuit_breaker(with = match FAST { true => &BREAKERS[0], false => &BREAKERS[1] })]
async fn policies_by_condition(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[resilient::bulkhead(weight = if FAST { 1 } else { 2 }, priority = if FAST { resilient::Priority::Low } else { resilient::Priority::High })]
async fn weighed(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[resilient::circuit_breaker(key = id as u64 + 1)]
#[resilient::rate_limit("1000/s", key = -i64::from(id))]
#[resilient::coalesce(key = ..id)]
async fn keys(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[retry(backoff = "none", when = |_: &_| false)]
async fn inferred(script: &Script) -> Result<u32, Error> {
    script.next().map(|()| 1)
}

#[retry(backoff = "none", when = |error: _| *error == Error::Gone)]
async fn inferred_altogether(script: &Script) -> Result<u32, Error> {
    script.next().map(|()| 1)
}

// Names the crate otherwise in each of the attributes.
#[rz::timeout("2s", crate = crate::tokens::rz)]
#[rz::retry(backoff = "none", crate = crate::tokens::rz)]
#[prelude::circuit_breaker]
async fn renamed(script: &Script) -> Result<u32, Error> {
    script.next().map(|()| 1)
}

macro_rules! functions {
    ($name:ident, $item:ty, $argument:ty, $output:ty, $limit:expr, $visibility:vis, $body:block, $pattern:pat) => {
        #[timeout($limit, crate = $crate::tokens::rz)]
        #[retry(backoff = "none", max = 1 + 1)]
        $visibility async fn $name(item: $item, mut more: $argument, $pattern: (u32, u32)) -> $output {
            item.push(more.len() as u32);
            more = &more[1..];
            item.push(more.len() as u32);
            $body
        }
    };
}
functions!(fragments, &mut Vec<u32>, &str, Result<u32, Error>, "2s", pub(crate), { Ok(7) }, (_first, _));

macro_rules! with_a_type {
    ($error:ty, $($field:ident: $kind:ty),*) => {
        #[derive(Debug, Classify)]
        enum OfAMacro {
            #[throttled(after = wait)]
            Busy { $($field: $kind),*, wait: Option<Duration> },
            #[transparent(from)]
            Other($error),
        }
    };
}
with_a_type!(resilient::Error, place: u32);

#[resilient::batch]
async fn conditional_keys(#[cfg(any())] never: u32, keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
    Ok(keys.into_iter().map(|key| (key, key)).collect())
}

/// Points `word` and `list` elsewhere. The next attempt finds both as they were at first.
#[retry(backoff = "none", max = 3)]
async fn of_its_own(
    script: &Script,
    mut word: &str,
    mut list: &mut [u32],
    seen: &mut Vec<(usize, usize)>,
) -> Result<u32, Error> {
    word = &word[1..];
    list = &mut list[1..];
    list[0] += 1;
    seen.push((word.len(), list.len()));
    script.next().map(|()| list.len() as u32 + 1)
}

/// Has an argument that is compiled out, which needs neither a clone nor a place in the key.
#[retry(backoff = "none")]
async fn conditional_mutable(#[cfg(any())] mut never: Vec<u32>, script: &Script) -> Result<u32, Error> {
    script.next().map(|()| 1)
}

#[fallback(function = instead)]
async fn conditional_arguments(
    #[cfg(any())] never: u32,
    id: u32,
    #[cfg(not(any()))] always: &str,
) -> Result<u32, Error> {
    if always.is_empty() { Ok(id) } else { Err(Error::Down) }
}

async fn instead(id: &u32, always: &str, _: &Error) -> Result<u32, Error> {
    Ok(id + u32::from(always.len() as u8))
}

#[resilient(circuit_breaker, bulkhead)]
async fn conditional_drops(#[cfg(any())] _never: String, _first: String, _second: String) -> Result<u32, Error> {
    Ok(1)
}

#[tokio::test(start_paused = true)]
async fn they_do_what_they_say() {
    let cancelled = || {
        let token = CancellationToken::new();
        token.cancel();
        token
    };

    assert_eq!(closure(3).await, Ok(4));
    assert_eq!((chain(3).await, chain(4).await), (Ok(8), Ok(9)));
    assert!(by_reference(cancelled()).await.is_err());
    assert!(behind_a_pointer(Arc::new(cancelled())).await.is_err());
    assert!(by_condition(&CancellationToken::new(), &cancelled()).await.is_err());
    assert_eq!(policies_by_condition(3).await, Ok(3));
    assert_eq!(weighed(3).await, Ok(3));
    assert_eq!(keys(3).await, Ok(3));
    assert_eq!(inferred(&Script::failing(1)).await, Err(Error::Down));
    assert_eq!(inferred_altogether(&Script::failing(1)).await, Err(Error::Down));
    assert_eq!(renamed(&Script::failing(1)).await, Ok(1));
    let mut items = Vec::new();
    assert_eq!(fragments(&mut items, "two", (1, 2)).await, Ok(7));
    assert_eq!(items, [3, 2]);
    let (mut words, mut seen) = (vec![0, 1, 2], Vec::new());
    assert_eq!(of_its_own(&Script::failing(2), "three", &mut words, &mut seen).await, Ok(3));
    assert_eq!(seen, [(4, 2), (4, 2), (4, 2)]);
    assert_eq!(conditional_keys_one(1).await, Ok(Some(1)));
    assert_eq!(conditional_mutable(&Script::failing(1)).await, Ok(1));
    assert_eq!(conditional_arguments(1, "two").await, Ok(4));
    assert_eq!(conditional_drops(String::new(), String::new()).await, Ok(1));
    assert_eq!(conditional_credential(1).await, Ok(1));
    let busy = OfAMacro::Busy { place: 1, wait: Some(Duration::from_secs(1)) };
    assert_eq!(busy.class(), resilient::Class::Throttled { after: Some(Duration::from_secs(1)) });
}

/// Has a credential that is compiled out, which need not be in the key.
#[resilient::coalesce(key = id)]
async fn conditional_credential(id: u32, #[cfg(any())] token: String) -> Result<u32, Error> {
    Ok(id)
}

struct Connection {
    breaker: CircuitBreaker,
    limit: Timeout,
    seats: resilient::Bulkhead,
    rate: resilient::RateLimit,
    sent: Vec<u32>,
}

impl Connection {
    /// Changes `self` while the policies in its fields watch.
    #[resilient::timeout(with = self.limit)]
    #[resilient::circuit_breaker(with = self.breaker)]
    #[resilient::rate_limit(with = self.rate)]
    #[resilient::bulkhead(with = self.seats)]
    async fn send(&mut self, n: u32) -> Result<usize, Error> {
        self.sent.push(n);
        Ok(self.sent.len())
    }

    #[resilient::circuit_breaker(with = self.breaker)]
    async fn finish(self) -> Result<usize, Error> {
        Ok(self.sent.len())
    }
}

/// Makes the token before the body takes the argument that the token comes from.
#[resilient::cancel(on = token.clone())]
async fn until_its_own(token: CancellationToken) -> Result<u32, Error> {
    drop(token);
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn what_a_policy_is_made_of_stays_with_it() {
    let mut connection = Connection {
        breaker: CircuitBreaker::named("own"),
        limit: Timeout::named("own", Duration::from_secs(1)),
        seats: resilient::Bulkhead::named("own"),
        rate: resilient::RateLimit::named("own"),
        sent: Vec::new(),
    };
    assert_eq!((connection.send(1).await, connection.send(2).await), (Ok(1), Ok(2)));
    assert_eq!(connection.finish().await, Ok(2));

    let token = CancellationToken::new();
    token.cancel();
    assert!(until_its_own(token).await.is_err());
}
