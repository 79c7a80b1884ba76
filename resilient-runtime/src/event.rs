//! The events that the policies report, as one type: a new event is a variant, an arm of `trace` and a row of its table.
//!
//! An event goes to `tracing`, and with the test kit to the recorders of the thread.
//!
//! An event of one call is `DEBUG`, however bad it is: in an outage it happens to all of them. Above that is only an event
//! that has a beginning, and of one policy, or of the policies of all its keys, no more than ten lines a minute.

#[cfg(any(test, feature = "test-util"))]
use std::cell::RefCell;
use std::panic::Location;
#[cfg(any(test, feature = "test-util"))]
use std::rc::{Rc, Weak};
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::class::Class;
#[cfg(feature = "tracing")]
use crate::clock::Ticks;
use crate::vocabulary::{CircuitBreakerState, FallbackSource, GaveUp, PolicyKind, WhenDown};

/// An event of a policy.
///
/// With the feature `tracing` each is an event of target `resilient`, with the message and fields of this table; with
/// `test-util`, `resilient::test::Recorder` keeps them. No event holds an argument, a key or the text of an error.
///
/// | variant | message | level | fields |
/// |---|---|---|---|
/// | [`Retrying`](Self::Retrying) | `retrying` | debug | `policy`, `retry` (from zero), `delay`, `class` of the attempt before it |
/// | [`GaveUp`](Self::GaveUp) | `gave up` | debug | `policy`, `retries` made, `class`, `why` |
/// | [`Transition`](Self::Transition) | `circuit breaker` | warn if a closed breaker opens; info if it closes, is forced open or disabled; else debug | `policy`, `from`, `to`, `failures`, `calls`, `open_for` if it opens |
/// | [`SettingsDiffer`](Self::SettingsDiffer) | `settings differ` | error | `policy`, `kind`, `first`, `second` (places in the source) |
/// | [`TimedOut`](Self::TimedOut) | `timed out` | debug | `policy`, `limit` |
/// | [`Late`](Self::Late) | `late` | warn | `policy`, `limit`, `late` |
/// | [`DeadlineExceeded`](Self::DeadlineExceeded) | `deadline exceeded` | debug | `policy` |
/// | [`Hedging`](Self::Hedging) | `hedging` | debug | `policy` |
/// | [`Joined`](Self::Joined) | `joined` | debug | `policy` |
/// | [`HandedOver`](Self::HandedOver) | `handed over` | debug | `policy` |
/// | [`GaveStale`](Self::GaveStale) | `gave a stale outcome` | debug | `policy` |
/// | [`Renewed`](Self::Renewed) | `renewed` | debug | `policy` |
/// | [`NotRenewed`](Self::NotRenewed) | `not renewed` | info | `policy` |
/// | [`RanAlone`](Self::RanAlone) | `too many keys` | warn | `policy` |
/// | [`KeysOverflowed`](Self::KeysOverflowed) | `too many keys` | warn | `policy`, `capacity`, `overflowed` |
/// | [`Batched`](Self::Batched) | `batched` | debug | `policy`, `keys`, `callers` |
/// | [`LearnsNothing`](Self::LearnsNothing) | `limit learns nothing` | warn | `policy`, `called`, `instead` |
/// | [`DeadlineUnread`](Self::DeadlineUnread) | `deadline cannot be read` | warn | `header`: its name |
/// | [`Unclassified`](Self::Unclassified) | `an error in a box has no known type, and is permanent` | warn, once; then debug | |
/// | [`Cancelled`](Self::Cancelled) | `cancelled` | debug | `policy` |
/// | [`FellBack`](Self::FellBack) | `fell back` | debug | `policy`, `class`, `answer` |
/// | [`Unanswered`](Self::Unanswered) | `nothing to fall back to` | debug | `policy`, `class` |
/// | [`Paused`](Self::Paused) | `paused` | info | `policy`, `time` |
/// | [`Slowed`](Self::Slowed) | `slowed` | info | `policy`, `share` |
/// | [`ChaosBegan`](Self::ChaosBegan) | `chaos begins` | warn | `name` |
/// | [`ChaosEnded`](Self::ChaosEnded) | `chaos ends` | warn | `name`, `attempts`, `faults` |
/// | [`Disturbed`](Self::Disturbed) | `disturbed` | debug | `function`, `fault`: `fail`, `delay`, `hang` or `panic` |
/// | [`Unfailing`](Self::Unfailing) | `chaos cannot fail it` | warn, once for each function | `function`, `outcome`: its type |
/// | [`Degraded`](Self::Degraded) | `shared limit degraded` | warn | `policy`, `rule` |
/// | [`Recovered`](Self::Recovered) | `shared limit recovered` | info | `policy`, `after` |
///
/// `function` stands beside `policy` where the policy is that of an annotated function: the path of its module and its name.
///
/// One policy is louder than `DEBUG` ten times at once and ten times a minute; more of its events are `DEBUG`.
/// `settings differ`, `limit learns nothing` and the overflow of a [`PerKey`](crate::PerKey) are rare by themselves and always as loud as
/// the table says.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The delay before another attempt begins.
    Retrying(Retrying),
    /// A call ends with a failure although the failure was worth another attempt.
    #[non_exhaustive]
    GaveUp {
        /// The policy's name.
        policy: &'static str,
        /// Number of retries that were made.
        retries: u32,
        /// Class of the last failure.
        class: Class,
        /// The reason.
        why: GaveUp,
    },
    /// A breaker changes its state.
    #[non_exhaustive]
    Transition {
        /// The policy's name.
        policy: &'static str,
        /// Source location of the policy.
        place: &'static Location<'static>,
        /// The state that it leaves.
        from: CircuitBreakerState,
        /// The state that it enters.
        to: CircuitBreakerState,
        /// Number of failures among `calls`.
        failures: u32,
        /// Number of calls that the change was decided on.
        calls: u32,
        /// Time for which it will be open, if it opens.
        open_for: Option<Duration>,
    },
    /// A policy shares its name, and not its settings, with another.
    #[non_exhaustive]
    SettingsDiffer {
        /// The name of both.
        policy: &'static str,
        /// The kind of both.
        kind: PolicyKind,
        /// Source location of the policy that the name stands for.
        first: &'static Location<'static>,
        /// Source location of the policy that differs from it.
        second: &'static Location<'static>,
    },
    /// Settings are applied.
    #[non_exhaustive]
    SettingsApplied {
        /// Source of the settings: the path of a file, or `code`.
        source: &'static str,
        /// Number of policies whose settings are others now.
        policies: usize,
        /// Number of tables for which there is no policy yet.
        waiting: usize,
    },
    /// Settings are refused, and those in force stay.
    #[non_exhaustive]
    SettingsRefused {
        /// Source of the settings: the path of a file, or `code`.
        source: &'static str,
        /// Number of mistakes in them.
        mistakes: usize,
    },
    /// Faults begin that somebody has ordered.
    #[cfg(feature = "chaos")]
    #[non_exhaustive]
    ChaosBegan {
        /// The name of the functions or of their policies; `everywhere` for all.
        name: &'static str,
    },
    /// Faults end that somebody had ordered.
    #[cfg(feature = "chaos")]
    #[non_exhaustive]
    ChaosEnded {
        /// As for its beginning.
        name: &'static str,
        /// The attempts that could have had a fault.
        attempts: u64,
        /// The faults.
        faults: u64,
    },
    /// An attempt has a fault that somebody has ordered.
    #[cfg(feature = "chaos")]
    #[non_exhaustive]
    Disturbed {
        /// The path of the function.
        function: &'static str,
        /// The fault: `fail`, `delay`, `hang` or `panic`.
        fault: &'static str,
    },
    /// An attempt was to fail, and its error is none that chaos can make: it is not `Faulty`.
    #[cfg(feature = "chaos")]
    #[non_exhaustive]
    Unfailing {
        /// The path of the function.
        function: &'static str,
        /// The type of its outcome.
        outcome: &'static str,
    },
    /// A call goes on after its time, because something holds the thread: a body that blocks, or another task.
    #[non_exhaustive]
    Late {
        /// The policy's name.
        policy: &'static str,
        /// Source location of the policy.
        place: &'static Location<'static>,
        /// The limit.
        limit: Duration,
        /// Time from the end of the limit, or from a deadline before it, to the end of the call.
        late: Duration,
    },
    /// A body does not end in time.
    #[non_exhaustive]
    TimedOut {
        /// The policy's name.
        policy: &'static str,
        /// The time that the body had.
        limit: Duration,
    },
    /// A body is not started, or given up, because of a deadline from further out.
    #[non_exhaustive]
    DeadlineExceeded {
        /// The policy's name.
        policy: &'static str,
    },
    /// An attempt starts beside others.
    #[non_exhaustive]
    Hedging {
        /// The policy's name.
        policy: &'static str,
    },
    /// A call waits for the outcome of another call, or takes one that is held.
    #[non_exhaustive]
    Joined {
        /// The policy's name.
        policy: &'static str,
    },
    /// A call runs for others because the call that did so before is gone.
    #[non_exhaustive]
    HandedOver {
        /// The policy's name.
        policy: &'static str,
    },
    /// A call takes an outcome that is held and no longer fresh.
    #[non_exhaustive]
    GaveStale {
        /// The policy's name.
        policy: &'static str,
    },
    /// A run behind the calls has put a new outcome in the place of a stale one.
    #[non_exhaustive]
    Renewed {
        /// The policy's name.
        policy: &'static str,
    },
    /// A run behind the calls came to nothing, and the stale outcome stays.
    #[non_exhaustive]
    NotRenewed {
        /// The policy's name.
        policy: &'static str,
    },
    /// A call is not coalesced, because there are too many keys already.
    #[non_exhaustive]
    RanAlone {
        /// The policy's name.
        policy: &'static str,
    },
    /// A [`PerKey`](crate::PerKey) has more keys than room, after a time in which it had room for all.
    #[non_exhaustive]
    KeysOverflowed {
        /// The policy's name.
        policy: &'static str,
        /// Number of keys that it has room for.
        capacity: usize,
        /// Number of calls without room so far.
        overflowed: u64,
    },
    /// A batch is asked for.
    #[non_exhaustive]
    Batched {
        /// The policy's name.
        policy: &'static str,
        /// Number of distinct keys.
        keys: usize,
        /// Number of callers.
        callers: usize,
    },
    /// An adaptive limit is not told the end of a call, for the first time.
    #[non_exhaustive]
    LearnsNothing {
        /// The policy's name.
        policy: &'static str,
        /// The method that was called.
        called: &'static str,
        /// The method that would tell it.
        instead: &'static str,
    },
    /// A request has a header for its deadline, and the header is none.
    #[non_exhaustive]
    DeadlineUnread {
        /// The header's name.
        header: &'static str,
    },
    /// An error whose type has been erased is none that this crate knows, and so permanent: one in a `Box<dyn Error>` or an `anyhow::Error`.
    Unclassified,
    /// A signal stops a body.
    #[non_exhaustive]
    Cancelled {
        /// The policy's name.
        policy: &'static str,
    },
    /// An answer replaces a call's failure.
    #[non_exhaustive]
    FellBack {
        /// The policy's name.
        policy: &'static str,
        /// Class of the failure.
        class: Class,
        /// Source of the answer.
        answer: FallbackSource,
    },
    /// A failed call has nothing to fall back to.
    #[non_exhaustive]
    Unanswered {
        /// The policy's name.
        policy: &'static str,
        /// Class of the failure.
        class: Class,
    },
    /// A pause begins that the server asked for.
    #[non_exhaustive]
    Paused {
        /// The policy's name.
        policy: &'static str,
        /// Source location of the policy.
        place: &'static Location<'static>,
        /// Length of the pause.
        time: Duration,
    },
    /// A rate is halved because the server asked for less.
    #[non_exhaustive]
    Slowed {
        /// The policy's name.
        policy: &'static str,
        /// Source location of the policy.
        place: &'static Location<'static>,
        /// Remaining share of the rate, at most 1.
        share: f64,
    },
    /// The store of a shared limit begins not to answer.
    #[non_exhaustive]
    Degraded {
        /// The policy's name.
        policy: &'static str,
        /// Source location of the policy.
        place: &'static Location<'static>,
        /// Rule that the limit goes by until the store answers.
        rule: WhenDown,
    },
    /// The store of a shared limit answers again.
    #[non_exhaustive]
    Recovered {
        /// The policy's name.
        policy: &'static str,
        /// Source location of the policy.
        place: &'static Location<'static>,
        /// Time for which the limit went by a rule of its own.
        after: Duration,
    },
}

