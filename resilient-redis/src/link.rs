//! The connection: how it is made, kept and replaced.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::{RedisError, RedisResult, Value};
use tokio::sync::Notify;

use crate::script::{Connection, MACHINES};

/// Makes a connection.
pub(crate) type Make = Box<dyn Fn() -> Making + Send + Sync>;
pub(crate) type Making = Pin<Box<dyn Future<Output = RedisResult<Box<dyn Connection>>> + Send>>;

/// The connection of a store, and what it needs to be replaced.
pub(crate) struct Link {
    make: Make,
    connection: Mutex<Option<Box<dyn Connection>>>,
    /// Questions in a row that were not answered.
    failures: AtomicU32,
    /// Told when the connection is to be replaced.
    broken: Notify,
    /// Told when there is a connection.
    pub(crate) connected: Notify,
    pub(crate) machines: AtomicU32,
    /// The key of the machines, and the name of this one.
    machine: (String, String),
}

impl Link {
    pub(crate) fn new(make: Make, machine: (String, String)) -> Self {
        Self {
            make,
            connection: Mutex::new(None),
            failures: AtomicU32::new(0),
            broken: Notify::new(),
            connected: Notify::new(),
            machines: AtomicU32::new(1),
            machine,
        }
    }

    /// A handle of the connection, if there is one.
    pub(crate) fn connection(&self) -> Option<Box<dyn Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|connection| connection.another())
    }

    fn put(&self, connection: Option<Box<dyn Connection>>) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Learns from the end of a question, and asks for another connection where this one is of no use.
    ///
    /// A connection whose answers are late is one: they block those behind them. A server that has become a replica is reached anew, since its name
    /// may stand for another one now.
    pub(crate) fn learn(&self, failure: Option<Failure<'_>>) {
        let is_broken = match failure {
            None => {
                self.failures.store(0, Relaxed);
                false
            }
            Some(Failure::Late) => self.failures.fetch_add(1, Relaxed) >= 2,
            Some(Failure::Error(error)) => {
                error.is_io_error() || error.is_unrecoverable_error() || error.code() == Some("READONLY")
            }
        };
        if is_broken {
            self.failures.store(0, Relaxed);
            self.broken.notify_one();
        }
    }

    /// Connects, tells the server each second that this machine is alive, and connects again where it has to.
    pub(crate) async fn keep(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Ok(Ok(connection)) = tokio::time::timeout(CONNECT, (self.make)()).await {
                self.put(Some(connection));
                self.connected.notify_waiters();
                pause = FIRST_PAUSE;
                self.stay().await;
                self.put(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Returns when the connection is of no use any more.
    async fn stay(&self) {
        loop {
            let (key, name) = &self.machine;
            if let Some(mut connection) = self.connection() {
                let alive = MACHINES.run(&mut *connection, key, std::slice::from_ref(name));
                match tokio::time::timeout(BEAT, alive).await {
                    Ok(Ok(Value::Int(machines))) => {
                        self.machines.store(u32::try_from(machines).unwrap_or(1).max(1), Relaxed);
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => self.learn(Some(Failure::Error(&error))),
                    Err(_) => return,
                }
            }
            if tokio::time::timeout(BEAT, self.broken.notified()).await.is_ok() {
                return;
            }
        }
    }
}

/// The end of a question that was not answered.
pub(crate) enum Failure<'a> {
    Late,
    Error(&'a RedisError),
}

/// The time between two signs of life, which is also the longest that one may take.
const BEAT: Duration = Duration::from_secs(1);
/// The longest time in which a connection is made.
const CONNECT: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
