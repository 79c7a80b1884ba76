//! The provider: a server that allows so many calls a second, and says so in its headers.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::{Response, StatusCode};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use crate::calls::CallError;

/// A provider behind a network, and its records.
#[derive(Debug)]
pub struct Provider {
    terms: Terms,
    start: Instant,
    state: Mutex<State>,
}

/// The quota of the provider, and the headers that announce it.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The calls a second, in the long run.
    pub rate: f64,
    /// The calls at once.
    pub burst: f64,
    /// The time during which the provider takes no calls. Its end is the time to come back.
    pub closed: Option<(Duration, Duration)>,
    /// The headers of the answers.
    pub headers: Headers,
}

/// The kinds of headers in the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headers {
    /// `Retry-After: 1` on a 429.
    Seconds,
    /// `Retry-After: Fri, 31 Dec 1999 23:59:59 GMT` on a 429.
    Date,
    /// `RateLimit` on every answer as well: the rest of a minute's worth.
    Minute,
    /// `X-RateLimit-…` on every answer as well: the rest of the burst, and the whole seconds until it is full again.
    Burst,
    /// The given text as `Retry-After` and as the reset on a 429.
    Hostile(&'static str),
}

#[derive(Debug)]
struct State {
    /// The rest of the burst, at the time `since`.
    tokens: f64,
    since: Duration,
    generator: SmallRng,
    seen: Ledger,
}

/// The attempts that were sent, those that arrived, and the waits that were announced.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The times when clients sent attempts.
    pub sent: Vec<Duration>,
    /// The number of attempts that were given up on their way.
    pub left: usize,
    /// The times when attempts arrived, and whether they were served.
    pub arrived: Vec<(Duration, bool)>,
    /// The times when clients were told to stay away, each with the end of the wait.
    pub told: Vec<(Duration, Duration)>,
}

/// A provider, as its callers see it.
pub trait Answers: Send + Sync + 'static {
    /// Makes one attempt.
    fn answer(&self) -> impl Future<Output = Result<Response<()>, CallError>> + Send;
}

impl Answers for Arc<Provider> {
    async fn answer(&self) -> Result<Response<()>, CallError> {
        let (there, back) = self.depart();
        let on_the_way = OnTheWay(self);
        sleep(there).await;
        mem::forget(on_the_way);
        let (response, stay_away) = self.decide();
        sleep(back).await;
        self.tell(stay_away);
        Ok(response)
    }
}

impl Provider {
    /// Returns a provider whose time begins now.
    pub fn open(terms: Terms, seed: u64) -> Arc<Self> {
        let state = State {
            tokens: terms.burst,
            since: Duration::ZERO,
            generator: SmallRng::seed_from_u64(seed),
            seen: Ledger::default(),
        };
        Arc::new(Self { terms, start: Instant::now(), state: Mutex::new(state) })
    }

    /// Records that a client sends an attempt now. Returns how long it is on its way, there and back.
    pub fn depart(&self) -> (Duration, Duration) {
        let mut state = self.state();
        state.seen.sent.push(self.start.elapsed());
        let mut hop = || Duration::from_millis(state.generator.random_range(2..=12));
        (hop(), hop())
    }

    /// Records an attempt that was given up before it had arrived.
    pub fn left(&self) {
        self.state().seen.left += 1;
    }

    /// Records that a client is told now to stay away for so long.
    pub fn tell(&self, stay_away: Option<Duration>) {
        if let Some(stay_away) = stay_away {
            let now = self.start.elapsed();
            self.state().seen.told.push((now, now + stay_away));
        }
    }

    /// Returns the records so far.
    pub fn ledger(&self) -> Ledger {
        self.state().seen.clone()
    }

    /// Answers an attempt that arrives now. Returns the answer, and how long it tells the client to stay away.
    pub fn decide(&self) -> (Response<()>, Option<Duration>) {
        let now = self.start.elapsed();
        let terms = &self.terms;
        let mut state = self.state();
        state.tokens = (state.tokens + now.saturating_sub(state.since).as_secs_f64() * terms.rate).min(terms.burst);
        state.since = now;
        let closed = terms.closed.filter(|&(from, until)| from <= now && now < until);
        let served = closed.is_none() && state.tokens >= 1.0;
        state.seen.arrived.push((now, served));
        if served {
            state.tokens -= 1.0;
            return (terms.headers.of_success(state.tokens, terms, now), None);
        }
        let opens = closed.map_or_else(
            || Duration::from_secs_f64((1.0 - state.tokens.min(1.0)) / terms.rate),
            |it| it.1.saturating_sub(now),
        );
        terms.headers.of_refusal(opens)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt that has not arrived. To drop it is to give it up.
struct OnTheWay<'a>(&'a Provider);

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        self.0.left();
    }
}

impl Headers {
    fn of_success(self, tokens: f64, terms: &Terms, now: Duration) -> Response<()> {
        let response = Response::builder();
        let response = match self {
            Self::Minute => {
                let passed = now.as_secs() % 60;
                let left = 60 - passed;
                response
                    .header("ratelimit-policy", format!("\"minute\";q={};w=60", 60.0 * terms.rate))
                    .header("ratelimit", format!("\"minute\";r={};t={left}", left as f64 * terms.rate))
            }
            Self::Burst => response
                .header("x-ratelimit-limit", terms.burst.to_string())
                .header("x-ratelimit-remaining", tokens.floor().to_string())
                .header("x-ratelimit-reset", ((terms.burst - tokens) / terms.rate).ceil().to_string()),
            Self::Seconds | Self::Date | Self::Hostile(_) => response,
        };
        response.body(()).expect("valid headers")
    }

    /// Returns the refusal, and the time that it names.
    fn of_refusal(self, opens: Duration) -> (Response<()>, Option<Duration>) {
        let response = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
        let seconds = opens.as_secs_f64().ceil().max(1.0);
        let (text, named) = match self {
            Self::Seconds | Self::Minute | Self::Burst => (seconds.to_string(), Some(seconds)),
            // A date has whole seconds, so it is the next whole second after the intended time.
            Self::Date => {
                let date = SystemTime::now() + Duration::from_secs_f64(seconds + 1.0);
                // The calendar goes on while the paused clock stands still.
                (httpdate::fmt_http_date(date), Some(seconds - 0.2))
            }
            Self::Hostile(text) => (text.to_owned(), None),
        };
        let response = match self {
            Self::Hostile(_) => response.header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", &text),
            _ => response,
        };
        (response.header("retry-after", text).body(()).expect("valid headers"), named.map(Duration::from_secs_f64))
    }
}

/// Values of `Retry-After` and of a reset that no provider should send.
pub const HOSTILE: [&str; 14] = [
    "",
    "soon",
    "-1",
    "1.5",
    "1e9",
    "NaN",
    "inf",
    "0",
    "0x10",
    "1, 2",
    "99999999999999999999",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Mon, 31 Feb 2026 25:61:61 GMT",
];
