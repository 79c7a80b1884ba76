//! A team's rules over whole modules, and the profiles of the team.

use std::future::Future;

use resilient::{bulkhead, circuit_breaker, enforce, exempt, rate_limit, resilient, retry, timeout};

use crate::{Connection, Error};

/// The profiles of this crate.
pub mod stacks {
    resilient::profile! {
        /// The stack for calls that leave the house.
        pub(crate) outgoing =
            timeout(total = "2s"),
            retry(max = 3, base = "20ms"),
            circuit_breaker(failure_rate = "40%"),
            bulkhead(limit = 20),
            timeout(attempt = "400ms")
    }

    resilient::profile! {
        /// The stack for calls that may be late but must arrive.
        pub(crate) patient = timeout("1m"), retry(max = unlimited, cap = "5s"), rate_limit("20/s"), circuit_breaker
    }

    resilient::profile! {
        /// The stack for calls that only read.
        pub(crate) reading = timeout("500ms"), hedge(idempotent, after = "20ms"), circuit_breaker, bulkhead
    }
}

/// Calls to other companies.
#[enforce(
    timeout(total <= "1m"),
    circuit_breaker(failure_rate <= "50%"),
    any(bulkhead, rate_limit),
    optional(retry(budget != none))
)]
pub mod outside {
    use super::stacks::{outgoing, patient, reading};
    use super::{Connection, Error, circuit_breaker, exempt, rate_limit, resilient, retry, timeout};

    /// The largest amount of an order.
    const MOST: u32 = 5;

    /// A shop that takes orders.
    #[derive(Debug, Default)]
    pub struct Orders {
        pub(super) shop: Connection,
        sent: u64,
    }

    impl Orders {
        /// Returns the status of an order, under the profile as it is.
        #[resilient(profile = outgoing)]
        pub async fn status(&self, id: u64) -> Result<String, Error> {
            self.shop.ask(&id.to_string()).await
        }

        /// Places an order, with more time and fewer retries.
        #[resilient(profile = outgoing, timeout(total = "5s"), retry(max = 1))]
        pub async fn place(&mut self, id: u64) -> Result<u64, Error> {
            self.shop.tell(&id.to_string(), "placed".to_owned()).await?;
            self.sent += 1;
            Ok(self.sent)
        }

        /// Pays an order, which must not happen twice.
        #[resilient(profile = reading, without(hedge), timeout("3s"), bulkhead(limit = 1))]
        pub async fn pay(&self, id: u64, amount: u32) -> Result<(), Error> {
            if amount > MOST {
                Err(Error::NotFound)
            } else {
                self.shop.tell(&id.to_string(), amount.to_string()).await.map(drop)
            }
        }

        /// Archives a line, and tries until it is there.
        #[resilient(profile = patient)]
        pub async fn archive(&self, line: &str) -> Result<usize, Error> {
            self.shop.tell("archive", line.to_owned()).await?;
            Ok(line.len())
        }

        /// Looks for words, with a limit around the profile.
        #[resilient(rate_limit("50/s"), profile = reading)]
        pub async fn look(&self, words: &str) -> Result<Option<String>, Error> {
            Ok(self.shop.ask(words).await.ok())
        }

        /// Asks under a stack of its own, which keeps the rules too.
        #[timeout(total = "4s", attempt = "1s")]
        #[retry(max = MOST)]
        #[circuit_breaker(failure_rate = 0.3)]
        #[rate_limit("5/s")]
        pub async fn own(&self) -> Result<u8, Error> {
            Ok(self.shop.ask("own").await?.parse()?)
        }

        /// Returns the number of orders, and has nothing to guard.
        #[exempt(reason = "it only reads a field")]
        pub async fn sent(&self) -> u64 {
            tokio::task::yield_now().await;
            self.sent
        }

        /// Returns whether there are no orders, and is not async at all.
        #[must_use]
        pub fn is_empty(&self) -> bool {
            self.sent == 0
        }
    }

    /// A module in the module.
    pub mod mail {
        use super::super::stacks;
        use super::{Connection, Error, exempt, resilient};

        /// Sends a text, patiently.
        #[resilient(profile = stacks::patient, retry(max = 20))]
        pub async fn send<T: AsRef<str> + Send + Sync + ?Sized>(server: &Connection, text: &T) -> Result<(), Error> {
            server.tell("mail", text.as_ref().to_owned()).await.map(drop)
        }

        /// Greets a server that has no other callers.
        #[exempt(bulkhead, reason = "one connection, one caller")]
        #[resilient(fallback(value = String::new()), timeout("1s"), retry(max = 1), circuit_breaker)]
        pub async fn greet(server: &Connection) -> Result<String, Error> {
            server.ask("hello").await
        }
    }
}

/// A store of names.
#[enforce(timeout, retry(max <= 5), circuit_breaker)]
pub trait Keeper {
    /// Keeps a name.
    fn keep(&self, what: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Keeps a name twice.
    #[expect(async_fn_in_trait, reason = "nobody here needs to send it")]
    #[timeout("1s")]
    #[retry(max = 2)]
    #[circuit_breaker]
    #[bulkhead(limit = 2)]
    async fn keep_twice(&self, what: &str) -> Result<(), Error>
    where
        Self: Sync,
    {
        self.keep(what).await?;
        self.keep(what).await
    }
}

#[enforce(timeout, optional(retry(max <= 5)), circuit_breaker, bulkhead(limit <= 10))]
impl Keeper for Connection {
    #[timeout("1s")]
    #[retry]
    #[circuit_breaker]
    #[bulkhead(limit = 10)]
    async fn keep(&self, what: &str) -> Result<(), Error> {
        self.tell(what, String::new()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::outside::{Orders, mail};
    use super::*;
    use crate::sent;

    #[tokio::test(start_paused = true)]
    async fn orders_do_what_they_say() {
        let mut orders = Orders::default();

        assert!(orders.is_empty());
        assert_eq!(sent(orders.place(7)).await, Ok(1));
        assert_eq!(sent(orders.status(7)).await.unwrap(), "placed");
        assert_eq!(sent(orders.pay(7, 6)).await, Err(Error::NotFound));
        assert_eq!(sent(orders.pay(7, 5)).await, Ok(()));
        assert_eq!(sent(orders.look("7")).await, Ok(Some("5".to_owned())));
        assert_eq!(sent(orders.archive("line")).await, Ok(4));
        assert_eq!(sent(orders.own()).await, Err(Error::NotFound));
        assert_eq!(orders.sent().await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_keeps_and_what_sends_does_so() {
        let server = Connection::with("hello", "who is there?");

        assert_eq!(sent(mail::send(&server, "text")).await, Ok(()));
        assert_eq!(sent(mail::greet(&server)).await.unwrap(), "who is there?");
        assert_eq!(server.ask("mail").await.unwrap(), "text");
        server.keep_twice("hello").await.unwrap();
        assert_eq!(server.ask("hello").await.unwrap(), "");
    }
}
