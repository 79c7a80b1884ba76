//! The rejection: what a policy returns instead of the body's outcome.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use crate::class::Class;
use crate::clock::nanos;
use crate::vocabulary::PolicyKind;

/// A policy's refusal: it produced this outcome without the body, or instead of it.
///
/// An annotated function returns it through `From`, so its error type needs `impl From<resilient::Error>`:
///
/// ```
/// enum SearchError {
///     Refused(resilient::Error),
///     Http(u16),
/// }
///
/// impl From<resilient::Error> for SearchError {
///     fn from(rejection: resilient::Error) -> Self {
///         SearchError::Refused(rejection)
///     }
/// }
/// ```
// Words with nothing in between, and the kind behind the others. The compiler marks what is no error in the widest choice of numbers, the kind, and moves the
// rest apart from it. Beside single bytes, or next to a short outcome, it would read in other pieces than were written, for which a processor waits.
#[derive(Clone, PartialEq, Eq)]
#[repr(C)]
pub struct Error {
    name: &'static str,
    /// The values of the reason; the number of the policy for a reason without any, which several have.
    values: u64,
    kind: Kind,
}

/// Makes everything that depends on the reason from one entry a reason: the public enum, its packed mirror, and what it means.
///
/// A field is of one of the sorts of [`field!`], and a reason has at most one time and a class, or two counts. A reason with values is that of one policy.
macro_rules! reasons {
    ($(
        $(#[$doc:meta])*
        $reason:ident $({ $($(#[$field_doc:meta])* $field:ident: $sort:ident,)+ } of $of:ident)?
            is $class:ident, ends the call: $ends:literal, says |$f:ident, $policy:ident| $says:expr;
    )+) => {
        /// Why a policy refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $reason $({ $($(#[$field_doc])* $field: field!(type $sort),)+ })?,)+
        }

        /// A [`Reason`] without its values. A word, as the rest of an error is of words.
        #[derive(Clone, Copy, PartialEq, Eq)]
        #[repr(u64)]
        enum Kind {
            $($reason,)+
        }

        /// The names of the reasons, by their numbers.
        const NAMES: &[&str] = &[$(stringify!($reason)),+];

        impl Kind {
            /// The policy that refused.
            const fn policy(self, values: u64) -> PolicyKind {
                match self {
                    $(Self::$reason => first!($(PolicyKind::$of,)? PolicyKind::ALL[values as usize]),)+
                }
            }
        }

        impl Reason {
            /// The number of the reason, and its values or the number of the policy. Most reasons are known where they are written, and are packed by the compiler then.
            #[inline(always)]
            const fn pack(self, policy: PolicyKind) -> (Kind, u64) {
                match self {
                    $(Self::$reason $({ $($field),+ })? => {
                        (Kind::$reason, first!($($(field!(pack $sort, $field))|+,)? policy as u64))
                    })+
                }
            }

            #[inline]
            const fn unpack(kind: Kind, values: u64) -> Self {
                #[allow(unused_variables, reason = "not every reason has values")]
                match kind {
                    $(Kind::$reason => Self::$reason $({ $($field: field!(unpack $sort, values)),+ })?,)+
                }
            }

            /// The wait that it names.
            #[inline]
            const fn retry_after(self) -> Option<Duration> {
                match self {
                    $(Self::$reason $({ $($field),+ })? => {
                        #[allow(unused_mut, unused_assignments, reason = "not every reason names one, or names it always")]
                        let mut after = None;
                        $($(field!(after $sort, $field, after);)+)?
                        after
                    })+
                }
            }

            #[inline]
            const fn class(self) -> Class {
                match self {
                    $(Self::$reason { .. } => class!($class, self),)+
                }
            }

            #[inline]
            const fn ends_the_call(self) -> bool {
                match self {
                    $(Self::$reason { .. } => $ends,)+
                }
            }

            fn write(self, f: &mut fmt::Formatter<'_>, policy: &'static str) -> fmt::Result {
                match self {
                    $(Self::$reason $({ $($field),+ })? => {
                        let ($f, $policy) = (f, policy);
                        $says
                    })+
                }
            }
        }
    };
}

/// The sorts of values of a reason.
macro_rules! field {
    (type retry_after) => { Duration };
    (type optional_retry_after) => { Option<Duration> };
    (type limit) => { Duration };
    (type last_class) => { Option<Class> };
    (type count) => { u32 };
    (type second_count) => { u32 };
    (pack optional_retry_after, $value:ident) => {
        match $value {
            Some(time) => at_most(nanos(time), NO_TIME - 1),
            None => NO_TIME,
        }
    };
    (pack last_class, $value:ident) => { last::number($value) << LAST };
    (pack count, $value:ident) => { ($value as u64) << u32::BITS };
    (pack second_count, $value:ident) => { $value as u64 };
    (pack $time:ident, $value:ident) => { nanos($value) };
    (unpack optional_retry_after, $values:ident) => {
        match $values & NO_TIME {
            NO_TIME => None,
            time => Some(Duration::from_nanos(time)),
        }
    };
    (unpack last_class, $values:ident) => { last::class($values >> LAST) };
    (unpack count, $values:ident) => { ($values >> u32::BITS) as u32 };
    (unpack second_count, $values:ident) => { $values as u32 };
    (unpack $time:ident, $values:ident) => { Duration::from_nanos($values) };
    (after retry_after, $value:ident, $after:ident) => { $after = Some($value) };
    (after optional_retry_after, $value:ident, $after:ident) => { $after = $value };
    (after $other:ident, $value:ident, $after:ident) => { let _ = $value; };
}

/// The first of two expressions, if there are two.
macro_rules! first {
    ($first:expr, $_second:expr) => {
        $first
    };
    ($only:expr) => {
        $only
    };
}

macro_rules! class {
    (Throttled, $reason:ident) => {
        Class::Throttled { after: $reason.retry_after() }
    };
    ($class:ident, $reason:ident) => {
        Class::$class
    };
}

reasons! {
    /// The breaker is open, half-open with all its probes under way, or recovering and not yet letting everything through.
    CircuitOpen {
        /// When the next call may be let through, counted from the refusal; `None` if an operator holds it open.
        retry_after: optional_retry_after,
        /// The class of the last failure that it counted, which is [`Class::Success`] for a call that was only slow;
        /// `None` if that was a panic, or an operator opened it.
        last: last_class,
    } of CircuitBreaker
    is Throttled, ends the call: true, says |f, policy| circuit_open(f, policy, retry_after, last);

    /// All permits were taken, and so were all places in the queue.
    QueueFull is Throttled, ends the call: false,
    says |f, policy| write!(f, "bulkhead `{policy}` is full, and so is its queue");

    /// All permits were taken, and none came free in the time that the call was given to wait.
    WaitedTooLong {
        /// The time that it was given.
        limit: limit,
    } of Bulkhead
    is Throttled, ends the call: false, says |f, policy| write!(f, "bulkhead `{policy}` had no room within {limit:?}");

    /// The call waited for a permit that it holds itself: it came back to the same bulkhead from inside.
    Reentrant is Permanent, ends the call: true,
    says |f, policy| write!(f, "bulkhead `{policy}` is full, and the call that waits for it holds one of its permits");

    /// The rate was used up, or the wait for the next free place would have been too long.
    RateLimited {
        /// When there will be room, counted from the refusal.
        retry_after: retry_after,
    } of RateLimit
    is Throttled, ends the call: false,
    says |f, policy| write!(f, "rate limit `{policy}` is used up, try again in {:?}", in_millis(retry_after));

    /// The server asked for less, and the pause that it named is not over.
    Paused {
        /// The rest of the pause.
        retry_after: retry_after,
    } of RateLimit
    is Throttled, ends the call: false,
    says |f, policy| write!(f, "`{policy}` is paused by the server, try again in {:?}", in_millis(retry_after));

    /// The call weighs more than the rate limit ever lets through at once, so that no wait could help.
    TooHeavy {
        /// The weight of the call, up to [`u32::MAX`].
        weight: count,
        /// The burst of the limit.
        burst: second_count,
    } of RateLimit
    is Permanent, ends the call: true,
    says |f, policy| write!(f, "rate limit `{policy}` never lets a call of weight {weight} through, since its burst is {burst}");

    /// The server refuses so many calls that this one was dropped before it was made.
    Shed is Throttled, ends the call: false,
    says |f, policy| write!(f, "`{policy}` dropped the call, since the server refuses too many");

    /// The body did not end in time.
    TimedOut {
        /// The time it was given.
        limit: limit,
    } of Timeout
    is Transient, ends the call: false, says |f, policy| write!(f, "`{policy}` did not end within {limit:?}");

    /// The deadline of the call around it had passed, and the body was not started or did not go on.
    DeadlineExceeded is Transient, ends the call: true,
    says |f, policy| write!(f, "`{policy}` ran into the deadline of the call around it");

    /// A cancellation signal came.
    Cancelled is Permanent, ends the call: true, says |f, policy| write!(f, "`{policy}` was cancelled");

    /// There is no tokio runtime with a timer on this thread, so the time could not be measured.
    NoRuntime is Permanent, ends the call: true,
    says |f, policy| write!(f, "`{policy}` needs a tokio runtime with a timer, and there is none on this thread");

    /// The batch was answered with more or fewer outcomes than it had keys, so that nobody can tell whose is whose.
    Unanswered is Permanent, ends the call: true,
    says |f, policy| write!(f, "`{policy}` did not answer a batch with one outcome for each of its keys");
}

impl Error {
    #[expect(clippy::inline_always, reason = "as for `pack`")]
    #[inline(always)]
    pub(crate) const fn new(policy: PolicyKind, name: &'static str, reason: Reason) -> Self {
        let (kind, values) = reason.pack(policy);
        Self { name, values, kind }
    }

    /// Which mechanism refused.
    pub const fn policy(&self) -> PolicyKind {
        self.kind.policy(self.values)
    }

    /// The name of the policy that refused: the function's, unless the attribute says `name = "…"`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Why it refused.
    pub const fn reason(&self) -> Reason {
        Reason::unpack(self.kind, self.values)
    }

    /// Returns how long to stay away, where that is known.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.reason().retry_after()
    }

    /// Returns whether a retry around the policy ends the call.
    ///
    /// It does for an open breaker or a deadline that has passed, where another attempt could do no better. An attempt that
    /// ran out of time, or found no room, may be tried again.
    ///
    /// This is about the retries of this call, and the [class](crate::Classify::class) about calls in general: an open breaker is
    /// [throttled](Class::Throttled), which is worth another call later, and yet ends this one.
    pub const fn ends_the_call(&self) -> bool {
        self.reason().ends_the_call()
    }

    /// The number of the reason, of [`REASONS`].
    pub(crate) const fn number(&self) -> usize {
        self.kind as usize
    }

    /// Returns whether the policy refuses for this reason only before what stands below it has begun.
    pub(crate) const fn kept_from_running(&self) -> bool {
        match self.reason() {
            Reason::CircuitOpen { .. }
            | Reason::QueueFull
            | Reason::WaitedTooLong { .. }
            | Reason::Reentrant
            | Reason::RateLimited { .. }
            | Reason::Paused { .. }
            | Reason::TooHeavy { .. }
            | Reason::Shed => true,
            Reason::TimedOut { .. }
            | Reason::DeadlineExceeded
            | Reason::Cancelled
            | Reason::NoRuntime
            | Reason::Unanswered => false,
        }
    }

    pub(crate) const fn own_class(&self) -> Class {
        self.reason().class()
    }
}

/// The numbers of reasons.
pub(crate) mod number_of {
    use super::Kind;

    pub(crate) const CIRCUIT_OPEN: usize = Kind::CircuitOpen as usize;
    pub(crate) const QUEUE_FULL: usize = Kind::QueueFull as usize;
    pub(crate) const WAITED_TOO_LONG: usize = Kind::WaitedTooLong as usize;
    pub(crate) const REENTRANT: usize = Kind::Reentrant as usize;
    pub(crate) const RATE_LIMITED: usize = Kind::RateLimited as usize;
    pub(crate) const PAUSED: usize = Kind::Paused as usize;
    pub(crate) const TOO_HEAVY: usize = Kind::TooHeavy as usize;
    pub(crate) const SHED: usize = Kind::Shed as usize;
    pub(crate) const TIMED_OUT: usize = Kind::TimedOut as usize;
    pub(crate) const DEADLINE_EXCEEDED: usize = Kind::DeadlineExceeded as usize;
    pub(crate) const CANCELLED: usize = Kind::Cancelled as usize;
    pub(crate) const NO_RUNTIME: usize = Kind::NoRuntime as usize;
}

/// The number of reasons.
pub(crate) const REASONS: usize = NAMES.len();

/// The reason of that number as metrics have it: `circuit_open`.
pub(crate) fn reason_label(number: usize) -> &'static str {
    static LABELS: LazyLock<Vec<String>> = LazyLock::new(|| NAMES.iter().map(|name| in_snake_case(name)).collect());
    &LABELS[number]
}

/// `circuit_open` for `CircuitOpen`.
fn in_snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// The numbers of a breaker's last class, without the time of a throttle, which is the server's and not the breaker's.
mod last {
    use crate::Class;

    #[inline]
    pub(super) const fn number(class: Option<Class>) -> u64 {
        match class {
            None => 0,
            Some(Class::Success) => 1,
            Some(Class::Transient) => 2,
            Some(Class::Throttled { .. }) => 3,
            Some(Class::Permanent) => 4,
        }
    }

    pub(super) const fn class(number: u64) -> Option<Class> {
        match number {
            0 => None,
            1 => Some(Class::Success),
            2 => Some(Class::Transient),
            3 => Some(Class::Throttled { after: None }),
            _ => Some(Class::Permanent),
        }
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "the reason is made of the others")]
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("policy", &self.policy())
            .field("name", &self.name)
            .field("reason", &self.reason())
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason().write(f, self.name)
    }
}

