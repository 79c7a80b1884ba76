//! The deadline of a caller, read from the header of a request and written into one.

use std::task::{Context, Poll};

use ::http::{HeaderMap, HeaderName, HeaderValue, Request};
use ::tower::{Layer, Service};

use crate::Deadline;
use crate::deadline::DeadlineScope;

/// The header of gRPC.
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Reads the caller's deadline from `grpc-timeout`, for a server. [`named`](DeadlineFromHeader::named) takes another header.
///
/// All that the service does for the request is then under that [`Deadline`]: time-outs, retries and waits inside end with it, and it goes on to further servers by
/// [`deadline_to_header`]. The layer ends nothing itself, for which there is a [`Timeout`](crate::Timeout). A header that is no deadline is
/// ignored, as gRPC asks of servers.
///
/// ```
/// use std::time::Duration;
/// use resilient::Deadline;
/// use resilient::tower::deadline_from_header;
/// use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let mut service = ServiceBuilder::new()
///     .layer(deadline_from_header().at_most(Duration::from_secs(5)))
///     .service(service_fn(|_: http::Request<()>| async {
///         Ok::<_, BoxError>(Deadline::current().map(Deadline::remaining))
///     }));
///
/// let request = http::Request::builder().header("grpc-timeout", "1500m").body(())?;
/// assert_eq!(service.ready().await?.call(request).await?, Some(Duration::from_millis(1_500)));
/// let request = http::Request::builder().header("grpc-timeout", "1H").body(())?;
/// assert_eq!(service.ready().await?.call(request).await?, Some(Duration::from_secs(5)));
/// # Ok(())
/// # }
/// ```
pub const fn deadline_from_header() -> DeadlineFromHeader {
    DeadlineFromHeader { header: GRPC_TIMEOUT, most: None }
}

/// Writes the time that is left of the [`Deadline`] in force into `grpc-timeout`, for a client. [`named`](DeadlineToHeader::named) takes another
/// header.
///
/// Put it below a retry, so that each attempt says what is left for it. Without a deadline, the request stays as it is; a header that it has already is kept if it
/// is sooner.
pub const fn deadline_to_header() -> DeadlineToHeader {
    DeadlineToHeader { header: GRPC_TIMEOUT }
}

/// The layer of [`deadline_from_header`].
#[derive(Debug, Clone)]
pub struct DeadlineFromHeader {
    header: HeaderName,
    most: Option<std::time::Duration>,
}

/// The layer of [`deadline_to_header`].
#[derive(Debug, Clone)]
pub struct DeadlineToHeader {
    header: HeaderName,
}

impl DeadlineFromHeader {
    /// Reads another header, in the same syntax.
    #[must_use]
    pub fn named(self, header: HeaderName) -> Self {
        Self { header, ..self }
    }

    /// Sets the most time that a request has, whatever its header says, and what one without a header has.
    #[must_use]
    pub fn at_most(self, time: std::time::Duration) -> Self {
        Self { most: Some(time), ..self }
    }

    /// The deadline of a request.
    fn read<B>(&self, request: &Request<B>) -> Option<Deadline> {
        let header = request.headers().get(&self.header).and_then(|value| value.to_str().ok());
        let said = header.and_then(|header| Deadline::from_header(header).ok());
        sooner(said, self.most.map(Deadline::after))
    }
}

impl DeadlineToHeader {
    /// Writes another header, in the same syntax.
    #[must_use]
    pub fn named(self, header: HeaderName) -> Self {
        Self { header }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Some(deadline) = Deadline::current() else { return };
        let there = headers.get(&self.header).and_then(|value| value.to_str().ok());
        let there = there.and_then(|header| Deadline::from_header(header).ok());
        if sooner(there, Some(deadline)) == Some(deadline)
            && let Ok(value) = HeaderValue::try_from(deadline.to_header())
        {
            headers.insert(self.header.clone(), value);
        }
    }
}

fn sooner(one: Option<Deadline>, other: Option<Deadline>) -> Option<Deadline> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.instant() < other.instant() { one } else { other }),
        (one, other) => one.or(other),
    }
}

impl<S> Layer<S> for DeadlineFromHeader {
    type Service = InTime<S, Self>;

    fn layer(&self, service: S) -> Self::Service {
        InTime { service, header: self.clone() }
    }
}

impl<S> Layer<S> for DeadlineToHeader {
    type Service = InTime<S, Self>;

    fn layer(&self, service: S) -> Self::Service {
        InTime { service, header: self.clone() }
    }
}

/// A service whose requests carry a deadline.
#[derive(Debug, Clone)]
pub struct InTime<S, H> {
    service: S,
    header: H,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for InTime<S, DeadlineFromHeader> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = DeadlineScope<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deadline = self.header.read(&request);
        DeadlineScope::of(self.service.call(request), deadline)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for InTime<S, DeadlineToHeader> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.header.write(request.headers_mut());
        self.service.call(request)
    }
}
