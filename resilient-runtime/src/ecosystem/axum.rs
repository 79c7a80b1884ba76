//! Rejections as responses of axum.

#[cfg(feature = "tower-0-5")]
use std::error::Error as StdError;
#[cfg(feature = "tower-0-5")]
use std::future::{Ready, ready};
#[cfg(feature = "tower-0-5")]
use std::time::Duration;

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
/// | `CircuitOpen`, `Paused` | 503, with `Retry-After`, unless the breaker is forced open |
/// | `QueueFull`, `WaitedTooLong`, `Shed`, `Cancelled` | 503 |
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
        made_of(Reply::to(&self))
    }
}

/// The response to a call that failed because a server behind this one did. It says nothing of that server, nor of a policy.
///
/// | error | status |
/// |---|---|
/// | a rejection, also one in an error of the client | that of the rejection |
/// | throttled, as a 429 | 503 |
/// | every other | 502 |
///
/// The time for which that server asked callers to stay away is in `Retry-After`. A failure that is the caller's own fault, such as a 404 of the server behind, is for the
/// handler to tell apart, by [`CallError::status`](crate::http::CallError::status).
///
/// ```
/// use axum_core::response::IntoResponse;
/// use resilient::http::{CallError, check};
///
/// let upstream = http::Response::builder().status(429).header("retry-after", "7").body(()).unwrap();
/// let error = CallError::from(check(upstream).unwrap_err());
///
/// let response = error.into_response();
/// assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"7".parse().unwrap()));
/// ```
#[cfg(feature = "http-1")]
impl IntoResponse for crate::http::CallError {
    fn into_response(self) -> Response {
        made_of(Reply::to_call_error(&self))
    }
}

fn made_of(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, reply.message).into_response();
    if let Some(seconds) = reply.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
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
#[cfg(feature = "tower-0-5")]
pub async fn respond(error: ::tower::BoxError) -> Response {
    response_to(&*error, None)
}

/// As [`respond`](fn@respond), with a `Retry-After` of that time on each 503 for which none is known: that of a full bulkhead, of a throttle, of a server that stops.
///
/// Nobody knows when a place of a bulkhead comes free. A caller that reads the header comes back then, and takes the refusal for that of a server which is well and
/// has too much to do. One that does not find it may take the 503 for a failure, and its breaker counts that.
///
/// ```
/// use std::time::Duration;
///
/// use resilient::Bulkhead;
/// use resilient::tower::respond_after;
///
/// static PLACES: Bulkhead = Bulkhead::named("places").limit(1).queue(0);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let _taken = PLACES.try_acquire().unwrap();
/// let refusal = PLACES.try_acquire().unwrap_err();
///
/// let handle = respond_after(Duration::from_secs(1)); // for `HandleErrorLayer::new(handle)`
/// let response = handle(refusal.into()).await;
/// assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"1".parse().unwrap()));
/// # }
/// ```
#[cfg(feature = "tower-0-5")]
pub fn respond_after(wait: Duration) -> impl Fn(::tower::BoxError) -> Ready<Response> + Clone + Send + Sync + 'static {
    move |error| ready(response_to(&*error, Some(wait)))
}

#[cfg(feature = "tower-0-5")]
fn response_to(error: &(dyn StdError + Send + Sync + 'static), wait: Option<Duration>) -> Response {
    let Some(rejection) = crate::Classify::rejection(error) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut reply = Reply::to(rejection);
    if reply.status == 503 {
        reply.retry_after = reply.retry_after.or(wait);
    }
    made_of(reply)
}

#[cfg(all(test, feature = "tower-0-5"))]
mod tests {
    use super::*;
    use crate::{PolicyKind, Reason};

    #[cfg(feature = "http-1")]
    #[test]
    fn a_failure_of_a_server_behind_becomes_a_response_that_names_nobody() {
        use crate::http::{CallError, check};

        let upstream = |status: u16, after: Option<&str>| {
            let mut response = ::http::Response::builder().status(status);
            if let Some(after) = after {
                response = response.header(RETRY_AFTER, after);
            }
            CallError::from(check(response.body(()).unwrap()).unwrap_err())
        };
        let shown = |error: CallError| {
            let response = error.into_response();
            let header = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            (response.status().as_u16(), header)
        };
        let said = |seconds: &str| Some(seconds.to_owned());
        let open = Error::new(
            PolicyKind::CircuitBreaker,
            "b",
            Reason::CircuitOpen { retry_after: Some(Duration::from_millis(1_500)), last: None },
        );

        assert_eq!(shown(upstream(429, Some("7"))), (503, said("7")));
        assert_eq!(shown(upstream(429, None)), (503, None));
        assert_eq!(shown(upstream(502, Some("3"))), (502, said("3")));
        for status in [404, 500] {
            assert_eq!(shown(upstream(status, None)), (502, None), "{status}");
        }
        assert_eq!(shown(CallError::client(std::io::Error::other("secret"))), (502, None));
        assert_eq!(shown(open.clone().into()), (503, said("2")));
        assert_eq!(
            shown(CallError::client(std::io::Error::other(open))),
            (503, said("2")),
            "also inside of another error"
        );
    }

    #[tokio::test]
    async fn a_503_without_a_time_gets_one_where_that_is_said() {
        let second = Duration::from_secs(1);
        let after = async |reason, wait: Option<Duration>| {
            let error = Error::new(PolicyKind::Bulkhead, "b", reason).into();
            let response = match wait {
                Some(wait) => respond_after(wait)(error).await,
                None => respond(error).await,
            };
            let header = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            (response.status().as_u16(), header)
        };
        let said = |seconds: &str| Some(seconds.to_owned());

        for reason in [Reason::QueueFull, Reason::WaitedTooLong { limit: second }, Reason::Shed, Reason::Cancelled] {
            assert_eq!(after(reason, None).await, (503, None), "{reason:?}");
            assert_eq!(after(reason, Some(2 * second)).await, (503, said("2")), "{reason:?}");
        }
        let open = Reason::CircuitOpen { retry_after: Some(7 * second), last: None };
        assert_eq!(after(open, Some(second)).await, (503, said("7")), "what is known stays");
        assert_eq!(after(Reason::DeadlineExceeded, Some(second)).await, (504, None));
        assert_eq!(respond_after(second)("no rejection".into()).await.status(), 500);
    }
}
