//! A coalesced call: leads, follows or runs alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::flights::{Flight, Hold, Identity, Joined, Lease, Mark, Turn, Waited};
use super::renewing::{CoalesceRenewing, Renewable};
use super::{Coalesce, Shareable};
use crate::book::Ended;
use crate::clock;
use crate::keyed::fingerprint;
use crate::keyed::fingerprint::Fingerprint;
use crate::{Error, Event, Mode, Reason, Settled, nested};

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

    /// Joins only calls that are on the same object, which is known by its address, and by its length or its type behind a `&dyn Trait`.
    ///
    /// The object must live until the call has ended, as the `self` of a method does. While somebody holds an outcome
    /// ([`Coalesce::hold`]), the address may become another object's, so this is for policies that hold none.
    #[inline]
    pub fn on<S: ?Sized>(self, object: &S) -> Self {
        let place = std::ptr::from_ref(object);
        let owner = if size_of::<*const S>() == size_of::<usize>() {
            place.addr()
        } else {
            // two strings may begin at one address, and a struct begins where its first field does
            fingerprint(&place).whole() as usize
        };
        Self { owner, ..self }
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
    pub fn run<F: Future>(self, future: F) -> CoalesceFuture<'a, F> {
        self.begin(future, |_| Judgement::ForAll)
    }

    /// As [`run`](Self::run), for what is inside may have been refused. A rejection is shared like any outcome, except that
    /// nobody else is told that this caller's deadline has passed, or that it was cancelled: the next one runs then.
    #[inline]
    pub fn run_settled<O, F>(self, future: F) -> CoalesceFuture<'a, F>
    where
        F: Future<Output = Settled<O>>,
    {
        self.begin(future, |settled| match settled {
            Settled::Rejected(rejection) if is_of_the_caller(rejection) => Judgement::ForTheCaller,
            _ => Judgement::ForAll,
        })
    }

    /// As [`run`](Self::run), and gives out an outcome that is older than [`hold`](Coalesce::hold) at once while it is renewed, for
    /// [`stale_while_revalidate`](Coalesce::stale_while_revalidate).
    ///
    /// The first call that finds an outcome stale spawns its future as a tokio task, and gets the old outcome like all that come after it. So the future owns what it works on.
    /// There is one such run for a key at a time, and after one that came to nothing the next begins no sooner than after another `hold`: a key is renewed no more often than a server
    /// that answers would be asked. The run is no part of any call: no deadline and no cancellation of a caller ends it. A time-out inside of the future does. If it
    /// outlives the old outcome, calls run their own, and its outcome is dropped.
    ///
    /// Only what is [good](Renewable) is given out when it is stale: a failure is held for `hold` and no longer. Off a tokio runtime nothing is
    /// renewed, and an outcome is not given out after `hold`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use resilient::Coalesce;
    ///
    /// static RATES: Coalesce = Coalesce::named("rates")
    ///     .hold(Duration::from_secs(10))
    ///     .stale_while_revalidate(Duration::from_secs(60));
    ///
    /// async fn rate(currency: String, present: f64) -> Result<f64, std::num::ParseFloatError> {
    ///     RATES.call(&currency).run_renewing(async move { Ok(present) }).await
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), std::num::ParseFloatError> {
    /// assert_eq!(rate("EUR".to_owned(), 1.08).await?, 1.08);
    /// tokio::time::advance(Duration::from_secs(30)).await;
    /// assert_eq!(rate("EUR".to_owned(), 1.09).await?, 1.08, "it is renewed behind this call");
    /// tokio::task::yield_now().await;
    /// assert_eq!(rate("EUR".to_owned(), 1.10).await?, 1.09);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run). A panic of a renewal stays in its task.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run). A renewal goes on.
    #[inline]
    pub fn run_renewing<F>(self, future: F) -> CoalesceRenewing<'a, F>
    where
        F: Future<Output: Shareable + Renewable> + Send + 'static,
    {
        CoalesceRenewing::new(
            self,
            future,
            |outcome| {
                if outcome.is_good() { Judgement::Good } else { Judgement::ForAll }
            },
        )
    }

    /// As [`run_renewing`](Self::run_renewing), for what is inside may have been refused, as [`run_settled`](Self::run_settled) says. A rejection is not good.
    #[inline]
    pub fn run_settled_renewing<O, F>(self, future: F) -> CoalesceRenewing<'a, F>
    where
        F: Future<Output = Settled<O>> + Send + 'static,
        O: Renewable,
    {
        CoalesceRenewing::new(self, future, |settled| match settled {
            Settled::Rejected(rejection) if is_of_the_caller(rejection) => Judgement::ForTheCaller,
            Settled::Outcome(outcome) if outcome.is_good() => Judgement::Good,
            _ => Judgement::ForAll,
        })
    }

    #[inline]
    pub(super) fn begin<F: Future>(self, future: F, judge: Judge<F::Output>) -> CoalesceFuture<'a, F> {
        let seat = Seat { policy: self.policy, identity: self.identity::<F>(), mark: 0, turn: 0 };
        CoalesceFuture { future: Some(future), seat, stage: Stage::Outside, judge, runs: false }
    }

    /// Joins only calls of that service or layer, which is known by a number of its own.
    #[cfg(feature = "tower-0-5")]
    pub(crate) fn of_service(self, number: usize) -> Self {
        Self { owner: number, ..self }
    }

    /// As [`run_renewing`](Self::run_renewing), with a function that says for whom an outcome is.
    #[cfg(feature = "tower-0-5")]
    #[inline]
    pub(crate) fn run_judged<F: Future>(self, future: F, judge: Judge<F::Output>) -> CoalesceRenewing<'a, F> {
        CoalesceRenewing::new(self, future, judge)
    }

    /// The identity of the call, if it runs such a future.
    pub(super) fn identity<F: Future>(&self) -> Identity {
        Identity { key: self.key, owner: self.owner, future: typeid::of::<F> }
    }

    pub(super) const fn policy(&self) -> &'a Coalesce {
        self.policy
    }
}

