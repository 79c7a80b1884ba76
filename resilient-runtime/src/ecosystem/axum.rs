//! Rejections as responses of axum.

use axum_core::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::reply::Reply;
use crate::Error;

/// The response to a call that a policy of this server refused. It says nothing of the policy.
///
/// | reason | status |
/// |---|---|
/// | `RateLimited` | 429, with `Retry-After` |
/// | `QueueFull`, `WaitedTooLong`, `Shed`, `CircuitOpen`, `Paused`, `Cancelled` | 503, with `Retry-After` where the time is known |
/// | `TimedOut`, `DeadlineExceeded` | 504 |
/// | `TooHeavy` | 413 |
/// | every other | 500 |
///
/// ```
/// use axum_core::response::IntoResponse;
/// use resilient::CircuitBreaker;
///
/// static UPSTREAM: CircuitBreaker = CircuitBreaker::named("upstream").open_jitter(0.0).consecutive(1);
///
/// UPSTREAM.acquire()?.settle(Err::<(), _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))).unwrap_err();
/// let response = UPSTREAM.acquire().unwrap_err().into_response();
///
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "1");
/// # Ok::<(), resilient::Error>(())
/// ```
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let reply = Reply::to(&self);
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, reply.message).into_response();
        if let Some(seconds) = reply.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Makes a response of an error of layers, for axum's `HandleErrorLayer`: that of the rejection which is in it, or an empty 500.
///
/// ```
/// use resilient::Bulkhead;
/// use resilient::tower::{policies, respond};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// static PLACES: Bulkhead = Bulkhead::named("places").limit(1).queue(0);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let _taken = PLACES.try_acquire().unwrap();
/// let service = ServiceBuilder::new()
///     .layer(policies((&PLACES,)).boxed())
///     .service(service_fn(|_: ()| async { Ok::<_, std::convert::Infallible>(()) }));
///
/// let error = service.oneshot(()).await.unwrap_err();
/// assert_eq!(respond(error).await.status(), 503);
/// # }
/// ```
#[cfg(feature = "tower")]
pub async fn respond(error: ::tower::BoxError) -> Response {
    match crate::Classify::rejection(&*error) {
        Some(rejection) => rejection.clone().into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
