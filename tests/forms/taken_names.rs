//! The user's lower-case constants, statics, unit structs and variants, as bindings of a C library bring them, are not taken
//! for the expansion's locals.

#![allow(non_upper_case_globals, non_camel_case_types, dead_code, unused_imports, clippy::unused_async)]

use std::collections::HashMap;

use resilient::Classify;
use resilient_tests::Error;

mod bindings {
    pub(super) const attempt: u8 = 1;
    pub(super) const outcome: &str = "outcome";
    pub(super) static settled: u8 = 3;
    pub(super) struct retry;
    pub(super) enum Words {
        permit,
        delay,
        rejection,
        refused,
        error,
        answer,
    }
    pub(super) use Words::*;
    pub(super) const timeout: u8 = 4;
    pub(super) static total_timeout: u8 = 5;
    pub(super) const attempt_timeout: u8 = 6;
    pub(super) struct circuit_breaker;
    pub(super) static bulkhead: u8 = 8;
    pub(super) const rate_limit: u8 = 9;
    pub(super) const hedge: u8 = 10;
    pub(super) static cancel: u8 = 11;
    pub(super) struct coalesce;
    pub(super) const fallback: u8 = 13;
    pub(super) const batch: u8 = 14;
    pub(super) const call: u8 = 15;
    pub(super) static key: u8 = 16;
    pub(super) const keys: u8 = 17;
    pub(super) struct value;
    pub(super) const item: u8 = 18;
    pub(super) static items: u8 = 19;
    pub(super) const response: u8 = 20;
    pub(super) const kept: u8 = 21;
    pub(super) const inner: u8 = 22;
    pub(super) const after: u8 = 23;
    pub(super) const this: u8 = 24;
    pub(super) const policy: u8 = 25;
}
use bindings::*;

#[derive(Debug, Clone, PartialEq, Classify)]
enum Failure {
    #[throttled(after = wait)]
    Busy { wait: std::time::Duration },
    #[transparent(from)]
    Other(Error),
    #[transparent(from)]
    Refused(resilient::Error),
}

struct Response(u32);

async fn instead(_: &u32, _: &Failure) -> Result<u32, Failure> {
    Ok(0)
}

#[resilient::fallback(function = instead)]
#[resilient::cancel(on = tokio_util::sync::CancellationToken::new())]
#[resilient::coalesce(key = n)]
#[resilient::timeout(total = "2s", attempt = "1s")]
#[resilient::retry(max = 2)]
#[resilient::hedge(idempotent)]
#[resilient::circuit_breaker(key = n)]
#[resilient::rate_limit("1000/s")]
#[resilient::bulkhead(weight = 1 + 1)]
async fn whole(n: u32) -> Result<u32, Failure> {
    Ok(n + u32::from(attempt) + u32::from(call))
}

#[resilient::timeout("2s")]
#[resilient::retry(max = 2, when = |_: &Failure| false)]
#[resilient::circuit_breaker]
#[resilient::timeout("1s")]
async fn rounds(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[resilient::rate_limit("1000/s")]
#[resilient::circuit_breaker]
async fn responds(n: u32) -> Result<Response, Failure> {
    Ok(Response(n))
}

#[resilient::fan_out(stream)]
async fn each(#[each] n: u32, _: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[resilient::batch(group = more)]
async fn many(#[each] numbers: Vec<u32>, more: u32) -> Result<HashMap<u32, u32>, Failure> {
    Ok(numbers.into_iter().map(|n| (n, n + more)).collect())
}

#[tokio::test(start_paused = true)]
async fn they_keep_their_meaning() {
    assert_eq!(whole(3).await, Ok(19));
    assert_eq!(rounds(3).await, Ok(3));
    assert_eq!(responds(3).await.map(|Response(n)| n), Ok(3));
    assert_eq!(each_all([1, 2], 7).await, [Ok(1), Ok(2)]);
    assert_eq!(many_one(1, 2).await, Ok(Some(3)));
    assert_eq!(
        Failure::Busy { wait: resilient_tests::ms(1) }.class(),
        resilient::Class::Throttled { after: Some(resilient_tests::ms(1)) }
    );
}
