//! Resilience for async functions: retry, circuit breaker, hedging, time-out and fan-out, as attributes or by hand.
//!
//! An attribute above an async function wraps its body in a policy. Attributes nest in the order in which they are
//! written, the top one outermost, and expand to calls of what this crate documents. Functions that block can have some of
//! them as well, see [`blocking`].
//!
#![cfg_attr(feature = "macros", doc = "```")]
#![cfg_attr(not(feature = "macros"), doc = "```text")]
//! use resilient::{Classify, retry, timeout};
//!
//! #[derive(Debug, Classify)]
//! enum FetchError {
//!     #[transient]
//!     Busy,
//!     #[transparent(from)]
//!     Refused(resilient::Error),
//! }
//!
//! #[timeout(total = "2s", attempt = "400ms")]
//! #[retry(max = 3, number = n)]
//! async fn fetch(id: u32) -> Result<String, FetchError> {
//!     if n == 0 { Err(FetchError::Busy) } else { Ok(format!("{id} at attempt {n}")) }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! assert_eq!(fetch(7).await.unwrap(), "7 at attempt 1");
//! # }
//! ```
//!
//! # The pieces
//!
//! | policy | attribute | by hand |
//! |---|---|---|
//! | retry | `#[retry]` | [`Retry`], [`Backoff`], [`Budget`] |
//! | circuit breaker | `#[circuit_breaker]` | [`CircuitBreaker`], [`PerKey`] |
//! | bulkhead | `#[bulkhead]` | [`Bulkhead`], [`PerKey`] |
//! | rate limit | `#[rate_limit]` | [`RateLimit`], [`Quota`], [`PerKey`], [`shared`] |
//! | adaptive throttling | `#[throttle]` | [`Throttle`], [`PerKey`] |
//! | time-out | `#[timeout]` | [`Timeout`], [`Deadline`] |
//! | coalescing | `#[coalesce]` | [`Coalesce`] |
//! | fallback | `#[fallback]` | [`Fallback`] |
//! | cancellation | `#[cancel]` | [`Cancel`] |
//! | hedging | `#[hedge]` | [`Hedge`], [`PerKey`] |
//! | fan-out | `#[fan_out]` | [`FanOut`], [`FanOutLimit`], [`fan::spawned`], [`fan::deduplicated`] |
//! | batching | `#[batch]` | [`Batch`] |
//! | measuring | `#[measure]` | [`Measure`] |
//!
//! `#[resilient(…)]` is several of them at once, `profile!` names such a stack, and `#[enforce]` says what every function must
//! carry.
//!
//! Policies decide on the [`Class`] of an outcome, which comes from the error's [`Classify`] implementation or from a
//! [`When`] closure. A policy that refuses a call returns an [`Error`]; inside a stack that is a
//! [`Settled::Rejected`], and [`finish`] turns it into the function's own error type at the end.
//!
//! # Keys and names
//!
//! A policy is a `static`, with one state for all callers. Never make it a `const`: that is another policy, which knows nothing
//! yet, wherever it is named. The attributes refuse one in `with = …`; for calls by hand, clippy's
//! `declare_interior_mutable_const` warns of it. [`PerKey`] has one for each key, a host or a tenant, in bounded memory:
//! `#[circuit_breaker(key = host)]`. The other way round, [`CircuitBreaker::shared`] makes policies of one name
//! one, wherever they stand: `#[circuit_breaker(name = "payments")]`. Two that have one name and different settings
//! are among the [`conflicts`]. Rate limits have both as well.
//!
//! # Events
//!
//! Each thing that happens to one call is an event of level `DEBUG`. A breaker that opens is one of level `WARN`, and of `INFO` when it
//! closes; a server that asks for a pause or for less is `INFO`; keys that have become too many are `WARN`, once. Of one
//! policy, or of all the policies of a [`PerKey`], at most ten changes a minute are above `DEBUG`.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `macros` | yes | the attributes and the derive |
//! | `tracing` | yes | events of target `resilient`, which [`Event`] lists |
//! | `chaos` | no | [`chaos`]: a share of the calls fails, comes late or hangs, for tests and for staging |
//! | `test-util` | no | `resilient::test`: jitter that repeats, failures on order, a record of what policies do |
//! | `listed` | yes | annotated functions are in [`policies`] before their first call |
//! | `config` | no | `resilient::config`: settings that change while the program runs, from a file or from code |
//! | `serde` | no | what [`policies`] returns can be serialised |
//! | `prometheus-client-0-26`, `opentelemetry-0-33`, `metrics-0-24` | no | exporters for what policies count, see [`metrics`] |
//! | `http-1` | no | `resilient::http`: classes of responses, `Retry-After` and rate-limit headers; classifies `http::StatusCode` |
//! | `reqwest-0-13` | no | classifies `reqwest::Error`; responses for `resilient::http` |
//! | `reqwest-middleware-0-5` | no | `resilient::reqwest_middleware`: policies as middleware of reqwest; classifies its error; includes `reqwest-0-13` and `tower-0-5` |
//! | `h2-0-4` | no | classifies `h2::Error` |
//! | `hyper-1` | no | classifies `hyper::Error`; includes `h2-0-4` |
//! | `hyper-util-0-1` | no | classifies `hyper_util::client::legacy::Error`; includes `hyper-1` |
//! | `axum-0-8` | no | `IntoResponse` of axum for [`Error`]; with `http-1` and `tower-0-5`, `coalesce_http` knows nested routers apart |
//! | `tonic-0-14` | no | classifies `tonic::Status`, with the server's pushback, and makes a status of an [`Error`]; includes `http-1` and `hyper-1` |
//! | `sqlx-0-8` | no | classifies `sqlx::Error` of sqlx 0.8 |
//! | `sqlx-0-9` | no | classifies `sqlx::Error` of sqlx 0.9; needs Rust 1.94 |
//! | `sea-orm-2` | no | classifies `DbErr` and `TransactionError` of sea-orm 2; includes `sqlx-0-9`; needs Rust 1.94 |
//! | `tokio-postgres-0-7` | no | classifies `tokio_postgres::Error` |
//! | `mysql_async-0-37` | no | classifies `mysql_async::Error` |
//! | `async-nats-0-51` | no | classifies the errors of `async-nats` 0.51 and of `JetStream`; needs Rust 1.89 |
//! | `lapin-4` | no | classifies `lapin::Error`, with what `RabbitMQ` says |
//! | `aws-sdk-1` | no | classifies `SdkError` of the clients of AWS; includes `http-1` and `hyper-1` |
//! | `object_store-0-14` | no | classifies `object_store::Error`; includes `http-1` |
//! | `opendal-0-59` | no | classifies `opendal::Error` of opendal 0.59; needs Rust 1.91 |
//! | `kube-5` | no | classifies `kube::Error` of kube 5; includes `http-1` and `hyper-1`; needs Rust 1.89 |
//! | `mongodb-3` | no | classifies `mongodb::error::Error` |
//! | `redis-1` | no | classifies `redis::RedisError` |
//! | `deadpool-0-12`, `bb8-0-9` | no | classify the errors of these pools |
//! | `tower-0-5` | no | `resilient::tower`: policies as layers; classifies the errors of tower's time-out, load-shedding and buffer |
//! | `anyhow-1` | no | classifies `anyhow::Error` by what is in its chain |
//!
//! A feature for another crate has the crate's version in its name. Write that name: it stays as long as this crate supports
//! that version, and a newer version gets a feature of its own. The name without a version, as `reqwest`, stands for the
//! newest version that this crate knows (`sqlx` for `sqlx-0-9`), and moves on to a newer one with a minor version of this crate.
//!
//! # Cancellation
//!
//! Dropping any future of this crate abandons what it was doing: permits go back, nothing is counted, nothing goes on in
//! the background. Only the question of a [shared](RateLimit::shared_through) rate limit to its store is a task of its own.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod adaptive;
mod backoff;
mod batch;
pub mod blocking;
mod book;
mod budget;
mod bulkhead;
mod cancel;
mod cells;
#[cfg(feature = "chaos")]
pub mod chaos;
mod circuit_breaker;
mod class;
mod classify;
mod clock;
mod coalesce;
#[cfg(feature = "config")]
pub mod config;
mod deadline;
mod ecosystem;
mod error;
mod event;
mod fallback;
mod fan_out;
mod given;
mod hedge;
mod histogram;
#[cfg(feature = "http-1")]
pub mod http;
mod io_error;
mod keyed;
mod length;
mod line;
mod list;
mod measure;
pub mod metrics;
mod mode;
mod naming;
mod nested;
mod notes;
mod outcome;
mod own;
mod packed_time;
mod parked;
mod random;
mod rare;
mod rate_limit;
#[cfg(feature = "reqwest-middleware-0-5")]
pub mod reqwest_middleware;
mod retry;
pub mod shared;
mod shell;
mod stack;
mod striped;
mod sync;
#[cfg(any(test, feature = "test-util"))]
pub mod test;
mod throttle;
mod timeout;
#[cfg(feature = "tower-0-5")]
pub mod tower;
mod tune;
mod values;
mod vocabulary;
mod waits;
mod wake;
mod when;

