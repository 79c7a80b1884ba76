//! The deadline of a caller, read from the header of a request and written into one.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Request};
use ::tower::{Layer, Service};
use pin_project_lite::pin_project;

use super::policies::{AsBoxed, AsTyped, Errors};
use crate::deadline::DeadlineScope;
use crate::naming::kept_name;
use crate::{Deadline, Event};

/// The header of gRPC.
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Reads the caller's deadline from `grpc-timeout`, for a server. [`named`](DeadlineFromHeader::named) takes another header.
///
/// All that the service does for the request is then under that [`Deadline`]: time-outs, retries and waits inside end with it, and it goes on to further servers by
/// [`deadline_to_header`]. The layer ends nothing itself, for which there is a [`Timeout`](crate::Timeout). A header that is no deadline is
/// ignored, as gRPC asks of servers, and told by [`Event::DeadlineUnread`](crate::Event::DeadlineUnread).
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
    DeadlineFromHeader { header: GRPC_TIMEOUT, most: None, errors: PhantomData }
}

/// Writes the time that is left of the [`Deadline`] in force into `grpc-timeout`, for a client. [`named`](DeadlineToHeader::named) takes another
/// header.
///
/// Put it below a retry, so that each attempt says what is left for it. Without a deadline, the request stays as it is; a header that it has already is kept if it
/// is sooner. One that cannot be read is replaced, and told by [`Event::DeadlineUnread`](crate::Event::DeadlineUnread).
pub const fn deadline_to_header() -> DeadlineToHeader {
    DeadlineToHeader { header: GRPC_TIMEOUT, errors: PhantomData }
}

/// The layer of [`deadline_from_header`].
pub struct DeadlineFromHeader<E = AsTyped> {
    header: HeaderName,
    most: Option<Duration>,
    errors: PhantomData<fn() -> E>,
}

/// The layer of [`deadline_to_header`].
pub struct DeadlineToHeader<E = AsTyped> {
    header: HeaderName,
    errors: PhantomData<fn() -> E>,
}

impl<E> DeadlineFromHeader<E> {
    /// Reads another header, in the same syntax.
    #[must_use]
    pub fn named(self, header: HeaderName) -> Self {
        Self { header, ..self }
    }

    /// Sets the most time that a request has, whatever its header says, and what one without a header has.
    #[must_use]
    pub fn at_most(self, time: Duration) -> Self {
        Self { most: Some(time), ..self }
    }

    /// The deadline of a request.
    fn read<B>(&self, request: &Request<B>) -> Option<Deadline> {
        sooner(deadline_in(request.headers(), &self.header), self.most.map(Deadline::after))
    }
}

impl DeadlineFromHeader {
    /// Boxes errors, as [`boxed`](super::Policies::boxed) of `policies` does, where it is the innermost layer.
    pub fn boxed(self) -> DeadlineFromHeader<AsBoxed> {
        DeadlineFromHeader { header: self.header, most: self.most, errors: PhantomData }
    }
}

impl<E> DeadlineToHeader<E> {
    /// Writes another header, in the same syntax.
    #[must_use]
    pub fn named(self, header: HeaderName) -> Self {
        Self { header, ..self }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Some(deadline) = Deadline::current() else { return };
        if sooner(deadline_in(headers, &self.header), Some(deadline)) == Some(deadline)
            && let Ok(value) = HeaderValue::try_from(deadline.to_header())
        {
            headers.insert(self.header.clone(), value);
        }
    }
}

impl DeadlineToHeader {
    /// Boxes errors, as [`boxed`](super::Policies::boxed) of `policies` does, where it is the innermost layer.
    pub fn boxed(self) -> DeadlineToHeader<AsBoxed> {
        DeadlineToHeader { header: self.header, errors: PhantomData }
    }
}

/// The deadline that a header says. One that is no deadline is told.
fn deadline_in(headers: &HeaderMap, name: &HeaderName) -> Option<Deadline> {
    let header = headers.get(name)?;
    let deadline = header.to_str().ok().and_then(|header| Deadline::from_header(header).ok());
    if deadline.is_none() {
        Event::DeadlineUnread { header: kept_name(name.as_str()) }.emit();
    }
    deadline
}

fn sooner(one: Option<Deadline>, other: Option<Deadline>) -> Option<Deadline> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.instant() < other.instant() { one } else { other }),
        (one, other) => one.or(other),
    }
}

impl<E> Clone for DeadlineFromHeader<E> {
    fn clone(&self) -> Self {
        Self { header: self.header.clone(), ..*self }
    }
}

impl<E> Clone for DeadlineToHeader<E> {
    fn clone(&self) -> Self {
        Self { header: self.header.clone(), ..*self }
    }
}

impl<E> fmt::Debug for DeadlineFromHeader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineFromHeader").field("header", &self.header).field("most", &self.most).finish()
    }
}

impl<E> fmt::Debug for DeadlineToHeader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadlineToHeader").field("header", &self.header).finish()
    }
}

impl<S, E> Layer<S> for DeadlineFromHeader<E> {
    type Service = InTime<S, Self>;

    fn layer(&self, service: S) -> Self::Service {
        InTime { service, header: self.clone() }
    }
}

impl<S, E> Layer<S> for DeadlineToHeader<E> {
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

impl<S: Service<Request<B>>, B, E: Errors<S::Error>> Service<Request<B>> for InTime<S, DeadlineFromHeader<E>> {
    type Response = S::Response;
    type Error = E::Error;
    type Future = DeadlineScope<InTimeCall<S::Future, E>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.service.poll_ready(cx).map_err(E::of)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deadline = self.header.read(&request);
        DeadlineScope::of(InTimeCall::of(self.service.call(request)), deadline)
    }
}

impl<S: Service<Request<B>>, B, E: Errors<S::Error>> Service<Request<B>> for InTime<S, DeadlineToHeader<E>> {
    type Response = S::Response;
    type Error = E::Error;
    type Future = InTimeCall<S::Future, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.service.poll_ready(cx).map_err(E::of)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.header.write(request.headers_mut());
        InTimeCall::of(self.service.call(request))
    }
}

pin_project! {
    /// A call of a service whose request carries a deadline.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call of the service.
    #[must_use = "futures do nothing unless polled"]
    pub struct InTimeCall<F, E> {
        #[pin]
        call: F,
        errors: PhantomData<fn() -> E>,
    }
}

impl<F, E> InTimeCall<F, E> {
    const fn of(call: F) -> Self {
        Self { call, errors: PhantomData }
    }
}

impl<T, Error, F: Future<Output = Result<T, Error>>, E: Errors<Error>> Future for InTimeCall<F, E> {
    type Output = Result<T, E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map_err(E::of)
    }
}

impl<F: fmt::Debug, E> fmt::Debug for InTimeCall<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTimeCall").field("call", &self.call).finish_non_exhaustive()
    }
}
