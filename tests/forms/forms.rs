//! Every form of function that can carry a policy, under each of them and under all, and each future still `Send`.
//!
//! A form that does not compile fails the test. The few functions that are called show that the policies are really there.

#![deny(warnings, missing_docs, unsafe_op_in_unsafe_fn, clippy::all, clippy::pedantic)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::future::{Future, ready};
use std::sync::Arc;

use async_trait::async_trait;
use resilient::{
    batch, bulkhead, circuit_breaker, enforce, exempt, fan_out, rate_limit, resilient, retry, throttle, timeout,
};
use resilient_tests::{Error, Script, assert_send, ms};

resilient::profile! {
    /// The stack of most of these tests.
    pub(crate) whole = timeout(total = "1s", attempt = "100ms"), retry(backoff = "none"), circuit_breaker(consecutive = 5)
}

const FAILURES: u32 = 7;

/// Writes the function once under each policy and once under the whole stack.
macro_rules! under_each_policy {
    ($($name:ident: { $($function:tt)* })*) => {$(
        #[allow(dead_code, unsafe_code, clippy::unused_async, clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref)]
        mod $name {
            use super::*;

            mod under_retry {
                use super::*;
                #[retry(backoff = "none")]
                $($function)*
            }
            mod under_circuit_breaker {
                use super::*;
                #[circuit_breaker]
                $($function)*
            }
            mod under_a_circuit_breaker_of_a_key {
                use super::*;
                #[retry(backoff = "none")]
                #[timeout("1s")]
                #[circuit_breaker(key = (module_path!(), 1 + 1), slow_call = "1s")]
                $($function)*
            }
            mod under_a_circuit_breaker_of_a_name {
                use super::*;
                #[circuit_breaker(name = "forms", mode = "observe")]
                $($function)*
            }
            mod under_a_bulkhead {
                use super::*;
                #[bulkhead(limit = 2, weight = 1 + 1, priority = "low")]
                $($function)*
            }
            mod under_limits_that_adapt {
                use super::*;
                #[retry(backoff = "none")]
                #[throttle(key = module_path!())]
                #[bulkhead(limit = "vegas", key = module_path!())]
                #[timeout("1s")]
                $($function)*
            }
            mod under_a_rate_limit {
                use super::*;
                #[rate_limit("5/s", max_wait = "1s", name = "forms")]
                $($function)*
            }
            mod under_timeout {
                use super::*;
                #[timeout("1s")]
                $($function)*
            }
            mod under_the_stack {
                use super::*;
                #[timeout(total = "1s", attempt = "100ms")]
                #[retry(backoff = "none")]
                #[circuit_breaker]
                $($function)*
            }
            mod under_the_one_attribute {
                use super::*;
                #[resilient(timeout("1s"), retry(backoff = "none"), circuit_breaker)]
                $($function)*
            }
            mod under_a_profile {
                use super::*;
                #[resilient(bulkhead, profile = whole, retry(max = 2))]
                $($function)*
            }
            #[enforce(timeout(total <= "1s"), retry(max <= 3), optional(bulkhead(limit <= 64)), forbid(fan_out))]
            mod under_rules {
                use super::*;
                #[resilient(profile = whole)]
                $($function)*
            }
            #[enforce(timeout, circuit_breaker(failure_rate <= "50%", consecutive <= 9))]
            mod under_an_exempted_rule {
                use super::*;
                #[exempt(timeout, reason = "a form without one")]
                #[circuit_breaker(consecutive = FAILURES)]
                $($function)*
            }
        }
    )*};
}

