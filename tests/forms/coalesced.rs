//! Every form of function whose runs can be shared, under `#[coalesce]` alone and in a stack, and each future still `Send`.

#![deny(warnings, missing_docs, unsafe_op_in_unsafe_fn, clippy::all, clippy::pedantic)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use async_trait::async_trait;
use resilient::{bulkhead, circuit_breaker, coalesce, fallback, fan_out, hedge, rate_limit, resilient, retry, timeout};
use resilient_tests::{Error, Script, assert_send};

/// Writes the function under a coalescing with that key, alone and with other policies.
macro_rules! coalesced {
    ($($name:ident by ($($key:tt)*): { $($function:tt)* })*) => {$(
        #[allow(dead_code, unsafe_code, clippy::unused_async, clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref)]
        mod $name {
            use super::*;

            mod alone {
                use super::*;
                #[coalesce($($key)*)]
                $($function)*
            }
            mod held {
                use super::*;
                #[coalesce(hold = "100ms", name = "forms: held", $($key)*)]
                #[timeout("1s")]
                $($function)*
            }
            mod in_the_stack {
                use super::*;
                #[fallback(value = Default::default())]
                #[coalesce($($key)*)]
                #[timeout(total = "1s", attempt = "100ms")]
                #[retry(backoff = "none")]
                #[hedge(idempotent, after = "20ms")]
                #[circuit_breaker]
                #[rate_limit("100/s")]
                #[bulkhead(limit = 2)]
                $($function)*
            }
            mod inside {
                use super::*;
                #[timeout("1s")]
                #[circuit_breaker]
                #[coalesce($($key)*)]
                #[bulkhead]
                $($function)*
            }
            mod listed {
                use super::*;
                #[resilient(coalesce($($key)*), retry(backoff = "none"), circuit_breaker)]
                $($function)*
            }
        }
    )*};
}