/// Says for whom an outcome is.
pub(crate) type Judge<O> = fn(&O) -> Judgement;

/// The callers that an outcome is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It says something of the one caller only. A call that waited for it runs by itself.
    ForTheCaller,
    /// All that wait, and nobody later.
    ForThoseThatWait,
    /// All that wait, and those that come while it is fresh.
    ForAll,
    /// The same, and those that come while it is renewed.
    Good,
}

/// Returns whether the rejection says something of the one caller only.
pub(crate) const fn is_of_the_caller(rejection: &Error) -> bool {
    matches!(rejection.reason(), Reason::DeadlineExceeded | Reason::Cancelled)
}

pin_project! {
    /// The return value of [`Coalesce::run`] and its likes.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CoalesceFuture<'a, F: Future> {
        // `None` once it has ended.
        #[pin]
        future: Option<F>,
        seat: Seat<'a>,
        stage: Stage<F::Output>,
        judge: Judge<F::Output>,
        // from the first poll until it has ended
        runs: bool,
    }

    impl<F: Future> PinnedDrop for CoalesceFuture<'_, F> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if *this.runs {
                this.seat.policy.shell.count(Ended::Abandoned);
            }
            match this.stage {
                Stage::Leading => {
                    let _lead = Lead(this.seat);
                    // before somebody else runs
                    this.future.set(None);
                }
                Stage::Following { flight, place, .. } => this.seat.leave(*place, flight),
                Stage::Outside | Stage::Landed(_) | Stage::Alone | Stage::Over => {}
            }
        }
    }
}

#[derive(Debug)]
enum Stage<O> {
    Outside,
    /// It runs for all. Whoever gives this up must have a [`Lead`] first.
    Leading,
    Following {
        flight: Arc<Flight<O>>,
        place: u32,
        /// The lead that it waits for.
        turn: Turn,
        patience: Option<Pin<Box<Sleep>>>,
    },
    Landed(Arc<Flight<O>>),
    Alone,
    Over,
}

/// The meeting place of calls of one identity.
#[derive(Debug, Clone, Copy)]
struct Seat<'a> {
    policy: &'a Coalesce,
    identity: Identity,
    /// By which it is known while it leads, from the first poll on.
    mark: Mark,
    /// Its lead, while it leads.
    turn: Turn,
}