under_each_policy! {
    free: { async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    public: { pub async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    restricted: { pub(super) async fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    without_arguments: { async fn function() -> Result<(), Error> { Ok(()) } }
    borrowing: { async fn function<'a>(text: &'a str, more: &[u8]) -> Result<&'a str, Error> { Ok(&text[more.len()..]) } }
    elided: { async fn function(text: &str) -> Result<&str, Error> { Ok(text) } }
    exclusive: { async fn function(list: &mut Vec<u32>) -> Result<usize, Error> { list.push(1); Ok(list.len()) } }
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
    impl_trait_argument: { async fn function(name: impl AsRef<str> + Send + Sync) -> Result<usize, Error> { Ok(name.as_ref().len()) } }
    impl_trait_output: { async fn function(n: u32) -> Result<impl Iterator<Item = u32>, Error> { Ok(0..n) } }
    patterns: { async fn function((a, b): (u32, u32), [c, ..]: [u32; 3], _: u32) -> Result<u32, Error> { Ok(a + b + c) } }
    alias: { async fn function() -> std::io::Result<u32> { Ok(1) } }
    unsafe_function: { async unsafe fn function(n: u32) -> Result<u32, Error> { Ok(n) } }
    inner_attributes: {
        async fn function(n: u64) -> Result<u32, Error> {
            #![allow(clippy::cast_possible_truncation)]
            Ok(n as u32)
        }
    }
    documented: {
        /// Has a documentation comment.
        #[must_use]
        #[allow(clippy::double_must_use)]
        async fn function(#[cfg(test)] n: u32, #[cfg(not(test))] m: u64) -> Result<u32, Error> { Ok(n) }
    }
    raw_identifiers: { async fn r#type(r#fn: u32) -> Result<u32, Error> { Ok(r#fn) } }
    names_of_the_expansion: {
        async fn function(attempt: u32, retry: u32, outcome: u32, delay: u32, settled: u32, circuit_breaker: u32, timeout: u32)
            -> Result<u32, Error>
        {
            let permit = attempt + retry + outcome + delay;
            let call = 1;
            let rejection = settled + circuit_breaker + timeout + call;
            Ok(permit + rejection)
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
    diverging: { async fn function() -> Result<u32, Error> { std::future::pending::<()>().await; unreachable!() } }
    nested_items: {
        async fn function() -> Result<u32, Error> {
            const POLICY: u32 = 1;
            static BREAKER: u32 = 2;
            fn inner() -> u32 { POLICY + BREAKER }
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
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    pub async fn shared(&self) -> Result<u32, Error> {
        self.script.next()?;
        Ok(self.script.attempts())
    }

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    pub async fn exclusive(&mut self, more: &mut Vec<u32>) -> Result<u32, Error> {
        more.push(self.script.attempts());
        self.script.next()?;
        Ok(self.script.attempts())
    }

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    pub async fn counted(self: Arc<Self>) -> Result<u32, Error> {
        self.script.next()?;
        Ok(self.script.attempts())
    }

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none", clone(host))]
    #[circuit_breaker(key = (host, more, self.script.attempts(), *more.first().unwrap_or(&0)))]
    pub async fn keyed(&mut self, mut host: String, more: &mut Vec<u32>) -> Result<String, Error> {
        more.push(1);
        host.push('.');
        self.script.next()?;
        Ok(host)
    }

    #[resilient(profile = whole)]
    pub async fn by_profile(&mut self, more: &mut Vec<u32>) -> Result<u32, Error> {
        #![allow(clippy::let_and_return)]
        more.push(self.script.attempts());
        self.script.next()?;
        let attempts = self.script.attempts();
        Ok(attempts)
    }

    #[resilient(profile = whole, retry(clone(host)))]
    pub async fn cloning_by_profile(self: Arc<Self>, mut host: String) -> Result<String, Error> {
        host.push('.');
        self.script.next()?;
        Ok(host)
    }

    #[fan_out(limit = 2)]
    #[resilient(profile = whole)]
    pub async fn each_by_profile(&self, n: u32) -> Result<u32, Error> {
        self.script.next()?;
        Ok(n)
    }

    #[timeout("1s")]
    #[circuit_breaker]
    pub async fn consumed(self) -> Result<Script, Error> {
        Ok(self.script)
    }

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    pub async fn associated() -> Result<Self, Error> {
        Ok(Self { script: Script::fine() })
    }

    #[fan_out(limit = 2)]
    #[retry(backoff = "none")]
    pub async fn each(&self, n: u32) -> Result<u32, Error> {
        self.script.next()?;
        Ok(n)
    }

    #[batch]
    #[retry(backoff = "none")]
    pub async fn find(&self, keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
        self.script.next()?;
        Ok(keys.iter().map(|key| (*key, key + 1)).collect())
    }

    #[fan_out(companion = counted_find_all)]
    #[batch]
    pub async fn counted_find(
        self: Arc<Self>,
        prefix: &str,
        #[each] keys: Vec<String>,
    ) -> Result<Vec<Result<String, Error>>, Error> {
        tokio::task::yield_now().await;
        Ok(keys.into_iter().map(|key| Ok(format!("{prefix}{key}"))).collect())
    }

    #[batch(companion = count_of)]
    pub async fn count(mut self: Arc<Self>, keys: Vec<u32>, _unused: &str) -> Vec<Result<usize, Error>> {
        self = self.clone();
        let _ = self.script.attempts();
        vec![Ok(keys.len()); keys.len()]
    }

    #[batch(group = ())]
    pub async fn lengths(words: Vec<String>) -> Result<HashMap<String, usize>, Error> {
        Self::associated().await?;
        Ok(words.into_iter().map(|word| (word.clone(), word.len())).collect())
    }

    #[fan_out(companion = made_all)]
    pub async fn made(n: u32) -> Result<Self, Error> {
        Ok(Self { script: Script::failing(n) })
    }
}

/// A native async trait with a default body.
#[allow(async_fn_in_trait, missing_docs, clippy::missing_errors_doc)]
pub trait Native {
    async fn required(&self, n: u32) -> Result<u32, Error>;

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    async fn provided(&mut self) -> Result<u32, Error> {
        self.required(1).await
    }
}

impl Native for Client {
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    async fn required(&self, n: u32) -> Result<u32, Error> {
        self.script.next()?;
        Ok(n)
    }
}

/// The same traits under a profile, and under rules.
#[allow(async_fn_in_trait, missing_docs, clippy::missing_errors_doc)]
#[enforce(timeout(attempt <= "100ms"), retry, any(circuit_breaker, bulkhead))]
pub mod ruled {
    use super::*;

    pub trait Native {
        async fn required(&self, n: u32) -> Result<u32, Error>;

        #[resilient(profile = whole)]
        async fn provided(&mut self) -> Result<u32, Error> {
            self.required(1).await
        }
    }

    impl Native for Client {
        #[resilient(profile = super::whole)]
        async fn required(&self, n: u32) -> Result<u32, Error> {
            self.script.next()?;
            Ok(n)
        }
    }

    #[async_trait]
    pub trait Boxed: Send + Sync {
        async fn required(&self, text: &str, owned: String) -> Result<usize, Error>;

        #[resilient(profile = crate::forms::whole)]
        async fn provided(&self, text: &str) -> Result<usize, Error> {
            self.required(text, String::new()).await
        }

        fn plain(&self) -> u32 {
            1
        }
    }

    #[async_trait]
    impl Boxed for Client {
        #[resilient(profile = whole, retry(clone(owned)))]
        async fn required(&self, text: &str, mut owned: String) -> Result<usize, Error> {
            self.script.next()?;
            owned.push_str(text);
            Ok(owned.len())
        }
    }

    impl<T> Repository<'_, T>
    where
        T: AsRef<[u32]> + Sync + ?Sized,
    {
        #[resilient(profile = whole)]
        pub async fn last(&self) -> Result<&u32, Error> {
            self.items.as_ref().last().ok_or(Error::Gone)
        }

        #[exempt(reason = "a form with no policy at all")]
        #[allow(clippy::unused_async)]
        pub async fn any(&self) -> Option<&u32> {
            self.items.as_ref().first()
        }
    }

    // the attributes may stand in any order, with other attributes between them
    #[exempt(timeout, reason = "a form without one")]
    #[tracing::instrument(skip_all)]
    #[bulkhead]
    #[retry(backoff = "none")]
    pub async fn exempt_on_top(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }

    #[bulkhead]
    #[retry(backoff = "none")]
    #[tracing::instrument(skip_all)]
    #[exempt(timeout, reason = "a form without one")]
    pub async fn exempt_below(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }

    #[cfg_attr(all(), resilient(profile = whole))]
    #[cfg_attr(not(all()), exempt(reason = "never there"))]
    pub async fn conditional(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }

    macro_rules! made {
        ($name:ident, $most:literal, $profile:path) => {
            #[resilient(profile = $profile, retry(max = $most))]
            pub async fn $name(script: &Script) -> Result<u32, Error> {
                script.next()?;
                Ok(script.attempts())
            }
        };
    }

    made!(by_a_macro, 2, whole);

    macro_rules! made_whole {
        ($client:ty, $output:ty, $function:item) => {
            #[enforce(circuit_breaker)]
            impl $client {
                $function

                #[resilient(profile = whole)]
                pub async fn with_a_type(&self) -> $output {
                    self.script.next()?;
                    Ok(self.script.attempts())
                }
            }
        };
    }

    made_whole!(Client, Result<u32, Error>, #[circuit_breaker] pub async fn with_an_item(&self) -> Result<u32, Error> {
        self.script.next()?;
        Ok(self.script.attempts())
    });

    // an item that is no `async fn` any more after other attributes is left alone
    #[tokio::test]
    async fn a_test_carries_no_policies() {
        assert_eq!(Boxed::plain(&Client { script: Script::fine() }), 1);
    }
}

/// A trait with boxed futures.
#[async_trait]
#[allow(missing_docs, clippy::missing_errors_doc)]
pub trait Boxed: Send + Sync {
    async fn required(&self, text: &str, owned: String) -> Result<usize, Error>;

    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    async fn provided(&self, text: &str) -> Result<usize, Error> {
        self.required(text, String::new()).await
    }
}

#[async_trait]
impl Boxed for Client {
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none", clone(owned))]
    #[circuit_breaker]
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
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "none")]
    #[circuit_breaker]
    pub async fn first(&self) -> Result<&u32, Error> {
        self.items.as_ref().first().ok_or(Error::Gone)
    }

    #[batch]
    pub async fn at(&self, places: Vec<usize>) -> Result<BTreeMap<usize, u32>, Error> {
        let items = self.items.as_ref();
        Ok(places.into_iter().filter_map(|place| Some((place, *items.get(place)?))).collect())
    }
}

/// A module without a prelude, in which every name that the expansion could trip over is taken.
#[allow(dead_code, clippy::unused_async, clippy::upper_case_acronyms)]
mod hostile {
    #![no_implicit_prelude]

    use ::resilient::{batch, circuit_breaker, fan_out, retry, timeout};

    type Answers = ::std::result::Result<::std::collections::HashMap<u32, u32>, ::resilient_tests::Error>;

    #[batch(max_size = 3, max_wait = "1ms")]
    async fn for_many(keys: ::std::vec::Vec<u32>, batch: &str, key: &str) -> Answers {
        let _ = (keys, batch, key);
        ::std::result::Result::Ok(::std::collections::HashMap::new())
    }

    type Fine = ::std::result::Result<u32, ::resilient_tests::Error>;

    struct Result;
    struct Option;
    struct Ok;
    struct Err;
    struct Some;
    struct None;
    struct Duration;
    struct Box;
    struct POLICY;
    mod resilient {}
    mod core {}
    mod std {}
    mod tokio {}

    #[fan_out(limit = 3)]
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(backoff = "exp", base = "1ms")]
    #[circuit_breaker(window = "10s")]
    async fn function(n: u32) -> Fine {
        ::std::result::Result::Ok(n)
    }

    const MOST: u32 = 2;
    const SHORT: ::std::time::Duration = ::std::time::Duration::from_millis(1);
    const HALF: f64 = 0.5;

    ::resilient::profile! {
        hostile = timeout(total = "1s"), retry(max = MOST, base = SHORT), circuit_breaker(failure_rate = HALF)
    }

    #[::resilient::enforce(timeout, retry(max < 3, base >= "1ms"), circuit_breaker(failure_rate == "50%", probes > 2))]
    #[::resilient::resilient(profile = hostile)]
    async fn by_profile(n: u32) -> Fine {
        ::std::result::Result::Ok(n)
    }
}

/// Uses the attributes by the crate's path, with nothing imported.
mod by_path {
    use resilient_tests::Error;

    #[resilient::timeout("1s")]
    #[resilient::retry(backoff = "none")]
    pub(super) async fn function(n: u32) -> Result<u32, Error> {
        Ok(n)
    }
}

/// Uses the attributes through a re-export under another name.
mod renamed {
    mod inner {
        pub(crate) use resilient as toolkit;
    }

    #[derive(Debug, inner::toolkit::Classify)]
    #[classify(crate = crate::forms::renamed::inner::toolkit)]
    pub(super) enum Refused {
        #[transparent(from)]
        By(inner::toolkit::Error),
    }

    #[inner::toolkit::resilient(
        batch(max_size = 2, crate = crate::forms::renamed::inner::toolkit),
        timeout("1s")
    )]
    pub(super) async fn many(keys: Vec<u32>) -> Result<std::collections::BTreeMap<u32, u32>, Shared> {
        tokio::task::yield_now().await;
        Ok(keys.into_iter().map(|key| (key, key)).collect())
    }

    #[derive(Debug, Clone)]
    pub(super) struct Shared(#[expect(dead_code, reason = "shown")] inner::toolkit::Error);

    impl From<inner::toolkit::Error> for Shared {
        fn from(rejection: inner::toolkit::Error) -> Self {
            Self(rejection)
        }
    }

    #[inner::toolkit::resilient(
        crate = crate::forms::renamed::inner::toolkit,
        fallback(value = 7),
        timeout(total = "1s", attempt = "100ms"),
        retry(backoff = "none"),
        circuit_breaker
    )]
    pub(super) async fn function() -> Result<u32, Refused> {
        std::future::pending().await
    }

    inner::toolkit::profile! { here = fallback(value = 7), timeout("1s"), crate = crate::forms::renamed::inner::toolkit }

    #[inner::toolkit::enforce(timeout, fallback, crate = crate::forms::renamed::inner::toolkit)]
    pub(super) mod ruled {
        use super::{Refused, here, inner};

        #[inner::toolkit::resilient(profile = here)]
        pub(in super::super) async fn function() -> Result<u32, Refused> {
            std::future::pending().await
        }

        #[inner::toolkit::exempt(fallback, reason = "a form", crate = crate::forms::renamed::inner::toolkit)]
        #[inner::toolkit::resilient(crate = crate::forms::renamed::inner::toolkit, profile = here, without(fallback))]
        pub(in super::super) async fn failing() -> Result<u32, Refused> {
            std::future::pending().await
        }
    }
}

/// Writes an endpoint, so that a macro makes the annotated function.
macro_rules! endpoint {
    ($name:ident, $limit:literal, $max:expr, $output:ty) => {
        #[timeout($limit)]
        #[retry(max = $max, backoff = "none")]
        async fn $name(script: &Script) -> $output {
            script.next()?;
            Ok(script.attempts())
        }
    };
}

endpoint!(made_by_a_macro, "1s", 2, Result<u32, Error>);

/// Has a policy in a `cfg_attr`.
#[cfg_attr(all(), retry(backoff = "none"))]
#[timeout("1s")]
async fn conditional(script: &Script) -> Result<u32, Error> {
    script.next()?;
    Ok(script.attempts())
}

/// Has a sibling policy in a `cfg_attr`, which the policy above it sees without the condition.
#[retry(backoff = "none")]
#[cfg_attr(all(), timeout("1s"))]
async fn conditional_sibling(script: &Script) -> Result<u32, Error> {
    script.next()?;
    Ok(script.attempts())
}

/// An error that is neither `Send` nor `Sync`, which must not make the future `!Send` during the wait.
mod unsendable_error {
    use std::rc::Rc;

    use super::*;

    #[derive(Debug, resilient::Classify)]
    #[transient]
    pub(super) struct Local(pub(super) Rc<u32>);

    #[retry(max = 1)]
    pub(super) async fn function() -> Result<u32, Local> {
        tokio::task::yield_now().await;
        Err(Local(Rc::new(1)))
    }
}

/// Borrows all arguments, the items included.
#[fan_out]
#[timeout(total = "1s", attempt = "100ms")]
#[retry(backoff = "none")]
#[circuit_breaker]
async fn measure(script: &Script, prefix: &str, #[each] word: &str) -> Result<usize, Error> {
    script.next()?;
    Ok(prefix.len() + word.len())
}

/// Borrows all arguments, with every option that keeps the items where they are.
#[fan_out(limit = "adaptive", stream, dedup)]
#[timeout("1s")]
async fn weigh(script: &Script, prefix: &str, #[each] word: &str) -> Result<usize, Error> {
    script.next()?;
    Ok(prefix.len() + word.len())
}

/// Gets two new functions, one of which is not used.
#[fan_out(stream)]
async fn half_used(n: u32) -> u32 {
    tokio::task::yield_now().await;
    n
}

/// Is generic in the item, which borrows from no argument.
#[fan_out(stream, dedup)]
async fn show<T: Debug + Clone + Eq + std::hash::Hash>(item: &T) -> String {
    tokio::task::yield_now().await;
    format!("{item:?}")
}

/// Runs on all cores, with arguments of every kind that can be sent there.
#[fan_out(executor = "spawn", stream, dedup, limit = "vegas")]
#[retry(backoff = "none")]
async fn far<T: Send + Sync + 'static>(
    shared: Arc<T>,
    name: &'static str,
    (low, high): (u32, u32),
    #[each] word: String,
) -> Result<usize, Error> {
    tokio::task::yield_now().await;
    Ok(name.len() + word.len() + (low + high) as usize + usize::from(Arc::strong_count(&shared) == 0))
}

impl Client {
    #[fan_out(stream, dedup, limit = "aimd")]
    #[retry(backoff = "none")]
    async fn looked_up(&self, word: &str) -> Result<usize, Error> {
        self.script.next()?;
        Ok(word.len())
    }

    #[fan_out(executor = "spawn", stream)]
    #[retry(backoff = "none")]
    async fn far(self: Arc<Self>, n: u32) -> Result<u32, Error> {
        self.script.next()?;
        Ok(n)
    }

    #[fan_out(executor = "blocking", stream, companion = near)]
    async fn blocking(self: Arc<Self>, n: u32) -> Result<u32, Error> {
        tokio::task::yield_now().await;
        self.script.next()?;
        Ok(n)
    }
}

/// A generic type whose `impl` has the bounds.
pub struct Of<T, U> {
    first: T,
    others: Vec<U>,
}

#[allow(missing_docs, clippy::missing_errors_doc)]
impl<T: PartialEq + Send + Sync, U: Send + Sync> Of<T, U> {
    #[fan_out(stream)]
    #[retry(backoff = "none")]
    pub async fn is_first(&self, item: &T) -> Result<bool, Error> {
        tokio::task::yield_now().await;
        Ok(self.first == *item)
    }

    #[fan_out(limit = 2)]
    #[timeout("1s")]
    pub async fn count(&self, least: usize, #[each] all: (&[U], Option<&T>)) -> Result<usize, Error> {
        tokio::task::yield_now().await;
        Ok((all.0.len() + usize::from(all.1.is_some()) + self.others.len()).max(least))
    }
}

fn is_send<F: Future + Send>(future: F) -> F {
    assert_send(future)
}

#[tokio::test(start_paused = true)]
async fn methods_of_every_kind_are_retried_and_their_futures_are_send() {
    let client = || Client { script: Script::failing(2) };

    assert_eq!(is_send(client().shared()).await, Ok(3));
    assert_eq!(is_send(client().exclusive(&mut Vec::new())).await, Ok(3));
    assert_eq!(is_send(Arc::new(client()).counted()).await, Ok(3));
    assert_eq!(is_send(client().consumed()).await.unwrap().attempts(), 0);
    assert_eq!(is_send(client().keyed("host".to_owned(), &mut Vec::new())).await, Ok("host.".to_owned()));
    assert!(is_send(Client::associated()).await.is_ok());
    assert_eq!(is_send(client().by_profile(&mut Vec::new())).await, Ok(3));
    assert_eq!(is_send(Arc::new(client()).cloning_by_profile("host".to_owned())).await, Ok("host.".to_owned()));
    assert_eq!(is_send(ruled::Native::required(&client(), 5)).await, Ok(5));
    assert_eq!(ruled::Native::provided(&mut client()).await, Ok(1));
    assert_eq!(is_send(ruled::Boxed::required(&client(), "abc", "d".to_owned())).await, Ok(4));
    assert_eq!(is_send(ruled::Boxed::provided(&client(), "abc")).await, Ok(3));
    assert_eq!(is_send(Repository { items: &[7][..] }.last()).await, Ok(&7));
    assert_eq!(is_send(Repository { items: &[7][..] }.any()).await, Some(&7));
    assert_eq!(is_send(ruled::exempt_on_top(&Script::failing(2))).await, Ok(3));
    assert_eq!(is_send(ruled::exempt_below(&Script::failing(2))).await, Ok(3));
    assert_eq!(is_send(ruled::conditional(&Script::failing(2))).await, Ok(3));
    assert_eq!(is_send(ruled::by_a_macro(&Script::failing(2))).await, Ok(3));
    assert_eq!(is_send(client().with_a_type()).await, Ok(3));
    assert_eq!(is_send(client().with_an_item()).await, Err(Error::Down));
    assert_eq!(is_send(renamed::ruled::function()).await.unwrap(), 7);
    assert!(is_send(renamed::ruled::failing()).await.is_err());
    assert_eq!(client().each_by_profile_all([1, 2]).await, [Ok(1), Ok(2)]);
    assert_eq!(is_send(Native::required(&client(), 5)).await, Ok(5));
    assert_eq!(Native::provided(&mut client()).await, Ok(1));
    assert_eq!(is_send(Boxed::required(&client(), "abc", "d".to_owned())).await, Ok(4));
    assert_eq!(is_send(Boxed::provided(&client(), "abc")).await, Ok(3));
    assert_eq!(is_send(Repository { items: &[7][..] }.first()).await, Ok(&7));
    assert_eq!(is_send(by_path::function(1)).await, Ok(1));
    assert_eq!(is_send(renamed::function()).await.unwrap(), 7);
    assert_eq!(is_send(renamed::many_one(7)).await.unwrap(), Some(7));
    assert_eq!(is_send(made_by_a_macro(&Script::failing(2))).await, Ok(3));
    assert_eq!(is_send(unsendable_error::function()).await.unwrap_err().0, 1.into());
    assert_eq!(is_send(conditional(&Script::failing(2))).await, Ok(3));
    assert_eq!(is_send(conditional_sibling(&Script::failing(2))).await, Ok(3));
    let of = Of { first: 3, others: vec!["a"] };
    assert_eq!(is_send(async { of.is_first_all(&[3, 4]).await }).await, [Ok(true), Ok(false)]);
    assert_eq!(of.count_all(2, [(&["b", "c"][..], Some(&3)), (&[], None)]).await, [Ok(4), Ok(2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn annotated_functions_can_be_spawned() {
    let client = Arc::new(Client { script: Script::failing(2) });

    let spawned = tokio::spawn({
        let client = client.clone();
        async move { client.shared().await }
    });

    assert_eq!(spawned.await.unwrap(), Ok(3));
    let all = tokio::spawn(async move { client.each_all([1, 2, 3]).await });
    assert_eq!(all.await.unwrap(), [Ok(1), Ok(2), Ok(3)]);
    let borrowed = tokio::spawn(async {
        let owned = ["one".to_owned(), "three".to_owned()];
        let words: Vec<&str> = owned.iter().map(String::as_str).collect();
        let (prefix, script) = ("<".to_owned(), Script::failing(1));
        let all = measure_all(&script, &prefix, words.clone()).await;
        let tried = measure_all(&script, &prefix, words.clone()).limit(1).try_all().await;
        let first = measure_all(&script, &prefix, [words[1]]).first_ok().await;
        let stream = measure_all(&script, &prefix, owned.iter().map(String::as_str)).unordered();
        let streamed = futures_util::StreamExt::collect::<Vec<_>>(stream).await.len();
        (all, tried, first, streamed)
    });
    assert_eq!(borrowed.await.unwrap(), (vec![Ok(4), Ok(6)], Ok(vec![4, 6]), Ok(6), 2));
    let more = tokio::spawn(async {
        let owned = ["one".to_owned(), "three".to_owned()];
        let words: Vec<&str> = owned.iter().map(String::as_str).collect();
        let (prefix, script) = ("<".to_owned(), Script::fine());
        let ordered = measure_all(&script, &prefix, words.clone()).ordered();
        let ordered = futures_util::StreamExt::collect::<Vec<_>>(ordered).await.len();
        let quorum = measure_all(&script, &prefix, words.clone()).quorum(2).await.map(|values| values.len());
        let settled = measure_all(&script, &prefix, words.clone()).settle_within(ms(50)).await.len();
        let observed = measure_all(&script, &prefix, words.clone()).progress(|_| ()).await.len();
        let stopped = measure_all(&script, &prefix, words.clone()).cancel_on(ready(())).try_all().await.is_err();
        (ordered, quorum, settled, observed, stopped)
    });
    assert_eq!(more.await.unwrap(), (2, Ok(2), 2, 2, true));
    let weighed = tokio::spawn(async {
        let owned = ["one".to_owned(), "three".to_owned()];
        let (prefix, script) = ("<".to_owned(), Script::fine());
        let words = || owned.iter().map(String::as_str);
        let streamed = || futures_util::stream::iter(words());
        let all = weigh_all(&script, &prefix, words()).await.len();
        let tried = weigh_all(&script, &prefix, words()).limit(1).try_all().await;
        let ordered = weigh_stream(&script, &prefix, streamed()).ordered();
        let ordered = futures_util::StreamExt::collect::<Vec<_>>(ordered).await.len();
        let unordered = weigh_stream(&script, &prefix, streamed()).unordered();
        let unordered = futures_util::StreamExt::collect::<Vec<_>>(unordered).await.len();
        let quorum = weigh_stream(&script, &prefix, streamed()).progress(|_| ()).quorum(1).await.map(|some| some.len());
        let settled = weigh_stream(&script, &prefix, streamed()).settle_within(ms(50)).await.len();
        let stopped = weigh_stream(&script, &prefix, streamed()).cancel_on(ready(())).first_ok().await.is_err();
        let shown = show_all(&owned).await.len() + show_stream(futures_util::stream::iter(&owned)).await.len();
        (all, tried, ordered, unordered, quorum, settled, stopped, shown)
    });
    assert_eq!(weighed.await.unwrap(), (2, Ok(vec![4, 6]), 2, 2, Ok(1), 2, true, 4));
    let by_method = tokio::spawn(async {
        let owned = ["one".to_owned(), "three".to_owned()];
        let client = Arc::new(Client { script: Script::fine() });
        let words = || owned.iter().map(String::as_str);
        let looked_up = client.looked_up_all(words()).await.len()
            + client.looked_up_stream(futures_util::stream::iter(words())).await.len();
        let far = Arc::clone(&client).far_all([1, 2]).await.len()
            + Arc::clone(&client).far_stream(futures_util::stream::iter([1, 2])).await.len();
        let near = Arc::clone(&client).near([1, 2]).await.len()
            + Arc::clone(&client).near_stream(futures_util::stream::iter([1, 2])).await.len();
        let free = far_all(Arc::new(()), "<", (1, 2), owned.clone()).ordered();
        let free = futures_util::StreamExt::collect::<Vec<_>>(free).await.len();
        let streamed = far_stream(Arc::new(()), "<", (1, 2), futures_util::stream::iter(owned.clone())).await.len();
        (looked_up, far, near, free, streamed)
    });
    assert_eq!(by_method.await.unwrap(), (4, 4, 4, 2, 2));
    assert_eq!(half_used_all([1]).await, [1]);
    let batched = tokio::spawn({
        let client = Arc::new(Client { script: Script::failing(2) });
        async move {
            let prefix = "<".to_owned();
            let items = [7, 8];
            let repository = Repository { items: &items[..] };
            tokio::join!(
                client.find_one(1),
                client.clone().counted_find_one(&prefix, "a".to_owned()),
                client.clone().count_of(5, "b"),
                repository.at_one(1),
                repository.at_one(2),
                Client::lengths_one("four".to_owned()),
            )
        }
    });
    let wanted = (Ok(Some(2)), Ok("<a".to_owned()), Ok(1), Ok(Some(8)), Ok(None), Ok(Some(4)));
    assert_eq!(batched.await.unwrap(), wanted);
    let made = tokio::spawn(async { Client::made_all(0..4).limit(2).await.len() });
    assert_eq!(made.await.unwrap(), 4);
}
