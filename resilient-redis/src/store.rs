//! The store: a `static` that limits name, and the program connects.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{RedisResult, Value};
use resilient::shared::{Ask, CircuitAsk, Consulting, Leasing, StoreError};
use resilient::{CircuitBreaker, Class};

use crate::link::{Failure, Link, Make};
use crate::script::{self, CIRCUIT, Connection, LEASE, Script};

/// A server of Redis or Valkey through which machines share limits and circuit breakers.
///
/// The name begins each key: `resilient:{shop:search}` is the limit `search` of the store `shop`, and `resilient:{shop:search}:circuit` the circuit breaker.
/// Machines share one if the server, the name of the store and the name of the policy are the same.
///
/// Nothing in the path of a call waits longer than the [time-out](Self::timeout): a question that takes longer is given up, and a
/// [circuit breaker](CircuitBreaker) of the store keeps further ones away from a server that does not answer. The connection is replaced in the background.
///
/// It needs Redis 5 or later, or Valkey, with scripts in Lua allowed.
pub struct Store {
    name: &'static str,
    timeout: Duration,
    breaker: CircuitBreaker,
    link: OnceLock<Link>,
}

/// The reason for which a [`Store`] could not be connected.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    Address(redis::RedisError),
    /// The store is connected already.
    Again,
    /// No tokio runtime drives this thread.
    NoRuntime,
}

impl Store {
    /// A store with a time-out of 5 ms that is not connected yet; the name is in its keys, and in the list of policies.
    #[track_caller]
    pub const fn named(name: &'static str) -> Self {
        let breaker = CircuitBreaker::named(name)
            .consecutive(5)
            .min_calls(10)
            .open_for(Duration::from_millis(200))
            .open_max(Duration::from_secs(1))
            .probes(1);
        Self { name, timeout: Duration::from_millis(5), breaker, link: OnceLock::new() }
    }

    /// Sets the longest time that a question may take, and so the longest that a call waits for one; 5 ms unless set.
    ///
    /// A server in another zone needs more. A limit never waits longer than half of one of its leases, whatever is set here.
    ///
    /// # Panics
    ///
    /// If it is zero or more than a second; at compile time in a `static`.
    #[must_use]
    pub const fn timeout(mut self, time: Duration) -> Self {
        assert!(!time.is_zero(), "`timeout` must be longer than zero");
        assert!(time.as_millis() <= 1_000, "`timeout` must be at most a second: calls wait for it");
        self.timeout = time;
        self
    }

    /// Connects to the server at that address, in the background: `redis://127.0.0.1:6379`, or with the feature `tls` `rediss://…`.
    ///
    /// It returns at once. Until there is a connection, limits go by [`when_down`](resilient::RateLimit::when_down). A server that is away is reached
    /// again within half a second of its return.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], if the address is none, the store is connected already, or no tokio runtime drives this thread.
    pub fn connect(&'static self, address: &str) -> Result<(), ConnectError> {
        let client = redis::Client::open(address).map_err(ConnectError::Address)?;
        self.connect_by(move || {
            let client = client.clone();
            async move {
                // the store has time-outs of its own
                let config =
                    redis::AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
                client.get_multiplexed_async_connection_with_config(&config).await
            }
        })
    }

    /// Connects to the cluster that has these nodes; see [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    #[cfg(feature = "cluster")]
    pub fn connect_cluster(&'static self, nodes: &[&str]) -> Result<(), ConnectError> {
        let client = redis::cluster::ClusterClientBuilder::new(nodes.iter().copied())
            .retries(1)
            .build()
            .map_err(ConnectError::Address)?;
        self.connect_by(move || {
            let client = client.clone();
            async move { client.get_async_connection().await }
        })
    }

    /// Connects by a function that makes a connection, as for sentinels or certificates of one's own; see [`connect`](Self::connect).
    ///
    /// The function is called again whenever the connection has to be replaced. It has a second each time.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_by<C, F>(&'static self, make: impl Fn() -> F + Send + Sync + 'static) -> Result<(), ConnectError>
    where
        C: ConnectionLike + Clone + Send + 'static,
        F: Future<Output = RedisResult<C>> + Send + 'static,
    {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| ConnectError::NoRuntime)?;
        let make: Make = Box::new(move || {
            let connection = make();
            Box::pin(async move { connection.await.map(|connection| Box::new(connection) as Box<dyn Connection>) })
        });
        let machine =
            format!("{}:{:x}", std::process::id(), std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0));
        let link = Link::new(make, (format!("resilient:{{{}}}:machines", self.name), machine));
        self.link.set(link).map_err(|_| ConnectError::Again)?;
        if let Some(link) = self.link.get() {
            drop(runtime.spawn(link.keep()));
        }
        resilient::list(&self.breaker);
        Ok(())
    }

    /// Waits until there is a connection, for at most that long. Says whether there is.
    ///
    /// A program that would rather not begin without its shared limits calls it after [`connect`](Self::connect).
    pub async fn connected(&self, at_most: Duration) -> bool {
        let Some(link) = self.link.get() else { return false };
        let wait = async {
            loop {
                let connected = link.connected.notified();
                if link.connection().is_some() {
                    return;
                }
                connected.await;
            }
        };
        tokio::time::timeout(at_most, wait).await.is_ok()
    }

    /// The circuit breaker before the server.
    pub const fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    /// Runs the script for the policy of that name, and reads its answer.
    async fn ask<T>(
        &self,
        script: &Script,
        key: String,
        arguments: &[String],
        read: fn(Value) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let Some(link) = self.link.get() else { return Err(StoreError::new("the store is not connected")) };
        let Some(mut connection) = link.connection() else { return Err(StoreError::new("there is no connection")) };
        let permit = self.breaker.acquire().map_err(|rejection| StoreError::new(rejection.to_string()))?;
        let answer = tokio::time::timeout(self.timeout, script.run(&mut *connection, &key, arguments)).await;
        let answer = answer.map(|answer| answer.and_then(read));
        let failure = match &answer {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(Failure::Error(error)),
            Err(_) => Some(Failure::Late),
        };
        let class = if failure.is_none() { Class::Success } else { Class::Transient };
        link.learn(failure);
        permit.settle_as(class, ());
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(StoreError::new(error.to_string())),
            Err(_) => Err(StoreError::new("no answer in time")),
        }
    }
}

impl resilient::shared::Store for Store {
    fn name(&self) -> &str {
        self.name
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn machines(&self) -> u32 {
        self.link.get().map_or(1, |link| link.machines.load(Relaxed))
    }

    fn lease<'a>(&'a self, limit: &'a str, ask: Ask) -> Leasing<'a> {
        Box::pin(async move {
            let key = format!("resilient:{{{}:{limit}}}", self.name);
            self.ask(&LEASE, key, &script::arguments(&ask), script::lease).await
        })
    }

    fn circuit<'a>(&'a self, breaker: &'a str, ask: CircuitAsk) -> Consulting<'a> {
        Box::pin(async move {
            let key = format!("resilient:{{{}:{breaker}}}:circuit", self.name);
            self.ask(&CIRCUIT, key, &script::circuit_arguments(&ask), script::view).await
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("name", &self.name).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(_) => f.write_str("the address of the store cannot be read"),
            Self::Again => f.write_str("the store is connected already"),
            Self::NoRuntime => f.write_str("a store is connected on a tokio runtime"),
        }
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Again | Self::NoRuntime => None,
        }
    }
}