impl std::error::Error for Error {}

/// As `TimedOut` where the time was over, and `Other` for the rest, with the rejection inside.
impl From<Error> for std::io::Error {
    fn from(rejection: Error) -> Self {
        let kind = match rejection.reason() {
            Reason::TimedOut { .. } | Reason::DeadlineExceeded => std::io::ErrorKind::TimedOut,
            _ => std::io::ErrorKind::Other,
        };
        Self::new(kind, rejection)
    }
}

fn circuit_open(
    f: &mut fmt::Formatter<'_>,
    policy: &str,
    retry_after: Option<Duration>,
    last: Option<Class>,
) -> fmt::Result {
    let state = if retry_after.is_some() { "open" } else { "held open" };
    write!(f, "circuit breaker `{policy}` is {state}")?;
    match last {
        Some(Class::Success) => f.write_str(" after a slow call")?,
        Some(class) => write!(f, " after a {} failure", class.as_str())?,
        None => {}
    }
    match retry_after {
        Some(time) => write!(f, ", try again in {:?}", in_millis(time)),
        None => Ok(()),
    }
}

/// The place of the class in the values of an open breaker. The nanoseconds below it reach for 73 years.
const LAST: u32 = 61;

/// In place of an optional time that is none: the highest number of its bits.
const NO_TIME: u64 = (1 << LAST) - 1;

