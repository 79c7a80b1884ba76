//! The policies of a middleware, made to judge responses, and the requests that may be sent again.

use std::time::Duration;

use ::http::HeaderName;
use ::reqwest_middleware::Error as MiddlewareError;
use reqwest::{Request, Response};

use super::Outcome;
use crate::bulkhead::{BulkheadEntry, Learning};
use crate::cancel::CancelOn;
use crate::http::by_response;
use crate::rate_limit::{ByAnswer, Heeding, Heedless, Weighed, Weighty};
use crate::stack::Judged;
use crate::tower::Cloning;
use crate::when::{self, ByClass, ByClassified, ByWhen, Judge};
use crate::{
    Bulkhead, CircuitBreaker, Class, Classified, ClassifyValue, Error, Measure, Quota, RateLimit, Throttle, Timeout,
};

/// A function that judges the outcome of a request.
pub type Judgement = for<'o> fn(&'o Outcome) -> Classified<'o>;

/// A policy of a middleware, a tuple of them, or a judge, that can judge responses. Those of this crate implement it.
pub trait Judges {
    /// The same, judging responses unless a `when` says otherwise.
    type Judging;

    /// Returns it.
    fn judging(self) -> Self::Judging;
}

const BY_RESPONSE: Judgement = by_response::<Response, MiddlewareError>;

/// Implements [`Judges`] for policies that judge by the class of an outcome.
macro_rules! judges {
    ($($policy:ty),+) => { $(
        impl<'a> Judges for $policy {
            type Judging = Judged<Self, Judgement, Outcome>;

            fn judging(self) -> Self::Judging {
                Judged::new::<ByClassified>(self, BY_RESPONSE)
            }
        }
    )+ };
}

/// As [`judges!`], for limits, which heed good answers too.
macro_rules! heeds {
    ($($limit:ty, $heed:ty);+) => { $(
        impl<'a> Judges for $limit {
            type Judging = Heeding<Judged<Self, Judgement, Outcome>, ByAnswer<Response, fn(&Response) -> Quota, $heed>>;

            fn judging(self) -> Self::Judging {
                Judged::new::<ByClassified>(self, BY_RESPONSE).heeding(Response::quota_of_value)
            }
        }
    )+ };
}

/// Implements [`Judges`] for what stays as it is.
macro_rules! stays {
    ($([$($parameter:tt)*] $policy:ty),+) => { $(
        impl<$($parameter)*> Judges for $policy {
            type Judging = Self;

            fn judging(self) -> Self {
                self
            }
        }
    )+ };
}

judges!(&'a CircuitBreaker, &'a Throttle, &'a Measure, Learning<'a>);
heeds!(&'a RateLimit, Heedless; Weighed<'a>, Weighty);
stays!(
    ['a] &'a Bulkhead,
    ['a] BulkheadEntry<'a>,
    ['a] &'a Timeout,
    ['a, S] CancelOn<'a, S>,
    [P, W, O] Judged<P, W, O>,
    [P, H] Heeding<P, H>,
    [W, O] ByWhen<W, O>
);

impl Judges for ByClass {
    type Judging = ByWhen<Judgement, Outcome>;

    fn judging(self) -> Self::Judging {
        ByWhen::new::<ByClassified>(BY_RESPONSE)
    }
}

macro_rules! tuple {
    ($($policy:ident)+) => {
        impl<$($policy: Judges),+> Judges for ($($policy,)+) {
            type Judging = ($($policy::Judging,)+);

            #[expect(non_snake_case, reason = "named as their types")]
            fn judging(self) -> Self::Judging {
                let ($($policy,)+) = self;
                ($($policy.judging(),)+)
            }
        }
    };
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);

/// The way in which a middleware copies requests, and which of them it takes for safe to carry out twice.
pub trait Repeats {
    /// Returns the function that copies.
    fn cloning(&self) -> Cloning<Request>;

    /// Returns whether the server may carry out the request twice.
    fn is_safe(&self, request: &Request) -> bool;
}

/// By the method and the header `Idempotency-Key`.
impl Repeats for () {
    fn cloning(&self) -> Cloning<Request> {
        Request::try_clone
    }

    fn is_safe(&self, request: &Request) -> bool {
        request.method().is_idempotent() || request.headers().contains_key(IDEMPOTENCY_KEY)
    }
}

/// All that the function copies.
impl Repeats for Cloning<Request> {
    fn cloning(&self) -> Cloning<Request> {
        *self
    }

    fn is_safe(&self, _request: &Request) -> bool {
        true
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Judges as `J` does. A failure that may have been carried out is permanent unless the request is safe to repeat.
#[derive(Debug, Clone)]
pub(super) struct Judging<J> {
    pub(super) judge: J,
    pub(super) is_safe: bool,
}

impl<J: Judge<Outcome>> when::sealed::Judge<Outcome> for Judging<J> {
    fn class_of(&self, outcome: &Outcome) -> Class {
        match self.judge.class_of(outcome) {
            Class::Transient if !self.is_safe && !was_not_sent(outcome) => Class::Permanent,
            class => class,
        }
    }

    fn rejection_in<'o>(&self, outcome: &'o Outcome) -> Option<&'o Error> {
        self.judge.rejection_in(outcome)
    }

    fn hint_in(&self, outcome: &Outcome) -> Option<Duration> {
        self.judge.hint_in(outcome)
    }

    fn forbids_attempts(&self, outcome: &Outcome) -> bool {
        self.judge.forbids_attempts(outcome)
    }
}

/// Returns whether no connection was there to send it on.
fn was_not_sent(outcome: &Outcome) -> bool {
    matches!(outcome, Err(MiddlewareError::Reqwest(error)) if error.is_connect())
}
