//! Outcomes that are given out while they are renewed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use super::flights::{Flights, Freshness, Hold, Identity, Turn};
use super::run::{CoalesceCall, CoalesceFuture, Judge, Judgement};
use super::{Coalesce, Shareable};
use crate::book::Ended;
use crate::{Event, Mode};

/// An outcome that says whether it is good, and so may be given out when it is stale.
#[diagnostic::on_unimplemented(
    message = "`stale_while_revalidate` gives out good outcomes only, and `{Self}` does not say whether it is one",
    label = "not a `Result`",
    note = "return a `Result`, whose `Ok` is good, or implement `resilient::call::Renewable` for the type"
)]
pub trait Renewable {
    /// Returns whether it may be given out when it is stale, and may take the place of an older one.
    fn is_good(&self) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T, E> Renewable for Result<T, E> {
    fn is_good(&self) -> bool {
        self.is_ok()
    }
}

#[diagnostic::do_not_recommend]
impl<O: Renewable + ?Sized> Renewable for Arc<O> {
    fn is_good(&self) -> bool {
        (**self).is_good()
    }
}

pin_project! {
    /// The return value of [`CoalesceCall::run_renewing`] and its like.
    #[must_use = "futures do nothing unless polled"]
    pub struct CoalesceRenewing<'a, F: Future> {
        #[pin]
        step: Step<'a, F>,
        judge: Judge<F::Output>,
    }
}

pin_project! {
    #[project = StepProjection]
    #[project_replace = StepReplaced]
    enum Step<'a, F: Future> {
        // The future is not pinned yet, so that it can still become a task.
        Outside { call: CoalesceCall<'a>, future: F },
        Running {
            #[pin]
            run: CoalesceFuture<'a, F>,
        },
        Over,
    }
}

impl<'a, F: Future> CoalesceRenewing<'a, F> {
    pub(super) const fn new(call: CoalesceCall<'a>, future: F, judge: Judge<F::Output>) -> Self {
        Self { step: Step::Outside { call, future }, judge }
    }
}

impl<F: Future> fmt::Debug for CoalesceRenewing<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceRenewing").finish_non_exhaustive()
    }
}

impl<F> Future for CoalesceRenewing<'static, F>
where
    F: Future<Output: Shareable> + Send + 'static,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let StepProjection::Outside { .. } = this.step.as_mut().project() {
            let StepReplaced::Outside { call, future } = this.step.as_mut().project_replace(Step::Over) else {
                unreachable!("it was just looked at");
            };
            match found(call, future, *this.judge) {
                Ok(outcome) => {
                    call.policy().shell.count(Ended::Success);
                    return Poll::Ready(outcome);
                }
                Err(future) => this.step.set(Step::Running { run: call.begin(future, *this.judge) }),
            }
        }
        match this.step.project() {
            StepProjection::Running { run } => run.poll(context),
            StepProjection::Outside { .. } | StepProjection::Over => {
                panic!("a coalesced call is not polled again after it ended")
            }
        }
    }
}

/// The outcome that is held. If it is stale and nobody renews it, the future becomes the task that does. Without an outcome, the future comes back.
fn found<F>(call: CoalesceCall<'static>, future: F, judge: Judge<F::Output>) -> Result<F::Output, F>
where
    F: Future<Output: Shareable> + Send + 'static,
{
    let policy = call.policy();
    let lease = policy.config.lease(Judgement::Good).filter(|lease| lease.stale > 0);
    if lease.is_none() || policy.shell.mode() != Mode::Enforce {
        return Err(future);
    }
    let Ok(runtime) = Handle::try_current() else { return Err(future) };
    let identity = call.identity::<F>();
    let (found, forgotten) = policy.flights.held::<F::Output>(Hold::from_now(lease), &identity);
    let Some(found) = found else {
        drop(forgotten);
        return Err(future);
    };
    if let Freshness::ToRenew(turn) = found.freshness {
        let right = Renewing { policy, identity, turn, gives_up: Flights::not_renewed::<F::Output>, is_over: false };
        runtime.spawn(Renewal { future, right, judge });
    }
    drop(forgotten);
    let policy_name = policy.name();
    policy.shell.emit(match found.freshness {
        Freshness::Fresh => Event::Joined { policy: policy_name },
        Freshness::Stale | Freshness::ToRenew(_) => Event::GaveStale { policy: policy_name },
    });
    Ok(found.flight.landed())
}

pin_project! {
    /// A run behind the calls.
    struct Renewal<F: Future> {
        // before the right to renew ends
        #[pin]
        future: F,
        right: Renewing,
        judge: Judge<F::Output>,
    }
}

/// The right to renew the outcome of a key, which ends with it.
struct Renewing {
    policy: &'static Coalesce,
    identity: Identity,
    turn: Turn,
    /// Ends it without an outcome.
    gives_up: fn(&Flights, &Identity, Turn, Duration),
    is_over: bool,
}

impl Renewing {
    fn renew<O: Shareable>(&mut self, outcome: O) {
        let Self { policy, identity, turn, .. } = *self;
        self.is_over = true;
        policy.flights.renew(&identity, turn, outcome, policy.config.lease(Judgement::Good));
        policy.shell.emit(Event::Renewed { policy: policy.name() });
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        if !self.is_over {
            let Self { policy, identity, turn, gives_up, .. } = *self;
            gives_up(&policy.flights, &identity, turn, policy.config.hold.unwrap_or_default());
            policy.shell.emit(Event::NotRenewed { policy: policy.name() });
        }
    }
}

impl<F: Future<Output: Shareable>> Future for Renewal<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let outcome = ready!(this.future.poll(context));
        if (this.judge)(&outcome) == Judgement::Good {
            this.right.renew(outcome);
        }
        Poll::Ready(())
    }
}
