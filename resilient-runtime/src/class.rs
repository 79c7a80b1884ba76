//! The classes: what an outcome means.

use std::fmt;
use std::time::Duration;

/// The meaning of an outcome to the policies.
///
/// Every policy of a stack decides on the class, never on the error itself. A retry and a hedge also obey the
/// [hint](crate::Classify::hint) beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It worked.
    Success,
    /// It failed, and may work when tried again: a lost connection, a time-out, a 503.
    Transient,
    /// The server is well and asked for less: a 429, an exhausted quota.
    Throttled {
        /// The time that the server asked callers to stay away, where it said so.
        after: Option<Duration>,
    },
    /// It failed and will fail again: the caller's own mistake, or a thing that does not exist.
    Permanent,
}

impl Class {
    /// Returns whether another attempt might do better.
    ///
    /// ```
    /// use resilient::Class;
    ///
    /// assert!(Class::Transient.is_retryable());
    /// assert!(Class::Throttled { after: None }.is_retryable());
    /// assert!(!Class::Permanent.is_retryable());
    /// ```
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled { .. })
    }

    /// The class's name as it appears in events: one lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Transient => "transient",
            Self::Throttled { .. } => "throttled",
            Self::Permanent => "permanent",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
