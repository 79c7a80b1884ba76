//! The answer to a shared request: a response for all, or one for the leader alone.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::AGE;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response};
use tokio::time::Instant;

use super::freshness::age;
use super::{CoalescedBody, SharedError};
use crate::clock;
use crate::coalesce::Judgement;
use crate::tower::coalesce::{SharedErrors, is_of_the_caller};

/// The answer to a request.
#[derive(Debug)]
pub(super) enum Answer<B> {
    /// For all that wait.
    Shared(Arc<Whole>),
    /// For the leader alone. The lock is there for `Sync`, and nobody waits for it.
    Own(Box<Mutex<Response<CoalescedBody<B>>>>),
    /// Stands for that with the others, who have to ask for themselves.
    OfAnother,
}

/// A response whose body has been read.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    pub(super) head: Parts,
    pub(super) bytes: Bytes,
    pub(super) trailers: Option<HeaderMap>,
    /// Ends the body.
    pub(super) failure: Option<SharedError>,
    pub(super) judgement: Judgement,
    /// The time at which it came, if it is held.
    pub(super) came: Option<Instant>,
}

impl<B> Clone for Answer<B> {
    /// An answer for the leader alone becomes the word that there was one.
    fn clone(&self) -> Self {
        match self {
            Self::Shared(whole) => Self::Shared(whole.clone()),
            Self::Own(_) | Self::OfAnother => Self::OfAnother,
        }
    }
}

/// Says for whom an outcome is. A failure of the service is never held: it is no response that a cache may keep.
pub(super) fn judge<B, X, E: SharedErrors<X>>(outcome: &Result<Answer<B>, E::Shared>) -> Judgement {
    match outcome {
        Ok(Answer::Shared(whole)) => whole.judgement,
        Ok(Answer::OfAnother) => Judgement::ForTheCaller,
        Err(error) if is_of_the_caller::<X, E>(error) => Judgement::ForTheCaller,
        Ok(Answer::Own(_)) | Err(_) => Judgement::ForThoseThatWait,
    }
}

impl<B> Answer<B> {
    pub(super) fn own(response: Response<CoalescedBody<B>>) -> Self {
        Self::Own(Box::new(Mutex::new(response)))
    }

    pub(super) fn into_response(self) -> Response<CoalescedBody<B>> {
        match self {
            Self::Shared(whole) => Arc::unwrap_or_clone(whole).into_response(),
            Self::Own(response) => response.into_inner().unwrap_or_else(PoisonError::into_inner),
            Self::OfAnother => unreachable!("a call that gets this asks for itself"),
        }
    }
}

impl Whole {
    /// Returns a caller's own, with its [age](https://www.rfc-editor.org/rfc/rfc9111#section-5.1) if it was held for a second or more.
    fn into_response<B>(self) -> Response<CoalescedBody<B>> {
        let Self { mut head, bytes, trailers, failure, came, .. } = self;
        let held = came.map_or(0, |came| clock::now().saturating_duration_since(came).as_secs());
        if held > 0 {
            let before = age(&head.headers).map_or(0, |age| age.as_secs());
            head.headers.insert(AGE, HeaderValue::from(before.saturating_add(held)));
        }
        Response::from_parts(head, CoalescedBody::whole(bytes, trailers, failure))
    }
}