const fn at_most(number: u64, most: u64) -> u64 {
    if number < most { number } else { most }
}

/// The time in whole milliseconds, rounded up: whoever reads the message does not come too early.
fn in_millis(time: Duration) -> Duration {
    let millis = time.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(all(test, not(resilient_loom)))]
mod tests {
    use super::*;
    use crate::Classify;

    #[test]
    fn every_reason_says_what_happened() {
        let retry_after = Duration::from_nanos(8_953_117_051);
        let table = [
            (
                Reason::CircuitOpen { retry_after: Some(retry_after), last: Some(Class::Transient) },
                "circuit breaker `pay` is open after a transient failure, try again in 8.954s",
            ),
            (
                Reason::CircuitOpen { retry_after: Some(retry_after), last: Some(Class::Success) },
                "circuit breaker `pay` is open after a slow call, try again in 8.954s",
            ),
            (Reason::CircuitOpen { retry_after: None, last: None }, "circuit breaker `pay` is held open"),
            (Reason::QueueFull, "bulkhead `pay` is full, and so is its queue"),
            (Reason::WaitedTooLong { limit: Duration::from_millis(50) }, "bulkhead `pay` had no room within 50ms"),
            (Reason::Reentrant, "bulkhead `pay` is full, and the call that waits for it holds one of its permits"),
            (Reason::RateLimited { retry_after }, "rate limit `pay` is used up, try again in 8.954s"),
            (Reason::Paused { retry_after }, "`pay` is paused by the server, try again in 8.954s"),
            (
                Reason::TooHeavy { weight: u32::MAX, burst: 1_500 },
                "rate limit `pay` never lets a call of weight 4294967295 through, since its burst is 1500",
            ),
            (Reason::Shed, "`pay` dropped the call, since the server refuses too many"),
            (Reason::TimedOut { limit: Duration::from_millis(400) }, "`pay` did not end within 400ms"),
            (Reason::DeadlineExceeded, "`pay` ran into the deadline of the call around it"),
            (Reason::Cancelled, "`pay` was cancelled"),
            (Reason::NoRuntime, "`pay` needs a tokio runtime with a timer, and there is none on this thread"),
            (Reason::Unanswered, "`pay` did not answer a batch with one outcome for each of its keys"),
        ];
        for (reason, message) in table {
            let rejection = Error::new(PolicyKind::Timeout, "pay", reason);
            assert_eq!((rejection.to_string().as_str(), rejection.reason()), (message, reason));
        }
    }

