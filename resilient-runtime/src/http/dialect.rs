//! Dialects: how a provider says that it limits a caller, where no general reader can know.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use super::rate_limit::number as number_in;
use super::status::{Said, Sign, classify};
use super::time::{Calendar, Time};
use super::{RateLimit, Response, StatusError, body, field};
use crate::when::settled;
use crate::{Class, Classified, Classify, Error, Quota, When, clock};

mod known;

pub use known::*;

/// A provider's own way of saying that it limits a caller.
///
/// The functions of this module read what a value tells by itself. A dialect adds what it does not: headers of other names, numbers
/// whose unit only the documents say, other statuses for a refusal, and words in a body. The constants of
/// [`dialect`](self) are those of some providers; `docs/hints.md` lists what each is read from.
///
/// It is the `when` of an attribute, or `dialect = …` in a `#[rate_limit]`, which heeds the quota of good
/// responses too:
///
#[cfg_attr(feature = "macros", doc = "```")]
#[cfg_attr(not(feature = "macros"), doc = "```text")]
/// use std::io;
///
/// use resilient::http::dialect;
/// use resilient::{rate_limit, retry};
/// # fn send(attempt: u32) -> io::Result<http::Response<()>> {
/// #     let response = http::Response::builder();
/// #     Ok(match attempt {
/// #         0 => response.status(429).header("gw-ratelimit-remaining", "0").header("gw-ratelimit-reset", "250").body(()).unwrap(),
/// #         _ => response.body(()).unwrap(),
/// #     })
/// # }
///
/// #[retry(max = 3, number = n, when = dialect::KUCOIN)]
/// #[rate_limit("4000/30s", max_wait = "1s", dialect = dialect::KUCOIN)]
/// async fn ticker() -> io::Result<http::Response<()>> {
///     send(n) // 429 with `gw-ratelimit-reset: 250`, which are milliseconds; then 200
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let start = tokio::time::Instant::now();
///
/// assert_eq!(ticker().await.unwrap().status(), 200);
/// assert!((250..500).contains(&start.elapsed().as_millis()));
/// # }
/// ```
///
/// One of your own is a constant, or a `static` that is borrowed:
///
/// ```
/// use std::time::Duration;
///
/// use http::StatusCode;
/// use resilient::Class;
/// use resilient::http::{Dialect, Unit};
///
/// const WAREHOUSE: &Dialect = &Dialect::new()
///     .quota("x-wh-left", "x-wh-reset", Unit::Millis)
///     .refuses_with(&[StatusCode::CONFLICT])
///     .says("slow down", Some(Duration::from_secs(5)));
///
/// let response = http::Response::builder()
///     .status(409)
///     .header("x-wh-left", "0")
///     .header("x-wh-reset", "1500")
///     .body(())
///     .unwrap();
///
/// let class = WAREHOUSE.classify(response.status(), response.headers()).class;
/// assert_eq!(class, Class::Throttled { after: Some(Duration::from_millis(1500)) });
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Dialect {
    quota: Option<(&'static str, &'static str, Unit)>,
    limit: Option<&'static str>,
    wait: Option<(&'static str, Unit)>,
    wait_by: Option<fn(&HeaderMap) -> Option<Duration>>,
    refuses_with: &'static [StatusCode],
    says: [Option<(&'static str, Option<Duration>)>; 4],
    says_in: Option<(&'static str, &'static str)>,
    gives_up: Option<&'static str>,
    gives_up_saying: Option<&'static str>,
    kind: Option<&'static str>,
    refills: bool,
}

/// The unit of a number in a header of a [`Dialect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// By its size and form, as the general reader has it: seconds from now, a time since 1970, a duration, a date.
    BySize,
    /// Milliseconds from now; from 10¹¹ on, milliseconds since 1970.
    Millis,
    /// So many calls a second: the wait is that for one of them.
    CallsPerSecond,
}

impl Dialect {
    /// Reads as the general reader does, waits in bodies included.
    pub const fn new() -> Self {
        Self {
            quota: None,
            limit: None,
            wait: None,
            wait_by: None,
            refuses_with: &[],
            says: [None; 4],
            says_in: None,
            gives_up: None,
            gives_up_saying: None,
            kind: None,
            refills: false,
        }
    }

    /// Takes the quota of this kind alone, as [`RateLimit::of_kind`] reads it: for one of several `#[rate_limit]`s on a function.
    ///
    /// A wait that the server asks for holds for all of them. Without one, a refusal says of a quota only how much of it remains,
    /// since it may be that of another kind: if that number is there, the class is transient and the limit keeps to the number.
    ///
    /// ```
    /// use http::StatusCode;
    /// use resilient::Class;
    /// use resilient::http::dialect;
    ///
    /// let refused = http::Response::builder()
    ///     .status(429)
    ///     .header("x-ratelimit-remaining-requests", "59")
    ///     .header("x-ratelimit-remaining-tokens", "120")
    ///     .body(())
    ///     .unwrap();
    ///
    /// let class = dialect::OPENAI_REQUESTS.classify(refused.status(), refused.headers()).class;
    /// assert_eq!(class, Class::Transient);
    /// assert_eq!(dialect::OPENAI_TOKENS.quota_of(&refused).remaining, Some(120));
    /// ```
    pub const fn only(&self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..*self }
    }

    /// Says that the quota fills up all the time, as a token bucket does, and that the reset is when it is full.
    ///
    /// Then what remains bounds the calls at once and leaves the rate, and the reset is not waited for.
    pub const fn refills(&self) -> Self {
        Self { refills: true, ..*self }
    }

    /// Takes the quota from these headers, and from no others: the number of calls that are left, and the time of the reset.
    pub const fn quota(mut self, remaining: &'static str, reset: &'static str, unit: Unit) -> Self {
        self.quota = Some((remaining, reset, unit));
        self
    }

    /// Takes the number of calls in a window from this header, beside [`quota`](Self::quota).
    pub const fn limit(mut self, limit: &'static str) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Takes the wait of a refusal from this header, where [`retry_after`](super::retry_after()) finds none.
    pub const fn wait(mut self, header: &'static str, unit: Unit) -> Self {
        self.wait = Some((header, unit));
        self
    }

    /// Takes the wait of a refusal from this function, where [`retry_after`](super::retry_after()) finds none.
    pub const fn wait_by(mut self, read: fn(&HeaderMap) -> Option<Duration>) -> Self {
        self.wait_by = Some(read);
        self
    }

    /// Reads these statuses as a refusal, if a wait is said or nothing remains, as the general reader does with 403.
    ///
    /// A status below 400 is one only with the words of [`says`](Self::says) or [`says_in`](Self::says_in).
    pub const fn refuses_with(mut self, statuses: &'static [StatusCode]) -> Self {
        self.refuses_with = statuses;
        self
    }

    /// Reads a refusal from these words in the body, for 403 and the statuses of [`refuses_with`](Self::refuses_with); `wait` counts where
    /// nothing else names one.
    ///
    /// The case of letters and blanks make no difference. A dialect has room for four.
    ///
    /// # Panics
    ///
    /// At the fifth, and if the words are empty; for a constant, that is an error of the compiler.
    pub const fn says(mut self, words: &'static str, wait: Option<Duration>) -> Self {
        assert!(!words.is_empty(), "no words are in every body");
        let mut index = 0;
        while self.says[index].is_some() {
            index += 1;
            assert!(index < self.says.len(), "a dialect has room for four words");
        }
        self.says[index] = Some((words, wait));
        self
    }

    /// Reads a refusal from this value of a header, for 403 and the statuses of [`refuses_with`](Self::refuses_with).
    pub const fn says_in(mut self, header: &'static str, value: &'static str) -> Self {
        self.says_in = Some((header, value));
        self
    }

    /// Reads a failure as permanent if it has this header.
    pub const fn gives_up(mut self, header: &'static str) -> Self {
        self.gives_up = Some(header);
        self
    }

    /// Reads a failure as permanent if these words are in its body.
    ///
    /// The case of letters and blanks make no difference, as with [`says`](Self::says).
    ///
    /// # Panics
    ///
    /// If the words are empty; for a constant, that is an error of the compiler.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use resilient::Class;
    /// use resilient::http::dialect;
    ///
    /// let body = br#"{"error": {"message": "Check your plan.", "code": "insufficient_quota"}}"#;
    ///
    /// let classified = dialect::OPENAI.classify_with_body(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body);
    /// assert_eq!(classified.class, Class::Permanent);
    /// ```
    pub const fn gives_up_saying(mut self, words: &'static str) -> Self {
        assert!(!words.is_empty(), "no words are in every body");
        self.gives_up_saying = Some(words);
        self
    }

    /// Returns the class of a response, and the hint beside it, as [`classify_response`](super::classify_response) does.
    pub fn classify(&self, status: StatusCode, headers: &HeaderMap) -> Classified<'static> {
        self.classify_at(status, headers, None, clock::wall)
    }

    /// As [`classify`](Self::classify), with a look at the body.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use http::{HeaderMap, StatusCode};
    /// use resilient::Class;
    /// use resilient::http::dialect;
    ///
    /// let body = br#"{"message": "You have exceeded a secondary rate limit."}"#;
    ///
    /// let classified = dialect::GITHUB.classify_with_body(StatusCode::FORBIDDEN, &HeaderMap::new(), body);
    /// assert_eq!(classified.class, Class::Throttled { after: Some(Duration::from_secs(60)) });
    /// ```
    pub fn classify_with_body(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Classified<'static> {
        self.classify_at(status, headers, Some(body), clock::wall)
    }

    /// Reads the rate limit of a response, as [`RateLimit::from_headers`] does.
    pub fn rate_limit(&self, headers: &HeaderMap, now: SystemTime) -> Option<RateLimit> {
        let Some((remaining, reset, unit)) = self.quota else {
            return match self.kind {
                Some(kind) => RateLimit::of_kind(kind, headers, now),
                None => RateLimit::from_headers(headers, now),
            };
        };
        let calendar = Calendar::of(headers, now);
        let number = |name: &str| field::lines(headers, name).find_map(number_in);
        let found = RateLimit {
            limit: self.limit.and_then(number),
            remaining: number(remaining),
            reset: field::lines(headers, reset).find_map(|line| unit.wait(line, calendar)),
        };
        (found != RateLimit::default()).then_some(found)
    }

    /// Returns the quota that a response says the server still allows, for [`RateLimit::heed`](crate::RateLimit::heed).
    pub fn quota_of(&self, response: &impl Response) -> Quota {
        let quota = self.rate_limit(response.headers(), clock::wall()).map(Quota::from).unwrap_or_default();
        Quota { refills: self.refills, ..quota }
    }

    /// Returns the response if it is a success, and its class as an error otherwise, as [`check`](super::check) does.
    ///
    /// # Errors
    ///
    /// For a response that is a failure in this dialect.
    pub fn check<R: Response>(&self, response: R) -> Result<R, StatusError> {
        let classified = self.classify(response.status(), response.headers());
        StatusError::of(response.status(), response.headers(), classified).map_or(Ok(response), Err)
    }

    /// As [`check`](Self::check), with a look at the body.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use resilient::http::{Dialect, StatusError};
    ///
    /// fn page(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<String, StatusError> {
    ///     Dialect::new().check_with_body(status, headers, body)?;
    ///     Ok(String::from_utf8_lossy(body).into_owned())
    /// }
    ///
    /// let body = br#"{"retry_after_ms": 1500}"#;
    /// let refused = page(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body).unwrap_err();
    /// assert_eq!(refused.retry_after().unwrap().as_millis(), 1500);
    /// ```
    ///
    /// # Errors
    ///
    /// For a response that is a failure in this dialect.
    pub fn check_with_body(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), StatusError> {
        StatusError::of(status, headers, self.classify_with_body(status, headers, body)).map_or(Ok(()), Err)
    }

    /// As [`classify_with_body`](Self::classify_with_body), with a clock that is read only where it matters.
    pub(super) fn classify_at(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: Option<&[u8]>,
        now: impl FnOnce() -> SystemTime,
    ) -> Classified<'static> {
        if status.as_u16() >= 400 && self.is_hopeless(headers, body) {
            return Class::Permanent.into();
        }
        let refuses = self.refuses_with.contains(&status);
        let sign = if refuses || status == StatusCode::FORBIDDEN { self.sign(headers, body) } else { None };
        let mut says_what_remains = false;
        let said = || {
            let now = now();
            let calendar = Calendar::of(headers, now);
            let read =
                |(header, unit): (&str, Unit)| field::lines(headers, header).find_map(|line| unit.wait(line, calendar));
            let asked = super::retry_after(headers, now)
                .or_else(|| read(self.wait?))
                .or_else(|| self.wait_by?(headers).map(|wait| wait.min(field::LONGEST)))
                .or_else(|| body::wait(body?, headers, || now));
            let mut limit = self.rate_limit(headers, now);
            says_what_remains = limit.is_some_and(|limit| limit.remaining.is_some());
            if self.refills {
                limit = limit.map(|limit| RateLimit { reset: None, ..limit });
            }
            Said { asked, limit }
        };
        let classified = classify(status, headers, refuses, sign, said);
        let is_bare = classified.class == Class::Throttled { after: None };
        if self.kind.is_some() && says_what_remains && is_bare { Class::Transient.into() } else { classified }
    }

    fn is_hopeless(&self, headers: &HeaderMap, body: Option<&[u8]>) -> bool {
        let in_body =
            |words| body.is_some_and(|body| without_blanks(&body::beginning(body)).contains(&without_blanks(words)));
        self.gives_up.is_some_and(|header| headers.contains_key(header)) || self.gives_up_saying.is_some_and(in_body)
    }

    fn sign(&self, headers: &HeaderMap, body: Option<&[u8]>) -> Option<Sign> {
        let is_in_header =
            self.says_in.is_some_and(|(header, value)| field::lines(headers, header).any(|line| line == value));
        if is_in_header {
            return Some(Sign { wait: None });
        }
        let text = without_blanks(&body::beginning(body?));
        let mut all = self.says.iter().flatten();
        all.find(|(words, _)| text.contains(&without_blanks(words))).map(|&(_, wait)| Sign { wait })
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self::new()
    }
}

