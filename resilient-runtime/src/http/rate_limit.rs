//! The rate limit that a response tells of, under whichever headers.

use std::cmp::Reverse;
use std::time::{Duration, SystemTime};

use http::HeaderMap;

use crate::Quota;

mod kinds;
mod separate;
mod structured;

pub(super) use separate::number;

/// The quota that a server still allows, as it said in a response.
///
/// | header | what is read |
/// |---|---|
/// | `RateLimit: "burst";r=50;t=30` | remaining and reset, for the quota that is nearest to its end |
/// | `RateLimit-Policy: "burst";q=100;w=60` | limit, of the quota of that name or of the only one |
/// | `RateLimit: limit=100, remaining=50, reset=30`, `RateLimit-Policy: 100;w=60` | the same in earlier drafts |
/// | `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` | the same in the first drafts |
/// | `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset` | the same before there was a draft |
/// | `X-Rate-Limit-Limit`, … | the same |
/// | `X-RateLimit-Reset-After`, `X-RateLimit-Next` | reset, in place of `X-RateLimit-Reset` |
/// | `X-RateLimit-Remaining-Tokens`, `X-RateLimit-Tokens-Remaining`, `anthropic-ratelimit-tokens-remaining`, … | the same for each kind of quota |
///
/// The `RateLimit` header comes from [a draft of the IETF](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/). Where
/// it is there and readable, the headers below it are not looked at.
///
/// Of several quotas the one counts that is nearest to its end, and of those that are used up the one with the longest reset. A quota of
/// something else than calls, such as tokens or bytes, counts only when it is used up: by its name, or by `qu` in the policy.
///
/// # The reset
///
/// Nothing in a separate reset header says what it counts, so its size decides:
///
/// | number | is |
/// |---|---|
/// | below 10⁹ | seconds from now |
/// | from 10⁹ and below 10¹¹ | seconds since 1970: the years 2001 to 5138 |
/// | from 10¹¹ and below 10¹⁴ | milliseconds since 1970: the years 1973 to 5138 |
/// | from 10¹⁴ | unreadable |
///
/// It may have a fraction, be a duration with units such as `6m0s`, an HTTP date or a time of RFC 3339. `-Reset-After` is always in seconds
/// from now. Dates are compared with the response's own `Date`, as in [`retry_after`](super::retry_after()).
///
/// A server that means milliseconds from now cannot be told from one that means seconds: see [`Dialect`](super::Dialect).
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use resilient::http::RateLimit;
///
/// let response = http::Response::builder()
///     .header("ratelimit-policy", r#""burst";q=100;w=60, "daily";q=1000;w=86400"#)
///     .header("ratelimit", r#""burst";r=0;t=30, "daily";r=412;t=4000"#)
///     .body(())
///     .unwrap();
///
/// let limit = RateLimit::from_headers(response.headers(), SystemTime::now()).unwrap();
/// assert_eq!(limit.limit, Some(100));
/// assert_eq!(limit.remaining, Some(0));
/// assert_eq!(limit.reset, Some(Duration::from_secs(30)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of calls that is allowed in one window.
    pub limit: Option<u64>,
    /// The number of calls that is left.
    pub remaining: Option<u64>,
    /// The time until there is more; at most a year.
    pub reset: Option<Duration>,
}

impl RateLimit {
    /// Reads the headers of a response; `None` if they say nothing about a limit.
    pub fn from_headers(headers: &HeaderMap, now: SystemTime) -> Option<Self> {
        let policies = structured::policies(headers);
        let found = structured::tightest(headers, &policies).unwrap_or_else(|| {
            let rate = separate::read(headers, now);
            Self { limit: rate.limit.or_else(|| policies.limit_of_only()), ..rate }
        });
        (found != Self::default()).then_some(found)
    }

    /// As [`from_headers`](Self::from_headers), for the quotas of one kind, such as `tokens`, and whatever remains of them.
    ///
    /// The kind is that of the headers' names, with or without more behind a dash, as in `x-ratelimit-remaining-tokens-per-minute`; or the
    /// name or the unit of a quota in the header `RateLimit`. A quota without a kind counts `requests`.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use resilient::http::RateLimit;
    ///
    /// let response = http::Response::builder()
    ///     .header("x-ratelimit-remaining-requests", "59")
    ///     .header("x-ratelimit-remaining-tokens", "1200")
    ///     .header("x-ratelimit-reset-tokens", "6s")
    ///     .body(())
    ///     .unwrap();
    ///
    /// let tokens = RateLimit::of_kind("tokens", response.headers(), SystemTime::now()).unwrap();
    /// assert_eq!((tokens.remaining, tokens.reset), (Some(1200), Some(Duration::from_secs(6))));
    /// ```
    pub fn of_kind(kind: &str, headers: &HeaderMap, now: SystemTime) -> Option<Self> {
        let policies = structured::policies(headers);
        structured::of_kind(headers, &policies, kind).or_else(|| separate::of_kind(headers, now, kind))
    }

    /// Returns how long to stay away: the reset if nothing remains, otherwise nothing is said.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use resilient::http::RateLimit;
    ///
    /// let mut limit = RateLimit::default();
    /// limit.reset = Some(Duration::from_secs(9));
    /// assert_eq!(limit.retry_after(), None);
    ///
    /// limit.remaining = Some(0);
    /// assert_eq!(limit.retry_after(), Some(Duration::from_secs(9)));
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        if self.is_exhausted() { self.reset } else { None }
    }

    /// Returns whether the server said that nothing remains.
    pub fn is_exhausted(&self) -> bool {
        self.remaining == Some(0)
    }

    /// Returns how long to stay away after a refusal, which says that nothing remains where the headers do not.
    ///
    /// A reset that is over says nothing: the server has just refused.
    pub(super) fn retry_after_refusal(&self) -> Option<Duration> {
        self.reset.filter(|reset| self.remaining.unwrap_or(0) == 0 && !reset.is_zero())
    }

    /// Orders quotas: the smallest will refuse first, or refuses for longest.
    fn nearness(&self) -> (u64, Reverse<Option<Duration>>) {
        (self.remaining.unwrap_or(u64::MAX), Reverse(self.reset))
    }
}

/// The kind of a quota that counts calls.
const REQUESTS: &str = "requests";

impl From<RateLimit> for Quota {
    fn from(limit: RateLimit) -> Self {
        Self { remaining: limit.remaining, reset: limit.reset, refills: false }
    }
}