/// The lead, which goes to somebody else when it is dropped.
struct Lead<'s>(&'s Seat<'s>);

impl Seat<'_> {
    /// Puts into `stage` what the call is to do, before anybody is told.
    #[inline]
    fn begin<O: Shareable>(&mut self, stage: &mut Stage<O>, waker: &Waker) {
        let mode = self.policy.shell.mode();
        if mode == Mode::Off {
            *stage = Stage::Alone;
            return;
        }
        let observes = mode == Mode::Observe;
        let lease = self.policy.config.lease(Judgement::Good);
        if lease.is_some() {
            let hold = Hold::from_now(lease);
            let (joined, forgotten) = self.policy.flights.join_held(hold, &self.identity, self.mark, waker, observes);
            self.enter(stage, joined);
            drop(forgotten);
        } else {
            let joined = self.policy.flights.join(&self.identity, self.mark, waker, observes);
            if let Joined::Lead(turn) = joined {
                self.turn = turn;
                *stage = Stage::Leading;
            } else {
                self.enter(stage, joined);
            }
        }
    }

    #[inline(never)]
    fn enter<O>(&mut self, stage: &mut Stage<O>, joined: Joined<O>) {
        *stage = match joined {
            Joined::Lead(turn) => {
                self.turn = turn;
                Stage::Leading
            }
            Joined::Follow(flight, place, turn) => Stage::Following { flight, place, turn, patience: None },
            Joined::Landed(flight) => Stage::Landed(flight),
            Joined::Alone => Stage::Alone,
            Joined::Overflowed => {
                *stage = Stage::Alone;
                self.policy.shell.emit(Event::RanAlone { policy: self.policy.name() });
                return;
            }
        };
        if let Stage::Following { .. } | Stage::Landed(_) = stage {
            self.policy.shell.emit(Event::Joined { policy: self.policy.name() });
        }
    }

    /// Looks at what has become of the wait, and hands back a waker that is to be dropped afterwards.
    fn wait<O>(&self, place: u32, flight: &Flight<O>, context: &Context<'_>) -> (Waited, Option<Waker>) {
        if flight.outcome().is_some() {
            return (Waited::Landed, None);
        }
        self.policy.flights.wait(&self.identity, self.mark, place, flight, context.waker())
    }

    /// Takes the lead if that of `turn` has lasted for `max_wait` since the call began to wait for it.
    fn overtake<O>(
        &self,
        place: u32,
        flight: &Flight<O>,
        turn: &mut Turn,
        patience: &mut Option<Pin<Box<Sleep>>>,
        context: &mut Context<'_>,
    ) -> Waited {
        let Some(max_wait) = self.policy.config.max_wait else { return Waited::StillWaiting };
        loop {
            if patience.is_none() {
                *patience = clock::sleep(max_wait).map(Box::pin);
            }
            // without a runtime that has timers it is as patient as if it had no `max_wait`
            let Some(timer) = patience else { return Waited::StillWaiting };
            if timer.as_mut().poll(context).is_pending() {
                return Waited::StillWaiting;
            }
            match self.policy.flights.overtake(&self.identity, self.mark, place, flight, *turn) {
                Ok(waited) => return waited,
                Err(present) => {
                    *turn = present;
                    timer.as_mut().reset(clock::now() + max_wait);
                }
            }
        }
    }

    /// Returns whether it waits for a leader for as long as that runs.
    fn is_patient(&self) -> bool {
        self.policy.config.max_wait.is_none()
    }

    fn leave<O>(&self, place: u32, flight: &Flight<O>) {
        if flight.outcome().is_none() {
            self.policy.flights.leave(&self.identity, place, flight);
        }
    }
}