/// A retry that is about to begin, as [`Retry::on_retry`](crate::Retry::on_retry) is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retrying {
    /// The policy's name.
    pub policy: &'static str,
    /// Number of the retry, counted from zero.
    pub retry: u32,
    /// Class of the attempt before it.
    pub class: Class,
    /// Wait before it.
    pub delay: Duration,
}

/// A call whose failure was worth another attempt that is not made, as a hook of a [`Retry`](crate::Retry) is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GivingUp {
    /// The policy's name.
    pub policy: &'static str,
    /// Number of retries that were made.
    pub retries: u32,
    /// Class of the last attempt.
    pub class: Class,
    /// Reason for which none follows.
    pub why: GaveUp,
}

impl Event {
    /// Name of the policy that reports it; for settings, their source; for a deadline, its header; for an error without a class, nothing; for chaos, its name or that of the function.
    pub const fn policy(&self) -> &'static str {
        match *self {
            Self::Retrying(Retrying { policy, .. })
            | Self::GaveUp { policy, .. }
            | Self::Transition { policy, .. }
            | Self::SettingsDiffer { policy, .. }
            | Self::TimedOut { policy, .. }
            | Self::Late { policy, .. }
            | Self::DeadlineExceeded { policy }
            | Self::Hedging { policy }
            | Self::Joined { policy }
            | Self::HandedOver { policy }
            | Self::GaveStale { policy }
            | Self::Renewed { policy }
            | Self::NotRenewed { policy }
            | Self::RanAlone { policy }
            | Self::KeysOverflowed { policy, .. }
            | Self::Batched { policy, .. }
            | Self::LearnsNothing { policy, .. }
            | Self::Cancelled { policy }
            | Self::FellBack { policy, .. }
            | Self::Unanswered { policy, .. }
            | Self::Paused { policy, .. }
            | Self::Slowed { policy, .. }
            | Self::Degraded { policy, .. }
            | Self::Recovered { policy, .. } => policy,
            Self::SettingsApplied { source, .. } | Self::SettingsRefused { source, .. } => source,
            Self::DeadlineUnread { header } => header,
            Self::Unclassified => "",
            #[cfg(feature = "chaos")]
            Self::ChaosBegan { name } | Self::ChaosEnded { name, .. } => name,
            #[cfg(feature = "chaos")]
            Self::Disturbed { function, .. } | Self::Unfailing { function, .. } => function,
        }
    }

    /// Tells everybody who listens, of a policy that belongs to no function.
    #[inline]
    pub(crate) fn emit(self) {
        self.emit_in(|| None, None);
    }

    /// Tells everybody who listens. `function` finds the path of the annotated function, and `key` is the text of the policy's key if that may be shown.
    ///
    /// Inlined, so that a call site pays one load and a comparison while nobody listens, and makes no event.
    #[inline]
    pub(crate) fn emit_in(self, function: impl FnOnce() -> Option<&'static str>, key: Option<&str>) {
        #[cfg(any(test, feature = "test-util"))]
        note(self, key);
        #[cfg(feature = "tracing")]
        if is_heard(self.loudest()) {
            self.trace(function(), key);
        }
        #[cfg(not(feature = "tracing"))]
        let _ = (self, function, key);
    }

    /// Returns whether anybody may listen to an event of one call: where making one costs more than to ask.
    #[inline]
    pub(crate) fn is_heard_at_debug() -> bool {
        if cfg!(any(test, feature = "test-util")) {
            return true;
        }
        #[cfg(feature = "tracing")]
        return is_heard(tracing::Level::DEBUG);
        #[cfg(not(feature = "tracing"))]
        false
    }

    /// The highest level that it can have.
    #[cfg(feature = "tracing")]
    #[inline]
    const fn loudest(&self) -> tracing::Level {
        match self {
            Self::SettingsDiffer { .. } => tracing::Level::ERROR,
            Self::SettingsRefused { .. }
            | Self::Transition { .. }
            | Self::Late { .. }
            | Self::RanAlone { .. }
            | Self::KeysOverflowed { .. }
            | Self::LearnsNothing { .. }
            | Self::DeadlineUnread { .. }
            | Self::Unclassified
            | Self::Degraded { .. } => tracing::Level::WARN,
            #[cfg(feature = "chaos")]
            Self::ChaosBegan { .. } | Self::ChaosEnded { .. } | Self::Unfailing { .. } => tracing::Level::WARN,
            Self::Recovered { .. }
            | Self::Paused { .. }
            | Self::Slowed { .. }
            | Self::NotRenewed { .. }
            | Self::SettingsApplied { .. } => tracing::Level::INFO,
            _ => tracing::Level::DEBUG,
        }
    }

    #[cfg(feature = "tracing")]
    #[cold]
    #[inline(never)]
    fn trace(self, function: Option<&'static str>, key: Option<&str>) {
        macro_rules! say {
            ($level:ident, $policy:ident, $($fields:tt)+) => {
                tracing::$level!(target: "resilient", $policy, function, key, $($fields)+)
            };
        }
        macro_rules! say_loudly {
            ($level:ident from $origin:expr, $($fields:tt)+) => {
                if may_be_loud($origin) { say!($level, $($fields)+) } else { say!(debug, $($fields)+) }
            };
        }

        match self {
            Self::Retrying(Retrying { policy, retry, class, delay }) => {
                say!(debug, policy, retry, ?delay, class = class.as_str(), "retrying");
            }
            Self::GaveUp { policy, retries, class, why } => {
                say!(debug, policy, retries, class = class.as_str(), why = why.as_str(), "gave up");
            }
            // An outage begins with a line of level `WARN` and ends with one of `INFO`; how it is probed meanwhile is `DEBUG`.
            Self::Transition { policy, place, from, to, failures, calls, open_for } => {
                macro_rules! say_it {
                    ($level:ident) => {
                        say!(
                            $level,
                            policy,
                            from = from.as_str(),
                            to = to.as_str(),
                            failures,
                            calls,
                            open_for = open_for.map(tracing::field::debug),
                            "circuit breaker"
                        )
                    };
                }
                say_safely(|| match (from, to) {
                    (CircuitBreakerState::Closed, CircuitBreakerState::Open) if may_be_loud(place) => say_it!(warn),
                    (
                        _,
                        CircuitBreakerState::Closed | CircuitBreakerState::ForcedOpen | CircuitBreakerState::Disabled,
                    ) if may_be_loud(place) => say_it!(info),
                    _ => say_it!(debug),
                });
            }
            Self::SettingsDiffer { policy, kind, first, second } => {
                say!(error, policy, ?kind, %first, %second, "settings differ");
            }
            Self::SettingsApplied { source, policies, waiting } => {
                tracing::info!(target: "resilient", source, policies, waiting, "settings applied");
            }
            Self::SettingsRefused { source, mistakes } => {
                tracing::warn!(target: "resilient", source, mistakes, "settings refused");
            }
            #[cfg(feature = "chaos")]
            Self::ChaosBegan { name } => tracing::warn!(target: "resilient", name, "chaos begins"),
            #[cfg(feature = "chaos")]
            Self::ChaosEnded { name, attempts, faults } => {
                tracing::warn!(target: "resilient", name, attempts, faults, "chaos ends");
            }
            #[cfg(feature = "chaos")]
            Self::Disturbed { function, fault } => tracing::debug!(target: "resilient", function, fault, "disturbed"),
            #[cfg(feature = "chaos")]
            Self::Unfailing { function, outcome } => {
                tracing::warn!(target: "resilient", function, outcome, "chaos cannot fail it");
            }
            Self::TimedOut { policy, limit } => say!(debug, policy, ?limit, "timed out"),
            Self::Late { policy, place, limit, late } => say_loudly!(warn from place, policy, ?limit, ?late, "late"),
            Self::DeadlineExceeded { policy } => say!(debug, policy, "deadline exceeded"),
            Self::Hedging { policy } => say!(debug, policy, "hedging"),
            Self::Joined { policy } => say!(debug, policy, "joined"),
            Self::HandedOver { policy } => say!(debug, policy, "handed over"),
            Self::GaveStale { policy } => say!(debug, policy, "gave a stale outcome"),
            Self::Renewed { policy } => say!(debug, policy, "renewed"),
            Self::NotRenewed { policy } => say_loudly!(info from policy, policy, "not renewed"),
            Self::RanAlone { policy } => say_loudly!(warn from policy, policy, "too many keys"),
            Self::KeysOverflowed { policy, capacity, overflowed } => {
                say!(warn, policy, capacity, overflowed, "too many keys");
            }
            Self::Batched { policy, keys, callers } => say!(debug, policy, keys, callers, "batched"),
            Self::LearnsNothing { policy, called, instead } => {
                say!(warn, policy, called, instead, "limit learns nothing");
            }
            Self::DeadlineUnread { header } => say_deadline_unread(header),
            Self::Unclassified => say_unclassified(),
            Self::Cancelled { policy } => say!(debug, policy, "cancelled"),
            Self::FellBack { policy, class, answer } => {
                say!(debug, policy, class = class.as_str(), answer = answer.as_str(), "fell back");
            }
            Self::Unanswered { policy, class } => {
                say!(debug, policy, class = class.as_str(), "nothing to fall back to");
            }
            Self::Paused { policy, place, time } => say_loudly!(info from place, policy, ?time, "paused"),
            Self::Slowed { policy, place, share } => say_loudly!(info from place, policy, share, "slowed"),
            Self::Degraded { policy, place, rule } => {
                say_loudly!(warn from place, policy, rule = rule.as_str(), "shared limit degraded");
            }
            Self::Recovered { policy, place, after } => {
                say_loudly!(info from place, policy, ?after, "shared limit recovered");
            }
        }
    }
}

