//! Methods of traits: native ones, boxed ones, default ones, and those of foreign traits.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use resilient::{bulkhead, circuit_breaker, fallback, rate_limit, resilient, retry, timeout};

use crate::{Connection, Error};

/// Stores text.
pub trait Store {
    /// The type of the keys.
    type Key: ?Sized;

    /// Reads a text.
    fn read(&self, key: &Self::Key) -> impl Future<Output = Result<String, Error>> + Send;

    /// Writes a text.
    fn write(&mut self, key: &Self::Key, value: String) -> impl Future<Output = Result<(), Error>> + Send;
}

impl Store for Connection {
    type Key = str;

    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    async fn read(&self, key: &str) -> Result<String, Error> {
        self.ask(key).await
    }

    #[timeout("1s")]
    #[retry(clone(value))]
    #[circuit_breaker]
    async fn write(&mut self, key: &Self::Key, value: String) -> Result<(), Error> {
        self.tell(key, value).await.map(drop)
    }
}

impl<S> Store for Arc<S>
where
    S: Store<Key = str> + Send + Sync,
{
    type Key = str;

    #[timeout("2s")]
    #[retry(nested = "suppress")]
    #[circuit_breaker]
    async fn read(&self, key: &str) -> Result<String, Error> {
        (**self).read(key).await
    }

    #[timeout("2s")]
    #[circuit_breaker]
    #[bulkhead(limit = 1)]
    async fn write(&mut self, key: &str, value: String) -> Result<(), Error> {
        let inner = Arc::get_mut(self).ok_or(Error::Disconnected)?;
        inner.write(key, value).await
    }
}

/// Sends messages, behind a trait object.
#[async_trait]
pub trait Notify: Send + Sync {
    /// Sends a message to one receiver.
    async fn notify(&self, to: &str, message: String) -> Result<usize, Error>;

    /// Sends a message to each receiver.
    #[timeout("5s")]
    #[retry(max = 1)]
    #[circuit_breaker]
    async fn notify_each(&self, to: &[&str], message: &str) -> Result<usize, Error> {
        let mut sum = 0;
        for to in to {
            sum += self.notify(to, message.to_owned()).await?;
        }
        Ok(sum)
    }

    /// Forgets all messages.
    async fn forget(self: Box<Self>) -> Result<(), Error>;
}

#[async_trait]
impl Notify for Connection {
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(clone(message))]
    #[circuit_breaker]
    #[rate_limit("100/s")]
    async fn notify(&self, to: &str, mut message: String) -> Result<usize, Error> {
        message.push('!');
        let length = message.len();
        self.tell(to, message).await?;
        Ok(length)
    }

    #[timeout("1s")]
    #[circuit_breaker]
    #[bulkhead]
    async fn forget(self: Box<Self>) -> Result<(), Error> {
        self.tell("forgotten", String::new()).await?;
        Ok(())
    }
}

/// A handler of a generic event, as message buses have them.
#[async_trait]
pub trait Handle<E>
where
    E: Send + 'static,
{
    /// The outcome of the event.
    type Output: Send;

    /// Handles an event.
    async fn handle(&mut self, event: E) -> Result<Self::Output, Error>;
}

/// Counts events.
#[derive(Debug, Default)]
pub struct Counter<const STEP: usize>(usize);

#[async_trait]
impl<E, const STEP: usize> Handle<Vec<E>> for Counter<STEP>
where
    E: Debug + Send + Sync + 'static,
{
    type Output = (usize, String);

    #[resilient(timeout("1s"), retry, circuit_breaker)]
    async fn handle(&mut self, event: Vec<E>) -> Result<Self::Output, Error> {
        self.0 += event.len() * STEP;
        Ok((self.0, format!("{event:?}")))
    }
}

/// A trait whose futures need not be `Send`.
#[async_trait(?Send)]
pub trait Local {
    /// Does not leave its thread.
    #[fallback(value = 3)]
    #[timeout("1s")]
    #[retry(max = 1, backoff = "none")]
    async fn here(&self) -> Result<usize, Error> {
        tokio::task::yield_now().await;
        Err(Error::Disconnected)
    }
}

impl Local for Connection {}

/// A trait whose default method calls another.
#[expect(async_fn_in_trait, reason = "as in applications, where nobody names the future")]
pub trait Paged {
    /// Returns one page, if there is one.
    async fn page(&self, number: u32) -> Result<Option<String>, Error>;

    /// Returns all pages.
    #[timeout("10s")]
    #[retry]
    #[circuit_breaker]
    async fn pages(&self) -> Result<Vec<String>, Error> {
        let mut pages = Vec::new();
        while let Some(page) = self.page(u32::try_from(pages.len()).unwrap_or(u32::MAX)).await? {
            pages.push(page);
        }
        Ok(pages)
    }
}

impl Paged for Connection {
    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    async fn page(&self, number: u32) -> Result<Option<String>, Error> {
        match self.ask(&number.to_string()).await {
            Err(Error::NotFound) => Ok(None),
            outcome => outcome.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn methods_of_traits_work() {
        let mut store = Connection::with("0", "zero");

        assert_eq!(sent(store.read("0")).await.unwrap(), "zero");
        sent(store.write("1", "one".to_owned())).await.unwrap();
        assert_eq!(store.pages().await.unwrap(), ["zero", "one"]);
        let mut shared = Arc::new(store);
        assert_eq!(sent(Store::read(&shared, "1")).await.unwrap(), "one");
        sent(Store::write(&mut shared, "2", "two".to_owned())).await.unwrap();
        let notify: Box<dyn Notify> = Box::new(Arc::into_inner(shared).unwrap());
        assert_eq!(sent(notify.notify("a", "hi".to_owned())).await.unwrap(), 3);
        assert_eq!(sent(notify.notify_each(&["a", "b"], "hi")).await.unwrap(), 6);
        sent(notify.forget()).await.unwrap();
        let mut counter = Counter::<2>::default();
        assert_eq!(sent(counter.handle(vec!['a'])).await.unwrap(), (2, "['a']".to_owned()));
        assert_eq!(Connection::default().here().await.unwrap(), 3);
    }
}