impl Lead<'_> {
    /// Gives the outcome to those who wait.
    #[inline]
    fn land<O: Shareable>(self, outcome: &O, judgement: Judgement) {
        let Seat { policy, identity, turn, .. } = self.0;
        let lease = policy.config.lease(judgement);
        match policy.flights.land(identity, *turn, lease) {
            None => self.keep(),
            Some(flight) => self.deliver(&flight, outcome, lease),
        }
    }

    fn deliver<O: Shareable>(self, flight: &Flight<O>, outcome: &O, lease: Option<Lease>) {
        let Seat { policy, identity, turn, .. } = self.0;
        let waiters = policy.flights.deliver(identity, *turn, flight, outcome, lease);
        // there is no lead any more, whatever the wakers do, and the drop of the outcome
        self.keep();
        if let Some(waiters) = waiters {
            waiters.wake();
        }
    }

    /// Keeps the lead.
    #[inline]
    fn keep(self) {
        // it owns nothing else
        std::mem::forget(self);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.0.policy.flights.release(&self.0.identity, self.0.turn);
    }
}

impl<F: Future<Output: Shareable>> Future for CoalesceFuture<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.as_mut().project();
        let begins = matches!(this.stage, Stage::Outside);
        if begins {
            this.seat.mark = std::ptr::from_ref(this.seat).addr();
            this.seat.begin(this.stage, context.waker());
            *this.runs = true;
        }
        let polled = match this.stage {
            Stage::Leading => self.as_mut().lead(context),
            // its waker is there
            Stage::Following { .. } if begins && this.seat.is_patient() => Poll::Pending,
            _ => self.as_mut().go_on(context),
        };
        let this = self.project();
        if polled.is_ready() && std::mem::replace(this.runs, false) {
            this.seat.policy.shell.count(Ended::Success);
        }
        polled
    }
}

impl<F: Future<Output: Shareable>> CoalesceFuture<'_, F> {
    /// Runs for all.
    #[inline]
    fn lead(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("who leads has not ended");
        // so that a panic gives it to somebody else at once
        *this.stage = Stage::Over;
        let lead = Lead(this.seat);
        match nested::within(this.seat.mark, || future.poll(context)) {
            Poll::Pending => {
                lead.keep();
                *this.stage = Stage::Leading;
                Poll::Pending
            }
            Poll::Ready(outcome) => {
                this.future.set(None);
                let judgement = (this.judge)(&outcome);
                if judgement != Judgement::ForTheCaller {
                    lead.land(&outcome, judgement);
                }
                Poll::Ready(outcome)
            }
        }
    }

    /// Waits, or runs alone: rarely needed, so it is not inlined.
    fn go_on(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.as_mut().project();
        let outcome = match this.stage {
            Stage::Following { flight, place, turn, patience } => {
                let (mut waited, unused) = this.seat.wait(*place, flight, context);
                if waited == Waited::StillWaiting {
                    waited = this.seat.overtake(*place, flight, turn, patience, context);
                }
                match waited {
                    Waited::StillWaiting => return Poll::Pending,
                    Waited::Lead(turn) => {
                        this.seat.turn = turn;
                        *this.stage = Stage::Leading;
                        drop(unused);
                        let policy = this.seat.policy;
                        policy.shell.emit(Event::HandedOver { policy: policy.name() });
                        return self.lead(context);
                    }
                    Waited::Landed => flight.landed(),
                }
            }
            Stage::Landed(flight) => flight.landed(),
            Stage::Alone => return self.run_alone(context),
            Stage::Outside | Stage::Leading | Stage::Over => match *this.future {
                None => panic!("a coalesced call is not polled again after it ended"),
                Some(_) => panic!("a coalesced call is not polled again after it panicked"),
            },
        };
        if (this.judge)(&outcome) == Judgement::ForTheCaller {
            return self.decline(context);
        }
        this.future.set(None);
        *this.stage = Stage::Over;
        Poll::Ready(outcome)
    }

    /// Runs by itself, as what it waited for is not for it.
    #[cold]
    fn decline(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.seat.policy.flights.decline(&self.seat.identity);
        self.run_alone(context)
    }

    fn run_alone(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("who runs alone has not ended");
        // a panic ends it
        *this.stage = Stage::Over;
        let polled = future.poll(context);
        match polled {
            Poll::Pending => *this.stage = Stage::Alone,
            Poll::Ready(_) => this.future.set(None),
        }
        polled
    }
}
