//! A module without a prelude: the expansion must say the path of everything that it uses.

#![no_implicit_prelude]
#![allow(dead_code)]

use ::core::option::Option;
use ::core::result::Result::{self, Ok};
use ::core::time::Duration;
use ::std::string::String;

#[derive(::core::fmt::Debug, ::core::clone::Clone, ::resilient::Classify)]
enum Failure {
    #[throttled(after = wait)]
    Busy { wait: Option<Duration> },
    #[throttled(after = 0)]
    Soon(Duration),
    #[transient]
    Down,
    #[transparent(from)]
    Refused(::resilient::Error),
}

#[::resilient::fallback(value = 3)]
#[::resilient::cancel(on = ::tokio_util::sync::CancellationToken::new())]
#[::resilient::coalesce(key = id, shared_across(first, second))]
#[::resilient::timeout(total = "2s", attempt = "1s")]
#[::resilient::retry(clone)]
#[::resilient::hedge(idempotent, clone)]
#[::resilient::circuit_breaker(key = id)]
#[::resilient::rate_limit("100/s")]
#[::resilient::bulkhead]
async fn whole(id: u32, first: String, second: String) -> Result<u32, Failure> {
    ::core::mem::drop((first, second));
    Ok(id)
}

#[::resilient::fallback(value = 3)]
#[::resilient::retry(clone, nested = "suppress")]
#[::resilient::circuit_breaker(key = id)]
#[::resilient::rate_limit("100/s")]
#[::resilient::bulkhead]
#[allow(clippy::needless_pass_by_value)]
fn blocking(id: u32, first: String, second: String) -> Result<u32, Failure> {
    ::core::mem::drop((first, second));
    Ok(id)
}

#[::resilient::fan_out(stream)]
#[::resilient::circuit_breaker]
#[::resilient::rate_limit("100/s")]
async fn each(#[each] id: u32, first: String, second: String) -> Result<u32, Failure> {
    ::core::mem::drop((first, second));
    Ok(id)
}

#[::resilient::batch]
async fn many(keys: ::std::vec::Vec<u32>) -> Result<::std::collections::HashMap<u32, u32>, Failure> {
    ::core::mem::drop(keys);
    Ok(::core::iter::Iterator::collect(::core::iter::empty()))
}

#[::core::prelude::v1::test]
fn the_time_is_that_of_the_field() {
    let second = Duration::from_secs(1);
    let class = ::resilient::Classify::class(&Failure::Soon(second));

    ::core::assert_eq!(class, ::resilient::Class::Throttled { after: Option::Some(second) });
}
