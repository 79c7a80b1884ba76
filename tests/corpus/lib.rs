//! Functions in the shapes of real code, each under a whole stack: they must compile without a word under the strictest
//! lints that a user may have, in both editions, and their futures must be as `Send` as without the stack.

#![deny(warnings, missing_docs, unsafe_code, clippy::all, clippy::pedantic)]
#![expect(clippy::missing_errors_doc, reason = "the errors are those of every function here, and `Error` has them")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use resilient::Classify;

pub mod generics;
pub mod handlers;
pub mod http;
pub mod made;
pub mod names;
pub mod nested;
pub mod patterns;
pub mod repositories;
pub mod traits;

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
#[non_exhaustive]
pub enum Error {
    /// The connection is gone.
    #[transient]
    Disconnected,
    /// The server asks for less.
    #[throttled(after = after)]
    Busy {
        /// For so long.
        after: Option<Duration>,
    },
    /// There is no such thing.
    #[permanent]
    NotFound,
    /// What came could not be read.
    #[permanent]
    Malformed(String),
    /// What a policy said.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Error {}

impl From<std::num::ParseIntError> for Error {
    fn from(error: std::num::ParseIntError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// A connection to something that answers.
#[derive(Debug, Default)]
pub struct Connection {
    rows: Mutex<HashMap<String, String>>,
}

impl Connection {
    /// A connection to something that knows one thing.
    #[must_use]
    pub fn with(key: &str, value: &str) -> Self {
        Self { rows: Mutex::new(HashMap::from([(key.to_owned(), value.to_owned())])) }
    }

    /// Asks for something.
    pub async fn ask(&self, key: &str) -> Result<String, Error> {
        tokio::task::yield_now().await;
        self.rows.lock().map_err(|_| Error::Disconnected)?.get(key).cloned().ok_or(Error::NotFound)
    }

    /// Tells it something, and gives back what it knew before.
    pub async fn tell(&self, key: &str, value: String) -> Result<Option<String>, Error> {
        tokio::task::yield_now().await;
        Ok(self.rows.lock().map_err(|_| Error::Disconnected)?.insert(key.to_owned(), value))
    }
}

/// Accepts what can be sent to another thread.
#[cfg(test)]
pub(crate) fn sent<T: Send>(value: T) -> T {
    value
}
