//! The body of a response that may have been shared.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tower::BoxError;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::SharedError;

pin_project! {
    /// The body of a response that may have been shared: the service's own, or what was read of it.
    ///
    /// The length of a body that was read whole is known, so that a server can announce it. One with trailers does not claim an exact length, since
    /// HTTP/1.1 sends trailers after chunks only.
    pub struct CoalescedBody<B> {
        #[pin]
        source: Source<B>,
    }
}

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Own { #[pin] body: B },
        /// The part of a large body that was read, and then the rest.
        Rest { read: Bytes, rest: Pin<Box<B>> },
        Whole { bytes: Bytes, trailers: Option<HeaderMap>, failure: Option<SharedError> },
    }
}

impl<B> CoalescedBody<B> {
    pub(super) const fn own(body: B) -> Self {
        Self { source: Source::Own { body } }
    }

    pub(super) const fn rest(read: Bytes, rest: Pin<Box<B>>) -> Self {
        Self { source: Source::Rest { read, rest } }
    }

    pub(super) const fn whole(bytes: Bytes, trailers: Option<HeaderMap>, failure: Option<SharedError>) -> Self {
        Self { source: Source::Whole { bytes, trailers, failure } }
    }
}

impl<B> Body for CoalescedBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().source.project() {
            SourceProjection::Own { body } => body.poll_frame(cx).map_err(Into::into),
            SourceProjection::Rest { read, rest } => match take(read) {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => rest.as_mut().poll_frame(cx).map_err(Into::into),
            },
            SourceProjection::Whole { bytes, trailers, failure } => Poll::Ready(match take(bytes) {
                Some(bytes) => Some(Ok(Frame::data(bytes))),
                None => match failure.take() {
                    Some(failure) => Some(Err(Box::new(failure))),
                    None => trailers.take().map(|trailers| Ok(Frame::trailers(trailers))),
                },
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own { body } => body.is_end_stream(),
            Source::Rest { read, rest } => read.is_empty() && rest.is_end_stream(),
            Source::Whole { bytes, trailers, failure } => bytes.is_empty() && trailers.is_none() && failure.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own { body } => body.size_hint(),
            Source::Rest { read, rest } => behind(read.len() as u64, &rest.size_hint()),
            Source::Whole { bytes, trailers: None, failure: None } => SizeHint::with_exact(bytes.len() as u64),
            Source::Whole { bytes, .. } => behind(bytes.len() as u64, &SizeHint::new()),
        }
    }
}

/// Takes the bytes, if there are any.
fn take(bytes: &mut Bytes) -> Option<Bytes> {
    if bytes.is_empty() { None } else { Some(std::mem::take(bytes)) }
}

/// The length of a body that begins with so many bytes more.
fn behind(before: u64, rest: &SizeHint) -> SizeHint {
    let mut hint = SizeHint::new();
    hint.set_lower(rest.lower().saturating_add(before));
    if let Some(upper) = rest.upper() {
        hint.set_upper(upper.saturating_add(before));
    }
    hint
}

impl<B> fmt::Debug for CoalescedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CoalescedBody");
        match &self.source {
            Source::Own { .. } => shown.finish_non_exhaustive(),
            Source::Rest { read, .. } => shown.field("read", &read.len()).finish_non_exhaustive(),
            Source::Whole { bytes, trailers, failure } => {
                shown.field("length", &bytes.len()).field("trailers", trailers).field("failure", failure).finish()
            }
        }
    }
}
