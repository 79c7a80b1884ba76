//! The arguments and locals of an annotated function are dropped in the order of the plain one: on return, on panic, and when
//! the call is dropped.

#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(clippy::unused_async, clippy::needless_pass_by_value)]

use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Waker};

use futures_util::FutureExt;
use resilient_tests::Error;

thread_local! {
    static DROPPED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Records its name when it is dropped.
#[derive(Debug, Clone)]
pub struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        // the retry drops an attempt's clone before the argument that it was cloned from
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

impl Guard {
    fn touch(&self) -> &Self {
        self
    }

    fn name(&self) -> &'static str {
        self.0
    }
}

/// The ways in which the body ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Returns,
    Panics,
    /// The body waits, and the call is dropped.
    Waits,
}

/// Returns the names that were dropped during the call, in order.
fn dropped<F: Future>(end: End, call: F) -> Vec<&'static str> {
    DROPPED.with_borrow_mut(Vec::clear);
    {
        let mut call = Box::pin(AssertUnwindSafe(call).catch_unwind());
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled.is_pending(), end == End::Waits);
    }
    DROPPED.take()
}

macro_rules! arguments {
    ($function:ident, $end:expr) => {
        $function($end, Guard("a"), Guard("b"), (Guard("c"), Guard("d")), Guard("unnamed"), Guard("_e"))
    };
}