#[cfg(feature = "tracing")]
fn say_deadline_unread(header: &'static str) {
    const MESSAGE: &str = "deadline cannot be read";
    if may_be_loud(header) {
        tracing::warn!(target: "resilient", header, "{MESSAGE}");
    } else {
        tracing::debug!(target: "resilient", header, "{MESSAGE}");
    }
}

#[cfg(feature = "tracing")]
fn say_unclassified() {
    const MESSAGE: &str = "an error in a box has no known type, and is permanent";
    if is_first_unclassified() {
        tracing::warn!(target: "resilient", "{MESSAGE}");
    } else {
        tracing::debug!(target: "resilient", "{MESSAGE}");
    }
}

/// Returns whether a subscriber may listen to events of that level.
#[cfg(feature = "tracing")]
#[inline]
fn is_heard(level: tracing::Level) -> bool {
    level <= tracing::level_filters::STATIC_MAX_LEVEL && level <= tracing::level_filters::LevelFilter::current()
}

/// Events that one recorder has heard, each with the key of its policy if that may be shown.
#[cfg(any(test, feature = "test-util"))]
pub(crate) type Heard = RefCell<Vec<(Event, Option<Box<str>>)>>;

#[cfg(any(test, feature = "test-util"))]
thread_local! {
    static LISTENERS: RefCell<Vec<Weak<Heard>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the events of this thread from now on, until the result is dropped.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn listen() -> Rc<Heard> {
    let heard = Rc::default();
    LISTENERS.with_borrow_mut(|listeners| {
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Rc::downgrade(&heard));
    });
    heard
}