coalesced! {
    free by (key = n): { async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    public by (key = n): { pub async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    restricted by (key = n): { pub(in crate::coalesced) async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    without_arguments by (): { async fn function() -> Result<u32, Error> { Ok(1) } }
    that_make_no_difference by (shared_across(text, n)): {
        async fn function(text: &str, n: u32) -> Result<usize, Error> { Ok(text.len() + n as usize) }
    }
    borrowing by (key = (text, more)): {
        async fn function<'a>(text: &'a str, more: &'a [&'a str]) -> Result<String, Error> { Ok(text[more.len()..].to_owned()) }
    }
    owned by (key = text): { async fn function(text: String) -> Result<usize, Error> { Ok(text.len()) } }
    nested_tuples by (key = (a, (b, c.len()), c)): {
        async fn function(a: u8, b: Option<char>, c: Vec<i64>) -> Result<usize, Error> { Ok(c.len() + usize::from(a) + usize::from(b.is_some())) }
    }
    computed by (key = text.to_lowercase()): { async fn function(text: &str) -> Result<String, Error> { Ok(text.to_lowercase()) } }
    generic by (key = all): {
        async fn function<T, const N: usize>(all: [T; N]) -> Result<String, Error>
        where
            T: Debug + Hash + Send + Sync,
        {
            Ok(format!("{all:?}"))
        }
    }
    generic_output by (key = key): {
        async fn function<K, V>(key: &K) -> Result<BTreeMap<K, V>, Error>
        where
            K: Clone + Hash + Ord + Send + Sync + 'static,
            V: Clone + Default + Send + Sync + 'static,
        {
            Ok([(key.clone(), V::default())].into())
        }
    }
    impl_trait_argument by (key = name.as_ref()): {
        async fn function(name: impl AsRef<str> + Send + Sync) -> Result<usize, Error> { Ok(name.as_ref().len()) }
    }
    patterns by (key = (a, b, c)): {
        async fn function((a, b): (u32, u32), [c, ..]: [u32; 3]) -> Result<u32, Error> { Ok(a + b + c) }
    }
    reference_patterns by (key = (n, text)): {
        async fn function(&n: &u32, (ref text, _): (String, u8)) -> Result<usize, Error> { Ok(text.len() + n as usize) }
    }
    unsafe_function by (key = n): { async unsafe fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    shadowed_names by (key = (coalesce, call, attempt, r#move)): {
        async fn function(coalesce: u32, call: u32, attempt: u32, outcome: u32, r#move: u32) -> Result<u32, Error> {
            Ok(coalesce + call + attempt + outcome + r#move)
        }
    }
    early_return by (key = n): {
        async fn function(n: u32) -> Result<u32, Error> {
            if n == 0 {
                return Err(Error::Gone);
            }
            for i in 0..n {
                if i == 3 { continue }
                if i == 4 { break }
            }
            Err(Error::Gone)?
        }
    }
    nested_items by (key = n): {
        async fn function(n: u32) -> Result<u32, Error> {
            const POLICY: u32 = 1;
            fn inner() -> u32 { POLICY }
            Ok(n + inner())
        }
    }
    instrumented by (key = text): {
        #[tracing::instrument(skip_all)]
        async fn function(text: &str) -> Result<usize, Error> { Ok(text.len()) }
    }
}

/// A client with methods of every kind.
pub struct Client {
    script: Script,
    tenant: u32,
    flights: resilient::Coalesce,
}

/// An output that cannot be cloned.
#[derive(Debug, PartialEq)]
pub struct Hits(u32);

#[allow(clippy::unused_async, missing_docs, clippy::missing_errors_doc)]
impl Client {
    #[coalesce(key = n)]
    #[retry(backoff = "none")]
    pub async fn shared(&self, n: u32) -> Result<u32, Error> {
        self.script.next()?;
        Ok(n)
    }

    #[coalesce]
    #[circuit_breaker]
    pub async fn whole(&self) -> Result<u32, Error> {
        Ok(self.tenant)
    }

    #[coalesce(key = n)]
    #[circuit_breaker]
    pub async fn counted(self: Arc<Self>, n: u32) -> Result<u32, Error> {
        Ok(self.tenant + n)
    }

    #[coalesce(key = (self.tenant, n), hold = "1s")]
    #[timeout("1s")]
    pub async fn exclusive(&mut self, n: u32) -> Result<u32, Error> {
        self.tenant += 0;
        Ok(n)
    }

    #[coalesce(key = n, with = self.flights)]
    #[bulkhead]
    pub async fn by_field(&self, n: u32) -> Result<u32, Error> {
        Ok(n)
    }

    #[coalesce(key = n, share)]
    #[timeout("1s")]
    #[retry]
    pub async fn hits(&self, n: u32) -> Result<Hits, Error> {
        Ok(Hits(n))
    }

    #[coalesce(shared_across(self))]
    pub async fn of_all(&self) -> u32 {
        7
    }

    #[fan_out(limit = 2)]
    #[coalesce(key = n)]
    #[retry(backoff = "none", max = 9)]
    pub async fn each(&self, n: u32) -> Result<u32, Error> {
        tokio::task::yield_now().await;
        Ok(n)
    }
}

/// A trait with boxed futures.
#[async_trait]
#[allow(missing_docs, clippy::missing_errors_doc)]
pub trait Boxed: Send + Sync {
    async fn required(&self, text: &str, owned: String) -> Result<usize, Error>;

    #[coalesce(key = text, shared_across(self))]
    #[timeout("100ms")]
    async fn provided(&self, text: &str) -> Result<usize, Error> {
        self.required(text, String::new()).await
    }
}

#[async_trait]
impl Boxed for Client {
    #[coalesce(key = (text, owned))]
    #[retry(backoff = "none", clone(owned))]
    async fn required(&self, text: &str, mut owned: String) -> Result<usize, Error> {
        self.script.next()?;
        owned.push_str(text);
        Ok(owned.len())
    }
}

/// A trait with futures of its own types.
#[allow(missing_docs, clippy::missing_errors_doc)]
pub trait Native {
    fn named(&self, name: &str) -> impl Future<Output = Result<String, Error>> + Send;
}

impl Native for Client {
    #[coalesce(key = name)]
    #[circuit_breaker]
    async fn named(&self, name: &str) -> Result<String, Error> {
        Ok(format!("{name} {}", self.tenant))
    }
}

/// A module without a prelude, in which every name that the expansion could trip over is taken.
#[allow(dead_code, clippy::unused_async, clippy::upper_case_acronyms)]
mod hostile {
    #![no_implicit_prelude]

    use ::resilient::{coalesce, timeout};

    type Fine = ::std::result::Result<u32, ::resilient_tests::Error>;

    struct Result;
    struct Option;
    struct Ok;
    struct Err;
    struct Some;
    struct None;
    struct Duration;
    struct Box;
    struct Fn;
    struct Hash;
    struct Clone;
    struct Arc;
    struct POLICY;
    mod resilient {}
    mod core {}
    mod std {}
    mod tokio {}

    #[coalesce(key = (n, text), hold = "1s", mode = "observe")]
    #[timeout("1s")]
    async fn function(n: u32, text: &str) -> Fine {
        let _ = text;
        ::std::result::Result::Ok(n)
    }

    #[coalesce(key = n, share)]
    async fn shared(n: u32) -> Fine {
        ::std::result::Result::Ok(n)
    }
}

fn is_send<F: Future + Send>(future: F) -> F {
    assert_send(future)
}

fn client(failures: u32) -> Client {
    Client { script: Script::failing(failures), tenant: 3, flights: resilient::Coalesce::named("forms") }
}

#[tokio::test(start_paused = true)]
async fn methods_of_every_kind_are_coalesced_and_their_futures_are_send() {
    let mut own = client(0);

    assert_eq!(is_send(client(1).shared(5)).await, Ok(5));
    assert_eq!(is_send(own.whole()).await, Ok(3));
    assert_eq!(is_send(Arc::new(client(0)).counted(1)).await, Ok(4));
    assert_eq!(is_send(own.exclusive(5)).await, Ok(5));
    assert_eq!(is_send(own.by_field(5)).await, Ok(5));
    assert_eq!(is_send(own.hits(5)).await.as_deref(), Ok(&Hits(5)));
    assert_eq!(is_send(own.of_all()).await, 7);
    assert_eq!(own.each_all([1, 2, 1]).await, [Ok(1), Ok(2), Ok(1)]);
    assert_eq!(is_send(Boxed::required(&client(1), "abc", "d".to_owned())).await, Ok(4));
    assert_eq!(is_send(Boxed::provided(&own, "abc")).await, Ok(3));
    assert_eq!(is_send(Native::named(&own, "name")).await.unwrap(), "name 3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coalesced_functions_can_be_spawned() {
    let client = Arc::new(client(1));

    let calls: Vec<_> = (0..8)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.shared(n % 2).await })
        })
        .collect();

    for (n, call) in (0..8).zip(calls) {
        assert_eq!(call.await.unwrap(), Ok(n % 2));
    }
}
