//! Functions in the shapes of real code, each under a whole stack: they must compile without a word under the strictest
//! lints that a user may have, in both editions, and their futures must be as `Send` as without the stack.
//!
//! A whole stack is at least three policies. One ends a call that takes long. Another does something about failures, or about
//! more calls than can be served, besides handing them on. A profile counts as the policies in it.

#![deny(warnings, missing_docs, unsafe_code, clippy::all, clippy::pedantic)]
#![expect(clippy::missing_errors_doc, reason = "the errors are those of every function here, and `Error` has them")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use resilient::Classify;

pub mod generics;
pub mod handlers;
pub mod http;
pub mod jobs;
pub mod lookups;
pub mod made;
pub mod names;
pub mod nested;
pub mod patterns;
pub mod repositories;
pub mod rules;
pub mod search;
pub mod traits;

/// The failures of a call.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
#[non_exhaustive]
pub enum Error {
    /// The connection is gone.
    #[transient]
    Disconnected,
    /// The server asks for less.
    #[throttled(after = after)]
    Busy {
        /// The time to wait, if the server named one.
        after: Option<Duration>,
    },
    /// There is no such thing.
    #[permanent]
    NotFound,
    /// The text that came could not be read.
    #[permanent]
    Malformed(String),
    /// A policy refused the call.
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

/// A connection to a table of texts.
#[derive(Debug, Default)]
pub struct Connection {
    rows: Mutex<HashMap<String, String>>,
}

impl Connection {
    /// Returns a connection to a table with one entry.
    #[must_use]
    pub fn with(key: &str, value: &str) -> Self {
        Self { rows: Mutex::new(HashMap::from([(key.to_owned(), value.to_owned())])) }
    }

    /// Asks for an entry.
    pub async fn ask(&self, key: &str) -> Result<String, Error> {
        tokio::task::yield_now().await;
        self.rows.lock().map_err(|_| Error::Disconnected)?.get(key).cloned().ok_or(Error::NotFound)
    }

    /// Changes an entry, and returns its value from before.
    pub async fn tell(&self, key: &str, value: String) -> Result<Option<String>, Error> {
        tokio::task::yield_now().await;
        Ok(self.rows.lock().map_err(|_| Error::Disconnected)?.insert(key.to_owned(), value))
    }
}

/// Accepts values that can be sent to another thread.
#[cfg(test)]
pub(crate) fn sent<T: Send>(value: T) -> T {
    value
}

#[cfg(test)]
mod tests {
    const SOURCES: [&str; 13] = [
        include_str!("generics.rs"),
        include_str!("handlers.rs"),
        include_str!("http.rs"),
        include_str!("jobs.rs"),
        include_str!("lookups.rs"),
        include_str!("made.rs"),
        include_str!("names.rs"),
        include_str!("nested.rs"),
        include_str!("patterns.rs"),
        include_str!("repositories.rs"),
        include_str!("rules.rs"),
        include_str!("search.rs"),
        include_str!("traits.rs"),
    ];

    const POLICIES: [&str; 12] = [
        "retry",
        "circuit_breaker",
        "hedge",
        "bulkhead",
        "rate_limit",
        "throttle",
        "timeout",
        "cancel",
        "coalesce",
        "fallback",
        "fan_out",
        "batch",
    ];

    /// Counts the policies of each function that has any, by the attributes above it.
    fn policies_of_each() -> Vec<(String, usize)> {
        let mut all = Vec::new();
        for source in SOURCES {
            let mut attributes = String::new();
            for line in source.lines().map(str::trim) {
                if let Some((_, name)) = line.split_once("async fn ") {
                    let words: Vec<&str> = attributes.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
                    let profile = if words.contains(&"profile") { 3 } else { 0 };
                    let written = POLICIES.iter().filter(|policy| words.contains(policy)).count();
                    let name = name.split(['(', '<']).next().unwrap_or_default();
                    if written + profile > 0 && !attributes.contains("enforce") {
                        all.push((name.to_owned(), written + profile));
                    }
                    attributes.clear();
                } else if line.starts_with("#[") || !attributes.is_empty() && !line.is_empty() && !line.ends_with('{') {
                    attributes.push_str(line);
                } else {
                    attributes.clear();
                }
            }
        }
        all
    }

    #[test]
    fn there_are_many_functions_under_whole_stacks() {
        let all = policies_of_each();
        let (whole, partial): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, policies)| *policies >= 3);

        assert!(whole.len() >= 150, "{}", whole.len());
        assert!(partial.is_empty(), "{partial:?}");
    }
}