/// Number of recorders that this thread still tells.
#[cfg(test)]
pub(crate) fn listeners() -> usize {
    LISTENERS.with_borrow(Vec::len)
}

/// Tells the recorders of this thread, and forgets those that were dropped.
#[cfg(any(test, feature = "test-util"))]
fn note(event: Event, key: Option<&str>) {
    // A policy may report while the thread ends, in the destructor of another thread-local; nobody asks any more then.
    let _ = LISTENERS.try_with(|listeners| {
        listeners.borrow_mut().retain(|listener| match listener.upgrade() {
            Some(heard) => {
                heard.borrow_mut().push((event, key.map(Box::from)));
                true
            }
            None => false,
        });
    });
}

/// Says something where a permit may be dropped by a panic. A subscriber that panics as well must not end the process.
#[cfg(feature = "tracing")]
pub(crate) fn say_safely(say: impl FnOnce()) {
    if std::thread::panicking() {
        drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(say)));
    } else {
        say();
    }
}

/// Returns whether the policies of that origin, a place in the source or a name, may say one more thing above `DEBUG`: ten at once, and ten a
/// minute.
///
/// Each origin has one of 64 words, which says when all that was said is paid for (the generic cell rate algorithm).
/// Origins that share a word share its ten.
#[cfg(feature = "tracing")]
fn may_be_loud<T: ?Sized>(origin: &'static T) -> bool {
    const EACH: u64 = 6_000_000_000;
    const MOST: u64 = 10 * EACH;

    let now = Ticks::now().0;
    let hash = std::ptr::from_ref(origin).addr().wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize);
    let more = |paid: u64| {
        // One further ahead than it can be was written by a clock that has been set back, as tests do.
        let paid = if paid > now + MOST { now } else { paid.max(now) };
        (paid + EACH <= now + MOST).then_some(paid + EACH)
    };
    // Relaxed: nothing else depends on it.
    with_words(|words| words[hash >> (usize::BITS - 6)].fetch_update(Relaxed, Relaxed, more).is_ok())
}