    #[test]
    fn the_longest_wait_is_one() {
        let longest = Reason::CircuitOpen { retry_after: Some(Duration::MAX), last: None };
        let retry_after = Error::new(PolicyKind::CircuitBreaker, "pay", longest).retry_after();
        assert!(retry_after > Some(Duration::from_secs(73 * 365 * 86_400)), "{retry_after:?}");
    }

    #[test]
    fn a_reason_without_values_may_be_that_of_any_policy() {
        for policy in PolicyKind::ALL {
            assert_eq!(Error::new(policy, "pay", Reason::Cancelled).policy(), policy);
        }
    }

    #[test]
    fn a_breaker_is_told_from_another_by_the_time_and_the_class() {
        let time = |nanos| Some(Duration::from_nanos(nanos));
        let classes = [Class::Success, Class::Transient, Class::Throttled { after: None }, Class::Permanent];
        for retry_after in [None, time(0), time(1), time(u32::MAX.into()), time(NO_TIME - 1)] {
            for last in classes.map(Some).into_iter().chain([None]) {
                let reason = Reason::CircuitOpen { retry_after, last };
                let rejection = Error::new(PolicyKind::CircuitBreaker, "pay", reason);
                assert_eq!((rejection.policy(), rejection.reason()), (PolicyKind::CircuitBreaker, reason));
            }
        }
    }