pub use backoff::Backoff;
pub use batch::Batch;
pub use budget::{Budget, Cost};
pub use bulkhead::{Bulkhead, Priority};
pub use cancel::Cancel;
pub use circuit_breaker::CircuitBreaker;
pub use class::Class;
pub use classify::Classify;
pub use coalesce::Coalesce;
pub use deadline::{Deadline, ParseDeadlineError};
pub use error::{Error, Reason};
pub use event::{Event, GivingUp, Retrying};
pub use fallback::Fallback;
pub use fan_out::{FanOut, FanOutLimit, FanOutPolicy};
#[doc(hidden)]
pub use given::a_static;
pub use hedge::Hedge;
pub use keyed::PerKey;
pub use list::{list, policies};
pub use measure::Measure;
pub use mode::Mode;
pub use naming::conflicts;
pub use outcome::{FromRejection, Outcome, Settled, finish};
#[doc(hidden)]
pub use own::probe as __own;
pub use rate_limit::{CostOf, Quota, RateLimit};
pub use retry::{Retry, Verdict, without_retries};
pub use stack::run;
pub use throttle::Throttle;
pub use timeout::Timeout;
pub use values::ClassifyValue;
#[doc(hidden)]
pub use values::probe as __values;
pub use vocabulary::{CircuitBreakerState, FallbackSource, GaveUp, PolicyKind};
pub use when::{Classified, When};

