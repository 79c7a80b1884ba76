//! The rate limit that a response tells of, under whichever headers.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use crate::Quota;

mod separate;
mod structured;

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
/// | `X-RateLimit-Reset-After` | reset, in place of `X-RateLimit-Reset` |
///
/// The `RateLimit` header comes from [a draft of the IETF](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/). Where
/// it is there and readable, the headers below it are not looked at.
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
/// It may have a fraction, or be an HTTP date. `-Reset-After` is always in seconds from now.
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
        let found = match structured::tightest(headers) {
            Some(quota) => {
                Self { limit: quota.limit.or_else(|| policies.limit_of(quota.name.as_deref())), ..quota.rate }
            }
            None => {
                let rate = separate::read(headers, now);
                Self { limit: rate.limit.or_else(|| policies.limit_of(None)), ..rate }
            }
        };
        (found != Self::default()).then_some(found)
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
}

impl From<RateLimit> for Quota {
    fn from(limit: RateLimit) -> Self {
        Self { remaining: limit.remaining, reset: limit.reset }
    }
}