impl Unit {
    fn wait(self, line: &str, calendar: Calendar<'_>) -> Option<Duration> {
        match self {
            Self::BySize => Time::read(line).map(|time| calendar.until(time)),
            Self::Millis => Time::read_millis(line).map(|time| calendar.until(time)),
            Self::CallsPerSecond => {
                let rate = field::decimal(line).filter(|rate| !rate.is_zero())?;
                Some(Duration::from_secs_f64(1.0 / rate.as_secs_f64()).min(field::LONGEST))
            }
        }
    }
}

/// Marks a [`Dialect`] as a [`When`].
#[derive(Debug, Clone, Copy)]
pub struct ByDialect;

#[diagnostic::do_not_recommend]
impl<R: Response, E: Classify> When<Result<R, E>, ByDialect> for &Dialect {
    fn class_of(&self, outcome: &Result<R, E>) -> Class {
        match outcome {
            Ok(response) => self.classify(response.status(), response.headers()).class,
            Err(error) => error.class(),
        }
    }

    fn rejection_in<'o>(&self, outcome: &'o Result<R, E>) -> Option<&'o Error> {
        outcome.as_ref().err().and_then(Classify::rejection)
    }

    fn hint_in(&self, outcome: &Result<R, E>) -> Option<Duration> {
        match outcome {
            Ok(response) => self.classify(response.status(), response.headers()).hint,
            Err(error) => error.hint(),
        }
    }
}

settled!(ByDialect);

/// The text in small letters without blanks, in which JSON differs between servers.
fn without_blanks(text: &str) -> String {
    text.chars().filter(|char| !char.is_ascii_whitespace()).map(|char| char.to_ascii_lowercase()).collect()
}
