//! `clone` alone: each attempt gets a clone of each argument that the body owns, `self` included.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(clippy::items_after_statements, clippy::needless_pass_by_value, clippy::unused_async, dead_code)]

use std::sync::Arc;

use async_trait::async_trait;
use resilient::{hedge, resilient, retry, timeout};
use resilient_tests::{Error, Script, assert_send};

#[derive(Debug, Clone)]
struct Request {
    script: Arc<Script>,
    words: Vec<String>,
}

impl Request {
    fn failing(times: u32) -> Self {
        Self { script: Arc::new(Script::failing(times)), words: vec!["a".to_owned()] }
    }

    /// Borrows `self` only, so that nothing has to be cloned.
    #[retry(backoff = "none")]
    async fn look(self) -> Result<usize, Error> {
        self.script.next()?;
        Ok(self.words.len())
    }

    #[retry(backoff = "none", clone)]
    async fn send(self, more: Vec<String>) -> Result<Vec<String>, Error> {
        let Self { script, mut words } = self;
        words.extend(more);
        script.next()?;
        Ok(words)
    }

    #[retry(backoff = "none", clone(self))]
    async fn change(mut self, times: usize) -> Result<Vec<String>, Error> {
        for _ in 0..times {
            self.words.push(format!("{}{times}", self.words.len()));
        }
        self.script.next()?;
        // the `self` of another type is left alone
        struct Other(usize);
        impl Other {
            fn doubled(self) -> usize {
                self.0 * 2
            }
        }
        self.words.push(Other(times).doubled().to_string());
        Ok(self.words)
    }

    #[timeout(total = "2s", attempt = "1s")]
    #[retry(backoff = "none", clone)]
    async fn whole(self: Arc<Self>, more: Vec<String>) -> Result<Vec<String>, Error> {
        self.script.next()?;
        let mut words = more;
        words.extend(Arc::unwrap_or_clone(self).words);
        Ok(words)
    }

    #[hedge(idempotent, clone)]
    async fn twice_at_once(self, mut more: Vec<String>) -> Result<Vec<String>, Error> {
        more.extend(self.words);
        Ok(more)
    }
}

/// Owns nothing to be cloned, like many functions of a code base that writes `clone` everywhere.
#[retry(backoff = "none", clone)]
async fn nothing(script: &Script, n: u32) -> Result<u32, Error> {
    script.next()?;
    Ok(n)
}

#[retry(backoff = "none", clone)]
async fn patterns(
    (a, mut b): (String, String),
    #[cfg(any())] c: Vec<u8>,
    [d, _]: [String; 2],
    script: &Script,
) -> Result<String, Error> {
    b.push('!');
    script.next()?;
    Ok([a, b, d].concat())
}

#[async_trait]
trait Sends {
    async fn send_boxed(self, more: Vec<String>) -> Result<Vec<String>, Error>;
}

#[async_trait]
impl Sends for Request {
    #[retry(backoff = "none", clone)]
    async fn send_boxed(self, more: Vec<String>) -> Result<Vec<String>, Error> {
        self.script.next()?;
        let mut words = self.words;
        words.extend(more);
        Ok(words)
    }
}

#[resilient(timeout("1s"), retry(backoff = "none", clone))]
async fn listed(script: Arc<Script>, words: Vec<String>) -> Result<Vec<String>, Error> {
    script.next()?;
    drop(script);
    Ok(words)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_own() {
    let more = || vec!["b".to_owned()];

    assert_eq!(Request::failing(2).look().await, Ok(1));
    assert_eq!(Request::failing(2).send(more()).await.unwrap(), ["a", "b"]);
    assert_eq!(Request::failing(2).change(2).await.unwrap(), ["a", "12", "22", "4"]);
    assert_eq!(Arc::new(Request::failing(2)).whole(more()).await.unwrap(), ["b", "a"]);
    assert_eq!(Request::failing(0).twice_at_once(more()).await.unwrap(), ["b", "a"]);
    assert_eq!(Request::failing(2).send_boxed(more()).await.unwrap(), ["a", "b"]);
    assert_eq!(nothing(&Script::failing(1), 3).await, Ok(3));
    let text = |text: &str| text.to_owned();
    assert_eq!(
        patterns((text("a"), text("b")), [text("d"), text("e")], &Script::failing(2)).await.as_deref(),
        Ok("ab!d")
    );
    assert_eq!(listed(Arc::new(Script::failing(2)), more()).await.unwrap(), ["b"]);
    assert_send(&Request::failing(0).send(more()));
}

/// Takes types of the caller's choice, which the attribute requires to be `Clone`.
#[retry(backoff = "none", clone)]
async fn of_any_type<D: std::fmt::Display, C, S: std::fmt::Display>(
    script: &Script,
    id: D,
    name: C,
    more: impl Into<String>,
    list: Vec<S>,
    shared: Arc<impl std::fmt::Debug>,
    borrowed: &impl std::fmt::Debug,
) -> Result<String, Error>
where
    C: Clone + Into<String>,
{
    script.next()?;
    let (name, more): (String, String) = (name.into(), more.into());
    Ok(format!("{name} {id} {more} {} {shared:?} {borrowed:?}", list.len()))
}

/// Clones only the argument that is named, and only that argument must be `Clone`.
#[retry(backoff = "none", clone(name))]
async fn of_some_type(script: &Script, name: impl Into<String>, other: impl std::fmt::Debug) -> Result<String, Error> {
    script.next()?;
    Ok(format!("{} {other:?}", name.into()))
}

/// A type that cannot be cloned.
#[derive(Debug)]
struct Guard;

#[tokio::test(start_paused = true)]
async fn what_the_caller_chooses_is_cloned_too() {
    let outcome = of_any_type(&Script::failing(2), 1, "name", "more", vec![1], Arc::new(Guard), &Guard).await;
    assert_eq!(outcome.as_deref(), Ok("name 1 more 1 Guard Guard"));

    let outcome = of_some_type(&Script::failing(2), "name", Guard).await;
    assert_eq!(outcome.as_deref(), Ok("name Guard"));
}
