//! Attribute macros of other crates above and below ours, which read the code that ours write.

#![deny(warnings)]
#![allow(clippy::unused_async, dead_code)]

use async_trait::async_trait;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use resilient_tests::{Error, Script};

/// An error that is a response.
#[derive(Debug, PartialEq, resilient::Classify)]
enum Failure {
    #[transient]
    Down,
    #[transparent(from)]
    Refused(resilient::Error),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

async fn instead(_: &Path<u64>, _: &Failure) -> Result<Json<u64>, Failure> {
    Ok(Json(0))
}

/// Puts each policy between, above and below the other macros.
macro_rules! handlers {
    ($($name:ident: $(#[$policy:meta])*;)*) => {$(
        mod $name {
            use super::*;

            pub(super) mod above {
                use super::*;

                #[axum::debug_handler]
                $(#[$policy])*
                pub(in super::super) async fn handler(id: Path<u64>) -> Result<Json<u64>, Failure> {
                    Ok(Json(id.0))
                }
            }

            pub(super) mod below {
                use super::*;

                $(#[$policy])*
                #[axum::debug_handler]
                pub(in super::super) async fn handler(id: Path<u64>) -> Result<Json<u64>, Failure> {
                    Ok(Json(id.0))
                }
            }

            pub(super) mod maybe {
                use super::*;

                $(#[$policy])*
                #[maybe_async::maybe_async]
                pub(in super::super) async fn handler(id: Path<u64>) -> Result<Json<u64>, Failure> {
                    Ok(Json(id.0))
                }
            }

            pub(super) mod maybe_above {
                use super::*;

                #[maybe_async::maybe_async]
                $(#[$policy])*
                pub(in super::super) async fn handler(id: Path<u64>) -> Result<Json<u64>, Failure> {
                    Ok(Json(id.0))
                }
            }

            #[tokio::test(start_paused = true)]
            async fn answers() {
                assert_eq!(above::handler(Path(3)).await.unwrap().0, 3);
                assert_eq!(below::handler(Path(3)).await.unwrap().0, 3);
                assert_eq!(maybe::handler(Path(3)).await.unwrap().0, 3);
                assert_eq!(maybe_above::handler(Path(3)).await.unwrap().0, 3);
            }
        }
    )*};
}

handlers! {
    retry: #[resilient::retry];
    circuit_breaker: #[resilient::circuit_breaker];
    rate_limit: #[resilient::rate_limit("100/s")];
    adaptive: #[resilient::throttle];
    bulkhead: #[resilient::bulkhead];
    timeout: #[resilient::timeout("1s")];
    hedge: #[resilient::hedge(idempotent)];
    fallback: #[resilient::fallback(function = instead)];
    fallback_to_a_value: #[resilient::fallback(value = Json(0))];
    cancel: #[resilient::cancel(on = tokio_util::sync::CancellationToken::new())];
    stack:
        #[resilient::fallback(function = instead)]
        #[resilient::timeout(total = "2s", attempt = "1s")]
        #[resilient::retry]
        #[resilient::circuit_breaker]
        #[resilient::rate_limit("100/s")]
        #[resilient::bulkhead];
}

#[async_trait]
trait Fetches {
    async fn fetch(&self, words: Vec<u32>) -> Result<u32, Error>;

    async fn guarded(&self, words: Vec<u32>) -> Result<u32, Error>;
}

struct Client(Script);

#[async_trait]
impl Fetches for Client {
    #[resilient::timeout("1s")]
    #[resilient::retry(backoff = "none")]
    async fn fetch(&self, words: Vec<u32>) -> Result<u32, Error> {
        #![allow(unused_variables)]
        let unused = words.len();
        self.0.next()?;
        Ok(1)
    }

    #[resilient::circuit_breaker]
    #[resilient::bulkhead]
    async fn guarded(&self, words: Vec<u32>) -> Result<u32, Error> {
        #![allow(unused_variables)]
        let unused = words.len();
        Ok(2)
    }
}

#[tokio::test(start_paused = true)]
async fn inner_attributes_of_boxed_functions_hold() {
    let client = Client(Script::failing(1));

    assert_eq!(client.fetch(vec![]).await, Ok(1));
    assert_eq!(client.guarded(vec![]).await, Ok(2));
}
