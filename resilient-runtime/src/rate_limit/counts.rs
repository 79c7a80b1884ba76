//! The counts: what a rate limit has done.

/// The counts of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateCounts {
    /// Requests that it let through, ever.
    pub admitted: u64,
    /// The number of those that had to wait.
    pub waited: u64,
    /// Requests that it refused because the rate was used up, ever.
    pub limited: u64,
    /// Requests that it refused because it was paused, ever.
    pub paused: u64,
    /// Requests that it refused because they weigh more than the burst, ever.
    pub too_heavy: u64,
    /// The number of times that a pause began, ever.
    pub pauses: u64,
    /// The number of times that the rate was halved, ever.
    pub slowed: u64,
    /// Callers that wait now.
    pub waiting: u32,
}
