//! The words that errors, events, the registry and counters share. Imports nothing of the policies.

use std::fmt;

/// A kind of policy: in an [`Error`](crate::Error) the one that refused, and in a [`Conflict`](crate::snapshot::Conflict) that of both.
///
/// It is also the kind under which a policy's name is registered, so it has kinds that never refuse a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PolicyKind {
    /// A [`CircuitBreaker`](crate::CircuitBreaker).
    CircuitBreaker,
    /// A [`Bulkhead`](crate::Bulkhead).
    Bulkhead,
    /// A [`RateLimit`](crate::RateLimit).
    RateLimit,
    /// A [`Throttle`](crate::Throttle).
    Throttle,
    /// A [`Timeout`](crate::Timeout).
    Timeout,
    /// A [`Cancel`](crate::Cancel).
    Cancel,
    /// A [`Batch`](crate::Batch).
    Batch,
    /// A [`FanOut`](crate::FanOut) whose children are tasks.
    FanOut,
    /// A [`Hedge`](crate::Hedge), which refuses nothing.
    Hedge,
    /// A [`Retry`](crate::Retry), which refuses nothing.
    Retry,
    /// A [`Coalesce`](crate::Coalesce), which refuses nothing.
    Coalesce,
    /// A [`Fallback`](crate::Fallback), which refuses nothing.
    Fallback,
    /// A [`Measure`](crate::Measure), which refuses nothing.
    Measure,
}

/// The state of a breaker: its answer to the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CircuitBreakerState {
    /// Lets it through.
    Closed,
    /// Refuses it, until the open time is over.
    Open,
    /// Lets it through if a probe is wanted, and refuses it otherwise.
    HalfOpen,
    /// Lets it through with a probability that grows, as [`recover`](crate::CircuitBreaker::recover) says.
    Recovering,
    /// Refuses it, because of [`force_open`](crate::CircuitBreaker::force_open).
    ForcedOpen,
    /// Lets it through and does not look at it, because of [`Mode::Off`](crate::Mode::Off).
    Disabled,
}

/// Why a retry ends a call whose failure was worth another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GaveUp {
    /// A policy further in refused in a way that ends the call, such as an open breaker.
    Refused,
    /// An outer retry has turned this one off.
    Suppressed,
    /// All retries were made.
    NoRetriesLeft,
    /// The server asked for a longer wait than [`max_hint`](crate::Retry::max_hint).
    HintTooLong,
    /// The retry would begin later than [`max_elapsed`](crate::Retry::max_elapsed) allows.
    TimeOver,
    /// The deadline of the call would pass before the retry begins.
    DeadlineFirst,
    /// The deadline of the call would probably pass before the retry ends.
    DeadlineTooClose,
    /// No tokio runtime with a timer can measure the wait.
    NoTimer,
    /// The [`Budget`](crate::Budget) cannot pay for the retry.
    BudgetExhausted,
    /// The retry only [observes](crate::Mode::Observe), or is [off](crate::Mode::Off).
    SwitchedOff,
}

/// Source of a fallback's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FallbackSource {
    /// An earlier answer that was kept.
    Stale,
    /// A function.
    Function,
    /// A value.
    Value,
}

/// The rule of a shared limit while its store cannot be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenDown {
    /// Each machine lets its share of the rate through: one part of as many as [machines](crate::shared::Store::machines) were last seen.
    #[default]
    Local,
    /// Each machine lets the whole rate through.
    Open,
    /// No call is let through.
    Closed,
}

impl PolicyKind {
    /// All kinds, each in the place of its number.
    pub(crate) const ALL: [Self; 13] = [
        Self::CircuitBreaker,
        Self::Bulkhead,
        Self::RateLimit,
        Self::Throttle,
        Self::Timeout,
        Self::Cancel,
        Self::Batch,
        Self::FanOut,
        Self::Hedge,
        Self::Retry,
        Self::Coalesce,
        Self::Fallback,
        Self::Measure,
    ];

    /// The kind in words, as a message has it: `circuit breaker`, `time-out`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "circuit breaker",
            Self::Bulkhead => "bulkhead",
            Self::RateLimit => "rate limit",
            Self::Throttle => "throttle",
            Self::Timeout => "time-out",
            Self::Cancel => "cancellation",
            Self::Batch => "batch",
            Self::FanOut => "fan-out",
            Self::Hedge => "hedge",
            Self::Retry => "retry",
            Self::Coalesce => "coalescing",
            Self::Fallback => "fallback",
            Self::Measure => "measure",
        }
    }
}

impl CircuitBreakerState {
    /// All states.
    pub(crate) const ALL: [Self; 6] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::Recovering, Self::ForcedOpen, Self::Disabled];

    /// The state's name as it appears in events: `closed`, `open`, `half-open`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Recovering => "recovering",
            Self::ForcedOpen => "forced-open",
            Self::Disabled => "disabled",
        }
    }

    /// The state as metrics have it: `half_open`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            other => other.as_str(),
        }
    }
}

impl GaveUp {
    /// The reason in words, as the event `gave up` has it in `why`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "another policy refused",
            Self::Suppressed => "an outer retry has turned this one off",
            Self::NoRetriesLeft => "no retries left",
            Self::HintTooLong => "the server asked for too long a wait",
            Self::TimeOver => "the time for retries is over",
            Self::DeadlineFirst => "the deadline comes first",
            Self::DeadlineTooClose => "the deadline would come before the attempt's end",
            Self::NoTimer => "nothing measures the wait",
            Self::BudgetExhausted => "the budget is exhausted",
            Self::SwitchedOff => "the retry does not enforce",
        }
    }
}

impl GaveUp {
    /// The reason as metrics have it: `no_retries_left`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Suppressed => "suppressed",
            Self::NoRetriesLeft => "no_retries_left",
            Self::HintTooLong => "hint_too_long",
            Self::TimeOver => "time_over",
            Self::DeadlineFirst => "deadline_first",
            Self::DeadlineTooClose => "deadline_too_close",
            Self::NoTimer => "no_timer",
            Self::BudgetExhausted => "budget_exhausted",
            Self::SwitchedOff => "switched_off",
        }
    }
}

impl PolicyKind {
    /// The kind as its attribute is named, and as metrics have it: `circuit_breaker`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "circuit_breaker",
            Self::Bulkhead => "bulkhead",
            Self::RateLimit => "rate_limit",
            Self::Throttle => "throttle",
            Self::Timeout => "timeout",
            Self::Cancel => "cancel",
            Self::Batch => "batch",
            Self::FanOut => "fan_out",
            Self::Hedge => "hedge",
            Self::Retry => "retry",
            Self::Coalesce => "coalesce",
            Self::Fallback => "fallback",
            Self::Measure => "measure",
        }
    }
}

impl FallbackSource {
    /// The source as the event `fell back` has it in `answer`: `stale`, `with` or `value`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Function => "function",
            Self::Value => "value",
        }
    }
}

impl WhenDown {
    /// The word for it in attributes, settings files and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

macro_rules! displays_as_str {
    ($($word:ty),+) => {
        $(
            impl fmt::Display for $word {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(self.as_str())
                }
            }
        )+
    };
}

displays_as_str!(PolicyKind, CircuitBreakerState, GaveUp, FallbackSource, WhenDown);
