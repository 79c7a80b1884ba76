//! Annotated functions that call each other, as deep as the compiler's own limit allows for stacks.
//!
//! Two `async` blocks, one of them the function, take 8 of the 128 levels of queries that the compiler allows: 16 functions with no
//! policy at all. `docs/compile_time.md` says how to go beyond that.

use resilient::{bulkhead, circuit_breaker, rate_limit, retry, timeout};
use resilient_tests::Error;

macro_rules! chain {
    (@ $policies:tt $first:ident $next:ident $($more:ident)*) => {
        chain!(@one $policies $first $next);
        chain!(@ $policies $next $($more)*);
    };
    (@ $policies:tt $last:ident) => {
        chain!(@last $policies $last);
    };
    (@one { $($policies:tt)* } $first:ident $next:ident) => {
        $($policies)*
        pub(super) async fn $first(id: u32) -> Result<u32, Error> {
            $next(id + 1).await
        }
    };
    (@last { $($policies:tt)* } $last:ident) => {
        $($policies)*
        pub(super) async fn $last(id: u32) -> Result<u32, Error> {
            tokio::task::yield_now().await;
            Ok(id)
        }
    };
}

mod stacks {
    use super::*;

    chain! {@ {
        #[timeout(total = "2s", attempt = "400ms")]
        #[retry]
        #[circuit_breaker]
        #[rate_limit("1000/s")]
        #[bulkhead(limit = 8)]
    } first a b c d e f g h i j k }
}

mod retries {
    use super::*;

    chain! {@ { #[retry] } first a b c d e f g h i j k l }
}

#[tokio::test]
async fn twelve_whole_stacks_can_be_spawned() {
    assert_eq!(tokio::spawn(stacks::first(0)).await.unwrap(), Ok(11));
}

#[tokio::test]
async fn thirteen_retries_can_be_spawned() {
    assert_eq!(tokio::spawn(retries::first(0)).await.unwrap(), Ok(12));
}
