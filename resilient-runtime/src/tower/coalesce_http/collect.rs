//! The run for all that wait: the call of the service, and the reading of its body.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ::tower::{BoxError, Service};
use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;

use super::freshness::{is_for_others, lifetime};
use super::outcome::{Answer, Whole};
use super::{CoalescedBody, SharedError};
use crate::coalesce::Judgement;
use crate::tower::attempt::Attempt;
use crate::tower::coalesce::SharedErrors;
use crate::{Coalesce, clock};

/// The terms on which a response is given to others.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) policy: &'static Coalesce,
    pub(super) vary: Arc<[HeaderName]>,
    /// Says of further headers that they are no reason for different responses.
    pub(super) covers: fn(&HeaderName) -> bool,
    pub(super) body_limit: usize,
}

pin_project! {
    /// A call of the service, and the reading of its body.
    pub(super) struct Collecting<S: Service<Request<A>>, A, B, E> {
        #[pin]
        stage: Stage<Attempt<S, Request<A>>, B>,
        terms: Terms,
        errors: PhantomData<fn() -> E>,
    }
}

pin_project! {
    #[project = StageProjection]
    #[project_replace = StageOwned]
    enum Stage<T, B> {
        Calls { #[pin] attempt: T },
        Reads { head: Box<Parts>, body: Pin<Box<B>>, read: Read },
        Over,
    }
}

impl<S: Service<Request<A>>, A, B, E> Collecting<S, A, B, E> {
    pub(super) const fn new(attempt: Attempt<S, Request<A>>, terms: Terms) -> Self {
        Self { stage: Stage::Calls { attempt }, terms, errors: PhantomData }
    }
}

impl<S, A, B, E> Future for Collecting<S, A, B, E>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
    E: SharedErrors<S::Error>,
{
    type Output = Result<Answer<B>, E::Shared>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let end = match this.stage.as_mut().project() {
                StageProjection::Calls { attempt } => {
                    let outcome = ready!(attempt.poll(cx));
                    this.stage.set(Stage::Over);
                    let (head, body) = outcome.map_err(E::share)?.into_parts();
                    if !is_for_others(&head, &this.terms.vary, this.terms.covers) || this.terms.is_too_large(&body) {
                        return Poll::Ready(Ok(Answer::own(Response::from_parts(head, CoalescedBody::own(body)))));
                    }
                    if body.is_end_stream() {
                        return Poll::Ready(Ok(this.terms.shared(head, Read::default(), None)));
                    }
                    this.stage.set(Stage::Reads { head: Box::new(head), body: Box::pin(body), read: Read::default() });
                    continue;
                }
                StageProjection::Reads { body, read, .. } => {
                    ready!(read.poll(body.as_mut(), this.terms.body_limit, cx))
                }
                // it has ended, and is polled again
                StageProjection::Over => return Poll::Pending,
            };
            if let StageOwned::Reads { head, body, read } = this.stage.as_mut().project_replace(Stage::Over) {
                return Poll::Ready(Ok(match end {
                    End::Whole => this.terms.shared(*head, read, None),
                    End::Failed(failure) => this.terms.shared(*head, read, Some(failure)),
                    End::TooLarge => {
                        Answer::own(Response::from_parts(*head, CoalescedBody::rest(read.into_parts().0, body)))
                    }
                }));
            }
        }
    }
}

impl Terms {
    fn is_too_large(&self, body: &impl Body) -> bool {
        body.size_hint().lower() > self.body_limit as u64
    }

    /// Makes an answer for all that wait.
    fn shared<B>(&self, head: Parts, read: Read, failure: Option<SharedError>) -> Answer<B> {
        let judgement = match (self.policy.holds_for(), &failure) {
            (Some(hold), None) => lifetime(&head, hold),
            _ => Judgement::ForThoseThatWait,
        };
        let came = (judgement != Judgement::ForThoseThatWait).then(clock::now);
        let (bytes, trailers) = read.into_parts();
        Answer::Shared(Arc::new(Whole { head, bytes, trailers, failure, judgement, came }))
    }
}

/// The part of a body that has been read.
#[derive(Debug, Default)]
struct Read {
    /// The only piece so far.
    first: Bytes,
    /// All pieces, once there are several.
    all: BytesMut,
    trailers: Option<HeaderMap>,
}

/// The end of reading.
enum End {
    Whole,
    Failed(SharedError),
    TooLarge,
}

impl Read {
    fn poll<B>(&mut self, mut body: Pin<&mut B>, limit: usize, cx: &mut Context<'_>) -> Poll<End>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        loop {
            let frame = match ready!(body.as_mut().poll_frame(cx)) {
                None => return Poll::Ready(End::Whole),
                Some(Err(error)) => return Poll::Ready(End::Failed(Arc::from(error.into()))),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) => {
                    self.add(data);
                    if self.len() > limit {
                        return Poll::Ready(End::TooLarge);
                    }
                }
                Err(other) => self.add_trailers(other.into_trailers().ok()),
            }
        }
    }

    fn len(&self) -> usize {
        if self.all.is_empty() { self.first.len() } else { self.all.len() }
    }

    fn add(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    fn add_trailers(&mut self, trailers: Option<HeaderMap>) {
        match (&mut self.trailers, trailers) {
            (Some(before), Some(trailers)) => before.extend(trailers),
            (before @ None, trailers) => *before = trailers,
            (Some(_), None) => {}
        }
    }

    fn into_parts(self) -> (Bytes, Option<HeaderMap>) {
        let bytes = if self.all.is_empty() { self.first } else { self.all.freeze() };
        (bytes, self.trailers)
    }
}

impl<S: Service<Request<A>>, A, B, E> fmt::Debug for Collecting<S, A, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collecting").field("terms", &self.terms).finish_non_exhaustive()
    }
}