    /// A rejection that ends the call may be worth another call later, and the other way round one that is not ends it.
    #[test]
    fn what_is_not_worth_another_call_ends_this_one() {
        let retry_after = Duration::from_secs(1);
        let ends_the_call = |reason| {
            let rejection = Error::new(PolicyKind::Timeout, "pay", reason);
            assert!(rejection.class().is_retryable() || rejection.ends_the_call(), "{reason:?}");
            rejection.ends_the_call()
        };

        let ends = [
            Reason::CircuitOpen { retry_after: Some(retry_after), last: None },
            Reason::Reentrant,
            Reason::TooHeavy { weight: 2, burst: 1 },
            Reason::DeadlineExceeded,
            Reason::Cancelled,
            Reason::NoRuntime,
            Reason::Unanswered,
        ];
        assert!(ends.into_iter().all(ends_the_call));
        let goes_on = [
            Reason::QueueFull,
            Reason::WaitedTooLong { limit: retry_after },
            Reason::RateLimited { retry_after },
            Reason::Paused { retry_after },
            Reason::Shed,
            Reason::TimedOut { limit: retry_after },
        ];
        assert!(!goes_on.into_iter().any(ends_the_call));
    }

    #[test]
    fn weighs_little() {
        assert_eq!(size_of::<Error>(), 32);
    }

    #[test]
    fn an_io_error_made_of_it_shows_it_again() {
        let rejection = Error::new(PolicyKind::CircuitBreaker, "pay", Reason::Cancelled);

        let error = std::io::Error::from(rejection.clone());

        assert_eq!(error.rejection(), Some(&rejection));
    }
}
