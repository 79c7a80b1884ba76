//! Every form of function that can be hedged, under a hedge alone and in a stack, and each future still `Send`.

#![deny(warnings, missing_docs, unsafe_op_in_unsafe_fn, clippy::all, clippy::pedantic)]

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use resilient::{bulkhead, circuit_breaker, fallback, fan_out, hedge, rate_limit, retry, timeout};
use resilient_tests::{Error, Script, assert_send};

/// Writes the function under a hedge, alone and with other policies.
macro_rules! hedged {
    ($($name:ident: { $($function:tt)* })*) => {$(
        #[allow(dead_code, unsafe_code, clippy::unused_async, clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref)]
        mod $name {
            use super::*;

            mod alone {
                use super::*;
                #[hedge(idempotent)]
                $($function)*
            }
            mod of_a_key {
                use super::*;
                #[retry(backoff = "none")]
                #[hedge(idempotent, after = "p99", max = 2, key = (module_path!(), 1 + 1))]
                #[bulkhead(key = module_path!())]
                $($function)*
            }
            mod of_a_number {
                use super::*;
                #[hedge(idempotent, number = _attempted)]
                $($function)*
            }
            mod of_two_numbers {
                use super::*;
                #[retry(backoff = "none", number = _retried)]
                #[hedge(idempotent, number = _hedged)]
                #[bulkhead]
                $($function)*
            }
            mod of_a_name {
                use super::*;
                #[hedge(idempotent, name = "forms: hedged")]
                #[circuit_breaker]
                $($function)*
            }
            mod in_the_stack {
                use super::*;
                #[timeout(total = "1s", attempt = "100ms")]
                #[retry(backoff = "none")]
                #[hedge(idempotent, after = "20ms")]
                #[circuit_breaker]
                #[rate_limit("100/s")]
                #[bulkhead(limit = 2, weight = 1 + 1, priority = "low")]
                $($function)*
            }
            mod under_limits {
                use super::*;
                #[timeout("1s")]
                #[circuit_breaker]
                #[bulkhead]
                #[hedge(idempotent)]
                #[timeout("100ms")]
                $($function)*
            }
        }
    )*};
}

