//! Tools that the tests share: an error with every class, a script of failures, and a stopwatch for the paused clock.

#![cfg_attr(doctest, doc = "The README's code compiles.")]
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use resilient::Classify;
use tokio::time::Instant;

/// An error of every class.
#[derive(Debug, Clone, PartialEq, Eq, Classify)]
pub enum Error {
    /// A failure that is worth another attempt.
    #[transient]
    Down,
    /// A failure that is worth another attempt, but not before the time.
    #[throttled(after = after)]
    Busy {
        /// The time that the server asked to wait.
        after: Option<Duration>,
    },
    /// A failure that is never worth another attempt.
    #[permanent]
    Gone,
    /// The rejection by a policy.
    #[transparent(from)]
    Refused(resilient::Error),
}

impl Error {
    /// Returns the reason of a rejection.
    ///
    /// # Panics
    ///
    /// If the error is no rejection.
    pub fn reason(&self) -> resilient::Reason {
        match self {
            Self::Refused(rejection) => rejection.reason(),
            other => panic!("{other:?} is no rejection"),
        }
    }
}

/// The outcomes of a test function's attempts: the scripted errors in order, then success.
#[derive(Debug)]
pub struct Script(resilient::test::Script<Error>);

impl Script {
    /// Returns a script of the given errors, then success.
    pub fn of<I>(errors: I) -> Self
    where
        I: IntoIterator<Item = Error>,
        I::IntoIter: Send + 'static,
    {
        Self(resilient::test::Script::of(errors))
    }

    /// Returns a script of so many transient failures, then success.
    pub fn failing(times: u32) -> Self {
        Self(resilient::test::Script::failing(times, || Error::Down))
    }

    /// Returns a script of nothing but success.
    pub fn fine() -> Self {
        Self(resilient::test::Script::fine())
    }

    /// Counts an attempt and returns its outcome.
    ///
    /// # Errors
    ///
    /// The next error of the script.
    pub fn next(&self) -> Result<(), Error> {
        self.0.next()
    }

    /// Returns the number of attempts so far.
    pub fn attempts(&self) -> u32 {
        self.0.attempts()
    }
}

/// A stopwatch on tokio's clock.
#[derive(Debug)]
pub struct Stopwatch {
    start: Instant,
    laps: Mutex<Vec<Instant>>,
}

impl Stopwatch {
    /// Starts a stopwatch.
    pub fn start() -> Self {
        Self { start: Instant::now(), laps: Mutex::new(Vec::new()) }
    }

    /// Ends a lap.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn lap(&self) {
        self.laps.lock().unwrap().push(Instant::now());
    }

    /// Returns the times between the laps, in whole milliseconds.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn between_laps(&self) -> Vec<u128> {
        let laps = self.laps.lock().unwrap();
        laps.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect()
    }

    /// Returns the time since the start, in whole milliseconds.
    pub fn elapsed(&self) -> u128 {
        self.start.elapsed().as_millis()
    }
}

/// Returns a duration of so many milliseconds.
pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Accepts values that can be sent to another thread.
pub fn assert_send<T: Send>(value: T) -> T {
    value
}

/// Counts itself among the values that are alive until it is dropped.
#[derive(Debug)]
pub struct Alive<'a>(&'a AtomicU32);

impl<'a> Alive<'a> {
    /// Adds one to the count until the value is dropped.
    pub fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