/// The README, whose examples are compiled as those of the documentation are.
#[cfg(all(doctest, feature = "macros"))]
#[doc = include_str!("../README.md")]
mod readme {}

/// A guide for those who use the policies: from the first hour to the settings of each.
///
/// The same pages are a book: `mdbook serve` in the folder `guide` of this crate.
// Rustdoc takes no files along. So a page with pictures or links begins with definitions of them that count before those in the page: a
// picture's holds all of it, and a link's names the module.
#[cfg(all(any(doc, doctest), feature = "macros"))]
pub mod guide {
    #[doc = include_str!("../guide/blocking.md")]
    pub mod blocking {}
    #[doc = include_str!("../guide/classification.md")]
    pub mod classification {}
    #[doc = include_str!("../guide/coming_from.md")]
    pub mod coming_from {}
    #[doc = include_str!("../guide/deadlines.md")]
    pub mod deadlines {}
    #[doc = include_str!("../guide/details.md")]
    pub mod details {}
    #[doc = include_str!("../guide/finding_the_bottleneck.md")]
    pub mod finding_the_bottleneck {}
    #[doc = include_str!("../guide/first_hour.md")]
    pub mod first_hour {}
    // its programs need them
    #[cfg(all(feature = "axum-0-8", feature = "reqwest-0-13", feature = "tower-0-5"))]
    #[doc = include_str!("../guide/layers_of_tower.md")]
    pub mod layers_of_tower {}
    #[doc = include_str!("../guide/operating.md")]
    pub mod operating {}
    #[doc = include_str!("../guide/rules.md")]
    pub mod rules {}
    #[doc = include_str!("../guide/plots/rustdoc/order.txt")]
    #[doc = include_str!("../guide/order.md")]
    pub mod order {}
    /// [batch]: mod@policies::batch
    /// [bulkhead]: mod@policies::bulkhead
    /// [cancel]: mod@policies::cancel
    /// [circuit_breaker]: mod@policies::circuit_breaker
    /// [coalesce]: mod@policies::coalesce
    /// [fallback]: mod@policies::fallback
    /// [fan_out]: mod@policies::fan_out
    /// [hedge]: mod@policies::hedge
    /// [measure]: mod@policies::measure
    /// [rate_limit]: mod@policies::rate_limit
    /// [retry]: mod@policies::retry
    /// [throttle]: mod@policies::throttle
    /// [timeout]: mod@policies::timeout
    ///
    #[doc = include_str!("../guide/policies.md")]
    pub mod policies {
        #[doc = include_str!("../guide/plots/rustdoc/policies_batch.txt")]
        #[doc = include_str!("../guide/policies/batch.md")]
        pub mod batch {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_bulkhead.txt")]
        #[doc = include_str!("../guide/policies/bulkhead.md")]
        pub mod bulkhead {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_cancel.txt")]
        #[doc = include_str!("../guide/policies/cancel.md")]
        pub mod cancel {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_circuit_breaker.txt")]
        #[doc = include_str!("../guide/policies/circuit_breaker.md")]
        pub mod circuit_breaker {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_coalesce.txt")]
        #[doc = include_str!("../guide/policies/coalesce.md")]
        pub mod coalesce {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_fallback.txt")]
        #[doc = include_str!("../guide/policies/fallback.md")]
        pub mod fallback {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_fan_out.txt")]
        #[doc = include_str!("../guide/policies/fan_out.md")]
        pub mod fan_out {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_hedge.txt")]
        #[doc = include_str!("../guide/policies/hedge.md")]
        pub mod hedge {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_measure.txt")]
        #[doc = include_str!("../guide/policies/measure.md")]
        pub mod measure {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_rate_limit.txt")]
        #[doc = include_str!("../guide/policies/rate_limit.md")]
        pub mod rate_limit {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_retry.txt")]
        #[doc = include_str!("../guide/policies/retry.md")]
        pub mod retry {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_throttle.txt")]
        #[doc = include_str!("../guide/policies/throttle.md")]
        pub mod throttle {}
        #[doc = include_str!("../guide/plots/rustdoc/policies_timeout.txt")]
        #[doc = include_str!("../guide/policies/timeout.md")]
        pub mod timeout {}
    }
    #[doc = include_str!("../guide/pools.md")]
    pub mod pools {}
    #[doc = include_str!("../guide/testing.md")]
    pub mod testing {}
    #[doc = include_str!("../guide/plots/rustdoc/trade_offs.txt")]
    #[doc = include_str!("../guide/trade_offs.md")]
    pub mod trade_offs {}
}

/// The rights to make one call each, for whoever settles a call by hand.
pub mod permit {
    pub use crate::bulkhead::BulkheadPermit;
    pub use crate::circuit_breaker::CircuitBreakerPermit;
    pub use crate::rate_limit::RatePermit;
    pub use crate::throttle::ThrottlePermit;
}

/// The counts of single policies, each from its `counts`.
pub mod counts {
    pub use crate::batch::BatchCounts;
    pub use crate::bulkhead::BulkheadCounts;
    pub use crate::circuit_breaker::CircuitBreakerCounts;
    pub use crate::coalesce::CoalesceCounts;
    pub use crate::hedge::HedgeCounts;
    pub use crate::rate_limit::RateCounts;
    pub use crate::throttle::ThrottleCounts;
}

/// The parts of what [`policies`] and [`conflicts`] return.
pub mod snapshot {
    pub use crate::list::{
        DurationsSnapshot, FunctionSnapshot, GivenSnapshot, KeySnapshot, KeysSnapshot, LayerSnapshot, Listed, Number,
        OutcomeDurations, Policies, PolicySnapshot, Setting,
    };
    pub use crate::naming::Conflict;
}

/// The futures and streams of single methods, for whoever has to name one.
pub mod futures {
    pub use crate::batch::BatchFuture;
    pub use crate::bulkhead::BulkheadAcquire;
    pub use crate::circuit_breaker::{Transition, Transitions};
    pub use crate::coalesce::{CoalesceFuture, CoalesceRenewing};
    pub use crate::deadline::DeadlineScope;
    pub use crate::hedge::HedgeFuture;
    pub use crate::measure::MeasureFuture;
    pub use crate::rate_limit::RateAcquire;
    pub use crate::retry::{DelayFuture, WithoutRetries};
    pub use crate::stack::Stack;
    #[doc(no_inline)]
    pub use futures_core::Stream;
}

/// One call through a policy, made by hand: with its key, its weight, or its attempts.
pub mod call {
    pub use crate::batch::{BatchAnswers, BatchGroup, BatchItem, BatchKey, BatchOutcome};
    pub use crate::bulkhead::BulkheadEntry;
    pub use crate::coalesce::{CoalesceCall, Renewable, Share, Shareable, Sharing, finish_shared};
    pub use crate::fallback::{
        Answer, FallbackCall, FallbackFailure, FallbackWatch, IntoResult, Keepable, Rescue, answer,
    };
    pub use crate::hedge::{HedgeAttempt, Hedging, numbered};
    pub use crate::keyed::{Held, Keyed};
    pub use crate::rate_limit::weight;
    pub use crate::retry::{Delay, Hook, RetryCall, Telling, Told, ToldInside, Untold};
    pub use crate::stack::Judged;
    pub use crate::timeout::TimeoutCall;
    pub use crate::values::values;
}

/// Markers that tell two implementations of a trait apart; the compiler always finds them by itself.
pub mod marker {
    pub use crate::fallback::{ByFuture, ByValue};
    pub use crate::rate_limit::{ByGoodAnswer, IntoCost};
    pub use crate::retry::ByTold;
    pub use crate::values::{ByGoodValue, Values};
    pub use crate::when::{ByClass, ByClassified, ByError, ByOutcome, BySettled, ByWhen, IntoClass};
}

/// The forms of a [`FanOut`]: how its items are run, and how its outcomes are had.
pub mod fan {
    pub use crate::fan_out::{
        Adapting, Cancellable, Collect, Counted, Deduplicated, Distinct, FirstOk, Input, Observed, Ordered, Progress,
        Quorum, SettleWithin, Settlement, Streamed, Task, TryAll, Unordered, deduplicated, spawned, spawned_blocking,
    };
}

/// The protocol between policies: each policy's part in one call of a [`Stack`](futures::Stack).
pub mod guard {
    pub use crate::bulkhead::{BulkheadGuard, Learning};
    pub use crate::cancel::{CancelGuard, CancelOn};
    pub use crate::circuit_breaker::CircuitBreakerGuard;
    pub use crate::measure::MeasureGuard;
    pub use crate::rate_limit::{ByAnswer, ByCost, Heed, Heeding, Heedless, RateLimitGuard, Weighed, Weighty};
    pub use crate::retry::RetryGuard;
    pub use crate::stack::{Around, Guard, JudgingPolicy, Policy};
    pub use crate::throttle::ThrottleGuard;
    pub use crate::timeout::{TimeoutCallGuard, TimeoutGuard};
    pub use crate::when::{Blind, Judge};
}

#[cfg(feature = "macros")]
#[doc(hidden)]
pub use resilient_macros::{__compose, composed};
#[cfg(feature = "macros")]
pub use resilient_macros::{
    Classify, batch, bulkhead, cancel, circuit_breaker, coalesce, enforce, exempt, fallback, fan_out, hedge, measure,
    profile, rate_limit, resilient, retry, throttle, timeout,
};

/// The parts of [`listed!`](crate::listed).
#[doc(hidden)]
pub mod __list {
    pub use crate::given::{Given, Unlisted, a_static};
    #[cfg(feature = "listed")]
    pub use crate::list::FUNCTIONS;
    pub use crate::list::Function;
    #[cfg(feature = "listed")]
    pub use linkme;
}

/// Adds an annotated function to the [list of all policies](policies), before its first call: `own` for the policies that
/// are `static`s of its own, `shared` for those whose name may stand for another, `open` for those that run other functions
/// as well, and `given` for those that it gets from elsewhere, with the `static`s that they begin with. Behind them are the limits that `#[enforce]` sets to their values. A function
/// that was added beside another names it, as in `"load_one" for "load"`.
///
/// The attributes write it. The linker fills the list, so a function that is not in the program is not in it.
#[cfg(feature = "listed")]
#[macro_export]
macro_rules! listed {
    ($function:literal $(for $beside:literal)?: $($how:ident $policy:ident $([$($from:expr),+])? $({ $($key:ident: $value:literal),+ })?),+ $(; $($limit:literal),+)?) => {
        const _: () = {
            #[$crate::__list::linkme::distributed_slice($crate::__list::FUNCTIONS)]
            #[linkme(crate = $crate::__list::linkme)]
            fn write(function: &mut $crate::__list::Function) {
                function.is(::core::module_path!(), $function, ::core::file!(), ::core::line!());
                $(function.stands_beside($beside);)?
                $(
                    $crate::__enter!(function $how $policy $([$($from),+])?);
                    $(function.used_with(&[$((::core::stringify!($key), $value)),+]);)?
                )+
                $(function.held_to(&[$($limit),+]);)?
            }
        };
        $crate::__chaos!($function; $($how $policy $([$($from),+])?),+);
    };
}

/// Adds one policy to the entry of a function.
#[cfg(any(feature = "listed", feature = "chaos"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __enter {
    ($function:ident given $policy:ident $([$($from:expr),+])?) => {
        $function.given(::core::stringify!($policy), &[$($({
            use $crate::__list::Unlisted as _;
            $crate::__list::Given($crate::__list::a_static($from)).policy()
        }),+)?])
    };
    ($function:ident $how:ident $policy:ident) => {
        $function.$how(::core::stringify!($policy), &$policy)
    };
}

/// Lists nothing: a program finds its policies when they are first used. It checks that those from elsewhere are in `static`s.
#[cfg(not(feature = "listed"))]
#[doc(hidden)]
#[macro_export]
macro_rules! listed {
    ($function:literal $(for $beside:literal)?: $($how:ident $policy:ident $([$($from:expr),+])? $({ $($usage:tt)* })?),+ $(; $($limit:literal),+)?) => {
        $($($(const _: fn() = || {
            $crate::__list::a_static($from);
        };)+)?)+
        $crate::__chaos!($function; $($how $policy $([$($from),+])?),+);
    };
}

/// Tells the compiler which type an `async` block returns, as the signature of a function does, and does nothing. A mistake in the
/// block is then reported where it is.
///
/// The attributes write it at the beginning of an attempt. In a closure of a function that blocks, with `blocks:` before the type, it is nothing. So it is for an
/// `impl Trait`, which is written `_`.
#[cfg(all(feature = "macros", not(feature = "chaos")))]
#[macro_export]
macro_rules! returns {
    (_) => {};
    (blocks: $output:ty) => {};
    ($output:ty) => {
        if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<$output> {
            return outcome_;
        }
    };
}

/// Tells the compiler which type an `async` block returns, as the signature of a function does, and lets the attempt have the fault that [`chaos`] has for it. A mistake in the
/// block is then reported where it is.
///
/// The attributes write it at the beginning of an attempt. In a closure of a function that blocks, with `blocks:` before the type, only the fault is left of it. So it is for an
/// `impl Trait`, which is written `_`.
#[cfg(all(feature = "macros", feature = "chaos"))]
#[macro_export]
macro_rules! returns {
    (blocks: $($output:tt)+) => {
        if $crate::chaos::is_on() {
            if let ::core::option::Option::Some(failing_) = CHAOS_.disturb_blocking() {
                $crate::__fails!(failing_, $($output)+);
            }
        }
    };
    (_) => {
        if $crate::chaos::is_on() {
            if let ::core::option::Option::Some(failing_) = CHAOS_.disturb().await {
                $crate::__fails!(failing_, _);
            }
        }
    };
    ($output:ty) => {
        if let ::core::option::Option::Some(outcome_) = ::core::option::Option::None::<$output> {
            return outcome_;
        }
        if $crate::chaos::is_on() {
            if let ::core::option::Option::Some(failing_) = CHAOS_.disturb().await {
                $crate::__fails!(failing_, $output);
            }
        }
    };
}

/// Makes a function a place of faults whose policies all stand beside it. Without the feature `chaos`, it is nothing.
///
/// The attributes write it at the beginning of the function, with the function's name and what [`returns!`](crate::returns) takes.
#[cfg(all(feature = "macros", not(feature = "chaos")))]
#[macro_export]
macro_rules! disturbs {
    ($function:literal: $($output:tt)+) => {};
}

/// Makes a function a place of [faults](chaos) whose policies all stand beside it.
///
/// The attributes write it at the beginning of the function, with the function's name and what [`returns!`](crate::returns) takes.
#[cfg(all(feature = "macros", feature = "chaos"))]
#[macro_export]
macro_rules! disturbs {
    ($function:literal: $($output:tt)+) => {
        $crate::__chaos!($function;);
        $crate::returns!($($output)+);
    };
}

/// Ends an attempt that is to fail, where its outcome can be a fault.
#[cfg(all(feature = "macros", feature = "chaos"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __fails {
    ($failing:ident, _) => {
        $failing.spared("impl Trait");
    };
    ($failing:ident, $output:ty) => {
        use $crate::chaos::{CanFail as _, CannotFail as _};
        if let ::core::option::Option::Some(outcome_) = (&$crate::chaos::Outcomes::<$output>::ALL).fault(&$failing) {
            return outcome_;
        }
    };
}

/// The function as a place of faults.
#[cfg(feature = "chaos")]
#[doc(hidden)]
#[macro_export]
macro_rules! __chaos {
    ($function:literal; $($how:ident $policy:ident $([$($from:expr),+])?),*) => {
        #[allow(dead_code)]
        static CHAOS_: $crate::chaos::Site = $crate::chaos::Site::new(|function| {
            function.is(::core::module_path!(), $function, ::core::file!(), ::core::line!());
            $($crate::__enter!(function $how $policy $([$($from),+])?);)*
        });
    };
}

/// No place of faults.
#[cfg(not(feature = "chaos"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __chaos {
    ($($function:tt)*) => {};
}

/// Stands beside a free function that has a companion, and expands to an item that an `impl` has no room for.
///
/// A companion calls a function without `self` by its bare name. In an `impl`, that would be another function. The compiler names this
/// macro where it refuses the item, so the name says what to write.
#[cfg(feature = "macros")]
#[doc(hidden)]
#[macro_export]
macro_rules! write_associated_in_the_attribute_of_an_associated_function {
    () => {
        const _: () = ();
    };
}