#[cfg(all(feature = "tracing", not(any(test, feature = "test-util"))))]
fn with_words<R>(read: impl FnOnce(&[AtomicU64; 64]) -> R) -> R {
    static WORDS: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];
    read(&WORDS)
}

/// Tests run beside each other, each on a thread with a clock of its own.
#[cfg(all(feature = "tracing", any(test, feature = "test-util")))]
fn with_words<R>(read: impl FnOnce(&[AtomicU64; 64]) -> R) -> R {
    thread_local! {
        static WORDS: [AtomicU64; 64] = const { [const { AtomicU64::new(0) }; 64] };
    }
    WORDS.with(read)
}

/// Returns whether no error without a class was told before.
#[cfg(all(feature = "tracing", not(any(test, feature = "test-util"))))]
fn is_first_unclassified() -> bool {
    static WAS_TOLD: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    !WAS_TOLD.swap(true, Relaxed)
}

/// Tests run beside each other, each on a thread of its own.
#[cfg(all(feature = "tracing", any(test, feature = "test-util")))]
fn is_first_unclassified() -> bool {
    thread_local! {
        static WAS_TOLD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    !WAS_TOLD.replace(true)
}

#[cfg(all(test, not(resilient_loom), feature = "tracing"))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_lines_at_once_and_ten_a_minute_are_loud() {
        let place = Location::caller();
        let loud = || (0..1_000).filter(|_| may_be_loud(place)).count();

        assert_eq!(loud(), 10);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(loud(), 1);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(loud(), 10);
    }
}