hedged! {
    free: { async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    public: { pub async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    without_arguments: { async fn function() -> Result<(), Error> { Ok(()) } }
    borrowing: { async fn function<'a>(text: &'a str, more: &[u8]) -> Result<&'a str, Error> { Ok(&text[more.len()..]) } }
    elided: { async fn function(text: &str) -> Result<&str, Error> { Ok(text) } }
    owned: { async fn function(text: String) -> Result<usize, Error> { Ok(text.len()) } }
    generic: {
        async fn function<T, const N: usize>(all: [T; N]) -> Result<String, Error>
        where
            T: Debug + Send + Sync,
        {
            Ok(format!("{all:?}"))
        }
    }
    higher_ranked: { async fn function<F>(read: F) -> Result<u32, Error> where F: for<'a> Fn(&'a str) -> u32 { Ok(read("")) } }
    exclusive_in_a_signature: {
        async fn function(change: impl Fn(&mut u32) + Sync, all: fn(&mut u32)) -> Result<u32, Error> {
            let mut n = 0;
            change(&mut n);
            all(&mut n);
            Ok(n)
        }
    }
    impl_trait_argument: { async fn function(name: impl AsRef<str> + Send + Sync) -> Result<usize, Error> { Ok(name.as_ref().len()) } }
    impl_trait_output: { async fn function(n: u32) -> Result<impl Iterator<Item = u32>, Error> { Ok(0..n) } }
    patterns: { async fn function((a, b): (u32, u32), [c, ..]: [u32; 3], _: u32) -> Result<u32, Error> { Ok(a + b + c) } }
    alias: { async fn function() -> std::io::Result<u32> { Ok(1) } }
    unsafe_function: { async unsafe fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    shadowed_names: {
        async fn function(attempt: u32, hedge: u32, outcome: u32, bulkhead: u32, r#move: u32) -> Result<u32, Error> {
            Ok(attempt + hedge + outcome + bulkhead + r#move)
        }
    }
    early_return: {
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
    nested_items: {
        async fn function() -> Result<u32, Error> {
            const POLICY: u32 = 1;
            fn inner() -> u32 { POLICY }
            Ok(inner())
        }
    }
    instrumented: {
        #[tracing::instrument(skip_all)]
        async fn function(text: &str) -> Result<usize, Error> { Ok(text.len()) }
    }
}

/// A client with methods of every kind.
pub struct Client {
    script: Script,
}

#[allow(clippy::unused_async, missing_docs, clippy::missing_errors_doc)]
impl Client {
    #[retry(backoff = "none")]
    #[hedge(idempotent, after = "10ms")]
    pub async fn shared(&self) -> Result<u32, Error> {
        self.script.next()?;
        Ok(self.script.attempts())
    }

    #[hedge(idempotent)]
    #[circuit_breaker]
    pub async fn counted(self: Arc<Self>) -> Result<u32, Error> {
        self.script.next()?;
        Ok(self.script.attempts())
    }

    #[retry(backoff = "none", clone(host))]
    #[hedge(idempotent, clone(host, copied))]
    pub async fn cloned(&self, mut host: String, mut copied: u32) -> Result<String, Error> {
        copied += 1;
        host.push_str(&copied.to_string());
        tokio::task::yield_now().await;
        self.script.next()?;
        Ok(host)
    }

    #[fan_out(limit = 2)]
    #[fallback(value = 9)]
    #[hedge(idempotent)]
    #[bulkhead]
    pub async fn each(&self, n: u32) -> Result<u32, Error> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.script.next()?;
        Ok(n)
    }
}

/// A trait with boxed futures.
#[async_trait]
#[allow(missing_docs, clippy::missing_errors_doc)]
pub trait Boxed: Send + Sync {
    async fn required(&self, text: &str, owned: String) -> Result<usize, Error>;

    #[hedge(idempotent)]
    #[timeout("100ms")]
    async fn provided(&self, text: &str) -> Result<usize, Error> {
        self.required(text, String::new()).await
    }
}

#[async_trait]
impl Boxed for Client {
    #[retry(backoff = "none")]
    #[hedge(idempotent, clone(owned))]
    async fn required(&self, text: &str, mut owned: String) -> Result<usize, Error> {
        self.script.next()?;
        owned.push_str(text);
        Ok(owned.len())
    }
}

/// A generic type, whose methods share one policy between all instantiations.
pub struct Repository<'a, T: ?Sized> {
    items: &'a T,
}

#[allow(missing_docs, clippy::missing_errors_doc, clippy::unused_async)]
impl<T> Repository<'_, T>
where
    T: AsRef<[u32]> + Sync + ?Sized,
{
    #[hedge(idempotent)]
    pub async fn first(&self) -> Result<&u32, Error> {
        self.items.as_ref().first().ok_or(Error::Gone)
    }
}

/// A module without a prelude, in which every name that the expansion could trip over is taken.
#[allow(dead_code, clippy::unused_async, clippy::upper_case_acronyms)]
mod hostile {
    #![no_implicit_prelude]

    use ::resilient::{bulkhead, hedge, timeout};

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
    struct POLICY;
    mod resilient {}
    mod core {}
    mod std {}
    mod tokio {}

    #[timeout(total = "1s", attempt = "100ms")]
    #[hedge(idempotent, after = "p90", min_after = "2ms", ratio = 0.1, clone(n))]
    #[bulkhead]
    async fn function(mut n: u32) -> Fine {
        n += 1;
        ::std::result::Result::Ok(n)
    }
}

fn is_send<F: Future + Send>(future: F) -> F {
    assert_send(future)
}

#[tokio::test(start_paused = true)]
async fn methods_of_every_kind_are_hedged_and_their_futures_are_send() {
    let client = || Client { script: Script::failing(1) };

    assert_eq!(is_send(client().shared()).await, Ok(2));
    assert_eq!(is_send(Arc::new(Client { script: Script::fine() }).counted()).await, Ok(1));
    assert_eq!(is_send(client().cloned("host".to_owned(), 6)).await, Ok("host7".to_owned()));
    assert_eq!(is_send(Boxed::required(&client(), "abc", "d".to_owned())).await, Ok(4));
    assert_eq!(is_send(Boxed::provided(&client(), "abc")).await, Ok(3));
    assert_eq!(is_send(Repository { items: &[7][..] }.first()).await, Ok(&7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hedged_functions_can_be_spawned() {
    let client = Arc::new(Client { script: Script::failing(1) });

    let shared = tokio::spawn({
        let client = client.clone();
        async move { (client.shared().await, client.cloned("host".to_owned(), 6).await) }
    });
    assert_eq!(shared.await.unwrap(), (Ok(2), Ok("host7".to_owned())));

    let counted = tokio::spawn(client.clone().counted());
    assert_eq!(counted.await.unwrap(), Ok(4));
    let all = tokio::spawn(async move { client.each_all([1, 2, 3]).await });
    assert_eq!(all.await.unwrap(), [Ok(1), Ok(2), Ok(3)]);
}
