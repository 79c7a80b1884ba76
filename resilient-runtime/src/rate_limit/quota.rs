//! The quota that a server still allows, in its own words.

use std::time::Duration;

/// The quota that a server still allows, as it said in an answer: for [`RateLimit::heed`](crate::RateLimit::heed).
///
/// The feature `http-1` reads it from the headers of a response, as a `resilient::http::RateLimit` that turns into it.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::Quota;
///
/// let quota = Quota::of(40, Duration::from_secs(20));
/// assert_eq!(quota.remaining, Some(40));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// The number of calls that it will still take until the reset; `None` if it did not say.
    pub remaining: Option<u64>,
    /// The time until there is more; `None` if it did not say.
    pub reset: Option<Duration>,
    /// Set if what was used comes back evenly until the reset, as into a token bucket, and not all at once.
    pub refills: bool,
}

impl Quota {
    /// So many calls until a reset in so long.
    pub const fn of(remaining: u64, reset: Duration) -> Self {
        Self { remaining: Some(remaining), reset: Some(reset), refills: false }
    }

    /// So many calls of a token bucket, which fills up all the time.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use resilient::{Quota, RateLimit};
    ///
    /// static TOKENS: RateLimit = RateLimit::named("tokens").rate(90_000, Duration::from_secs(60)).burst(90_000);
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// TOKENS.heed(Quota::of_bucket(500));
    /// assert_eq!(TOKENS.share(), 1.0, "the rate stays");
    ///
    /// let rejection = TOKENS.try_acquire_many(2_000).unwrap_err();
    /// assert_eq!(rejection.retry_after().unwrap().as_secs(), 1); // 1,500 more
    /// # }
    /// ```
    pub const fn of_bucket(remaining: u64) -> Self {
        Self { remaining: Some(remaining), reset: None, refills: true }
    }
}
