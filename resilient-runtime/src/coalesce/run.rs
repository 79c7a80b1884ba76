//! A coalesced call: leads, follows or runs alone.

use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::flights::{Flight, Identity, Joined, Waited};
use super::{Coalesce, Shareable};
use crate::keyed::fingerprint::Fingerprint;
use crate::{Error, Mode, Reason, Settled, nested};

/// One call of a [`Coalesce`], with its key; from [`Coalesce::call`].
#[derive(Debug, Clone, Copy)]
#[must_use = "it does nothing unless it runs something"]
pub struct CoalesceCall<'a> {
    policy: &'a Coalesce,
    key: Fingerprint,
    owner: usize,
}

impl<'a> CoalesceCall<'a> {
    pub(super) const fn new(policy: &'a Coalesce, key: Fingerprint) -> Self {
        Self { policy, key, owner: 0 }
    }

    /// Joins only calls that are on the same object, which is known by its address.
    ///
    /// The object must live until the call has ended, as the `self` of a method does. While somebody holds an outcome
    /// ([`Coalesce::hold`]), the address may become another object's, so this is for policies that hold none.
    #[inline]
    pub fn on<S: ?Sized>(self, object: &S) -> Self {
        Self { owner: std::ptr::from_ref(object).addr(), ..self }
    }

    /// Runs `future`, or waits for the outcome of one of the same kind and key that runs already.
    ///
    /// # Panics
    ///
    /// The future panics when `future` does, or the outcome's `Clone`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`. If that was running, one of those who wait runs its own instead.
    #[inline]
    pub fn run<O, F>(self, future: F) -> CoalesceFuture<'a, F>
    where
        O: Shareable,
        F: Future<Output = O>,
    {
        self.begin(future, |_| true)
    }

    /// As [`run`](Self::run), for what is inside may have been refused. A rejection is shared like any outcome, except that
    /// nobody else is told that this caller's deadline has passed, or that it was cancelled: the next one runs then.
    #[inline]
    pub fn run_settled<O, F>(self, future: F) -> CoalesceFuture<'a, F>
    where
        O: Shareable,
        F: Future<Output = Settled<O>>,
    {
        let concerns_all = |settled: &Settled<O>| match settled {
            Settled::Outcome(_) => true,
            Settled::Rejected(rejection) => !is_of_the_caller(rejection),
        };
        self.begin(future, concerns_all)
    }

    #[inline]
    fn begin<F: Future>(self, future: F, concerns_all: fn(&F::Output) -> bool) -> CoalesceFuture<'a, F> {
        let Self { policy, key, owner } = self;
        let seat = Seat { policy, identity: Identity { key, owner, future: type_name::<F>() } };
        CoalesceFuture { future: Some(future), stage: Stage::Outside(seat), concerns_all }
    }
}

/// Whether the rejection says something of the one caller only.
const fn is_of_the_caller(rejection: &Error) -> bool {
    matches!(rejection.reason(), Reason::DeadlineExceeded | Reason::Cancelled)
}

pin_project! {
    /// What [`Coalesce::run`] and its likes return.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CoalesceFuture<'a, F: Future> {
        // First, so that it is dropped before somebody else runs. `None` once it has ended.
        #[pin]
        future: Option<F>,
        stage: Stage<'a, F::Output>,
        concerns_all: fn(&F::Output) -> bool,
    }
}

#[derive(Debug)]
enum Stage<'a, O> {
    Outside(Seat<'a>),
    Leading(Lead<'a>),
    Following(Follower<'a, O>),
    Landed(Arc<Flight<O>>),
    Alone,
    Over,
}

/// Where calls of an identity meet.
#[derive(Debug, Clone, Copy)]
struct Seat<'a> {
    policy: &'a Coalesce,
    identity: Identity,
}

/// The lead, which goes to somebody else when it is dropped.
#[derive(Debug)]
struct Lead<'a>(Seat<'a>);

/// A follower's place, which is left when it is dropped.
#[derive(Debug)]
struct Follower<'a, O> {
    seat: Seat<'a>,
    flight: Arc<Flight<O>>,
    place: u32,
    /// Whether it still has the place.
    waits: bool,
}

impl<'a> Seat<'a> {
    #[inline]
    fn begin<O: Shareable>(self) -> Stage<'a, O> {
        let mode = self.policy.mode.get();
        if mode == Mode::Off {
            return Stage::Alone;
        }
        let now = self.policy.reads_the_clock();
        match self.policy.flights.join(self.identity, now, mode == Mode::Observe) {
            Joined::Lead => Stage::Leading(Lead(self)),
            Joined::Follow(flight, place) => Stage::Following(Follower { seat: self, flight, place, waits: true }),
            Joined::Landed(flight) => Stage::Landed(flight),
            Joined::Alone => Stage::Alone,
        }
    }
}

impl Lead<'_> {
    /// Gives the outcome to those who wait.
    #[inline]
    fn land<O: Shareable>(self, outcome: &O) {
        let Seat { policy, identity } = self.0;
        policy.flights.land(identity, outcome, policy.hold);
        // it owns nothing else
        std::mem::forget(self);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.0.policy.flights.release(self.0.identity);
    }
}

impl<O> Follower<'_, O> {
    fn wait(&mut self, context: &Context<'_>) -> Waited {
        if self.flight.outcome().is_some() {
            return Waited::Landed;
        }
        let waker = context.waker().clone();
        let waited = self.seat.policy.flights.wait(self.seat.identity, self.place, &self.flight, waker);
        self.waits = waited == Waited::StillWaiting;
        waited
    }
}

impl<O> Drop for Follower<'_, O> {
    fn drop(&mut self) {
        if self.waits && self.flight.outcome().is_none() {
            self.seat.policy.flights.leave(self.seat.identity, self.place, &self.flight);
        }
    }
}

impl<F: Future<Output: Shareable>> Future for CoalesceFuture<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Stage::Outside(seat) = this.stage {
            *this.stage = seat.begin();
        }
        if let Stage::Following(place) = this.stage {
            match place.wait(context) {
                Waited::StillWaiting => return Poll::Pending,
                Waited::Lead => *this.stage = Stage::Leading(Lead(place.seat)),
                Waited::Landed => *this.stage = Stage::Landed(place.flight.clone()),
            }
        }
        if let Stage::Landed(flight) = this.stage {
            let outcome = flight.outcome().expect("it has landed").clone();
            this.future.set(None);
            *this.stage = Stage::Over;
            return Poll::Ready(outcome);
        }

        let future = this.future.as_mut().as_pin_mut().expect("a coalesced call is not polled again after it ended");
        // taken out, so that a panic gives it to somebody else at once
        let outcome = match std::mem::replace(this.stage, Stage::Over) {
            Stage::Leading(lead) => match nested::within(lead.0.identity.mark(), || future.poll(context)) {
                Poll::Pending => {
                    *this.stage = Stage::Leading(lead);
                    return Poll::Pending;
                }
                Poll::Ready(outcome) => {
                    this.future.set(None);
                    if (this.concerns_all)(&outcome) {
                        lead.land(&outcome);
                    }
                    outcome
                }
            },
            Stage::Alone => match future.poll(context) {
                Poll::Pending => {
                    *this.stage = Stage::Alone;
                    return Poll::Pending;
                }
                Poll::Ready(outcome) => {
                    this.future.set(None);
                    outcome
                }
            },
            _ => panic!("a coalesced call is not polled again after it panicked"),
        };
        Poll::Ready(outcome)
    }
}