/// Writes a function that uses its arguments out of order, and that uses one up if it runs only once.
macro_rules! function {
    ($name:ident $move:tt $(#[$policy:meta])*) => {
        $(#[$policy])*
        #[allow(clippy::let_and_return)]
        async fn $name(end: End, a: Guard, b: Guard, (c, d): (Guard, Guard), _: Guard, _e: Guard) -> Result<usize, Error> {
            let _second = Guard("second local");
            let first = Guard("first local");
            let length = b.touch().name().len() + d.name().len();
            match end {
                End::Returns => {}
                End::Panics => std::panic::panic_any(1),
                End::Waits => std::future::pending().await,
            }
            let length = length + a.name().len() + first.name().len();
            let _moved = uses!($move c);
            // the temporary of the last expression goes by the edition: before the locals, or after them
            Ok(length + Guard("temporary").touch().name().len())
        }
    };
}

macro_rules! uses {
    (true $argument:ident) => {
        $argument
    };
    (false $argument:ident) => {
        &$argument
    };
}

macro_rules! same_as_plain {
    ($move:tt $parts:tt $($name:ident { $(#[$policy:meta])* })*) => {$(
        mod $name {
            use super::*;

            function!(plain $move);
            function!(annotated $move $(#[$policy])*);
            function_of_parts!(plain_of_parts);
            function_of_parts!(annotated_of_parts $(#[$policy])*);

            #[test]
            fn drops_as_the_plain_function_does() {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let _entered = runtime.enter();
                for end in [End::Returns, End::Panics, End::Waits] {
                    let expected = dropped(end, arguments!(plain, end));
                    let found = dropped(end, arguments!(annotated, end));

                    assert_eq!(found, expected, "{end:?}");

                    if !$parts {
                        continue;
                    }
                    let expected = dropped(end, parts!(plain_of_parts, end));
                    let found = dropped(end, parts!(annotated_of_parts, end));
                    assert_eq!(found, expected, "{end:?}, of parts");
                }
            }
        }
    )*};
}

function!(plain true);

/// An argument of which the body keeps only a part.
#[derive(Debug, Clone)]
pub struct Parts {
    kept: Guard,
    _other: Guard,
}

/// Writes a function whose arguments have a rest that is dropped with them.
macro_rules! function_of_parts {
    ($name:ident $(#[$policy:meta])*) => {
        $(#[$policy])*
        #[allow(clippy::toplevel_ref_arg, clippy::too_many_arguments)]
        async fn $name(
            end: End,
            a: Guard,
            (b, _): (Guard, Guard),
            c: Guard,
            Parts { kept, .. }: Parts,
            [d, .., _e]: [Guard; 3],
            ref f: Guard,
            _: Guard,
            (g, _h): (Guard, Guard),
        ) -> Result<usize, Error> {
            let _local = Guard("local");
            match end {
                End::Returns => {}
                End::Panics => std::panic::panic_any(1),
                End::Waits => std::future::pending().await,
            }
            let lengths = [&a, &b, &c, &kept, &d, f, &g].map(|guard| guard.name().len());
            Ok(lengths.iter().sum())
        }
    };
}

macro_rules! parts {
    ($function:ident, $end:expr) => {
        $function(
            $end,
            Guard("a"),
            (Guard("b"), Guard("rest of b")),
            Guard("c"),
            Parts { kept: Guard("kept"), _other: Guard("other") },
            [Guard("d"), Guard("rest of d"), Guard("_e")],
            Guard("f"),
            Guard("unnamed"),
            (Guard("g"), Guard("_h")),
        )
    };
}

resilient::profile! { guarded = timeout("1h"), circuit_breaker, bulkhead }

resilient::profile! { retried = timeout("1h"), retry, bulkhead }

#[tokio::test]
async fn temporaries_of_the_last_expression_follow_the_edition() {
    let dropped = dropped(End::Returns, arguments!(plain, End::Returns));
    let place = |name| dropped.iter().position(|dropped| *dropped == name).unwrap();

    assert_eq!(place("temporary") < place("first local"), !env!("CARGO_PKG_NAME").ends_with("2021"));
}

/// Writes a function that changes an argument which follows one that is taken apart.
macro_rules! function_that_changes {
    ($name:ident $(#[$policy:meta])*) => {
        $(#[$policy])*
        async fn $name((_, a): (Guard, Guard), mut b: Guard) -> Result<usize, Error> {
            b.0 = "b, changed";
            Ok(a.name().len() + b.name().len())
        }
    };
}

function_that_changes!(plainly_changed);
function_that_changes!(changed #[resilient::circuit_breaker]);

#[test]
fn arguments_behind_one_that_is_taken_apart_may_change() {
    let dropped = |call| dropped(End::Returns, call);

    let expected =
        dropped(Box::pin(plainly_changed((Guard("_"), Guard("a")), Guard("b")))
            as std::pin::Pin<Box<dyn Future<Output = _>>>);
    let found = dropped(Box::pin(changed((Guard("_"), Guard("a")), Guard("b"))) as _);

    assert_eq!((&found, found.first()), (&expected, Some(&"b, changed")));
}

same_as_plain! {
    true true
    circuit_breaker { #[resilient::circuit_breaker] }
    circuit_breaker_by_key { #[resilient::circuit_breaker(key = module_path!())] }
    bulkhead { #[resilient::bulkhead] }
    rate_limit { #[resilient::rate_limit("1000/s")] }
    adaptive { #[resilient::throttle] }
    timeout { #[resilient::timeout("1h")] }
    cancel { #[resilient::cancel(on = tokio_util::sync::CancellationToken::new())] }
    coalesce { #[resilient::coalesce(key = module_path!())] }
    fallback { #[resilient::fallback(value = 3)] }
    nothing {}
    stack {
        #[resilient::fallback(value = 3)]
        #[resilient::timeout("1h")]
        #[resilient::circuit_breaker]
        #[resilient::rate_limit("1000/s")]
        #[resilient::bulkhead]
    }
}

// the reader of a profile does not know which block owns the arguments, and leaves those with a rest outside
same_as_plain! {
    true false
    profile { #[resilient::resilient(profile = guarded)] }
}

same_as_plain! {
    false true
    retry { #[resilient::retry(nested = "suppress")] }
    hedge { #[resilient::hedge(idempotent, after = "1h")] }
    profile_with_a_retry { #[resilient::resilient(profile = retried, timeout("2h"))] }
    retried_stack {
        #[resilient::timeout("1h")]
        #[resilient::retry]
        #[resilient::circuit_breaker]
        #[resilient::bulkhead]
        #[resilient::timeout("10m")]
    }
}
