//! The hedge: a first attempt that is ready at once, and one that has to wait for a moment.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use layered::{Execute, Service as _, Stack};
use resilient::{Hedge, hedge};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};
use tower::{Layer as _, Service as _, ServiceExt as _};
use tower_resilience::hedge::HedgeLayer;

use crate::case::{Case, Table};
use crate::counted::{Ending, Place};
use crate::drive::{poll, repeat, runtime};
use crate::work::{Busy, Failure, Unwell, attempt, attempt_later};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "Hedge, first attempt ready at once",
            "A second attempt after a minute, for work that is ready when it is first polled. By hand, the timer is made when the \
             work first has to wait, and nothing limits how many second attempts there are. By hand and counted, one call in ten may have a \
             second attempt, each call counts by its outcome, also if it is dropped, and one that has to wait where there is no runtime \
             goes on without.",
            cases!(attempt),
        )
        .goal_beside(12, "tokio `select!` and `sleep`", 50),
        Table::new(
            "Hedge, first attempt ready at the second poll",
            "A second attempt after a minute, for work that yields once, so that a timer has to be set and removed. Ours in the \
             last row learns the delay, and so reads the clock twice.",
            cases!(attempt_later),
        ),
    ]
}

/// Writes the cases for either kind of work; a generic function could not name the annotated one.
macro_rules! cases {
    ($work:ident) => {{
        #[hedge(idempotent, after = "60s")]
        async fn ours(id: u64) -> Result<u64, Failure> {
            $work(id).await
        }
        #[hedge(idempotent)]
        async fn learning(id: u64) -> Result<u64, Failure> {
            $work(id).await
        }

        vec![
            Case::new("timer by hand", |calls| {
                poll(repeat(calls, async |id| by_hand(|| $work::<Failure>(id)).await.unwrap()))
            }),
            Case::new("timer by hand, counted", |calls| {
                poll(repeat(calls, async |id| by_hand_counted(|| $work::<Failure>(id)).await.unwrap()))
            }),
            Case::new("resilient `#[hedge]`", |calls| poll(repeat(calls, async |id| ours(id).await.unwrap()))),
            Case::new("resilient `Hedge`", |calls| {
                static POLICY: Hedge = Hedge::named("hedge").after(MINUTE);
                poll(repeat(calls, async |id| POLICY.run(|| $work::<Failure>(id)).await.unwrap()))
            }),
            Case::new("resilient `#[hedge]`, learning", |calls| {
                poll(repeat(calls, async |id| learning(id).await.unwrap()))
            }),
            Case::new("tokio `select!` and `sleep`", |calls| {
                poll(repeat(calls, async |id| selected(|| $work::<Failure>(id)).await.unwrap()))
            }),
            Case::prepared("seatbelt", || {
                let _entered = runtime().enter();
                let context = ResilienceContext::new(tick::Clock::new_tokio());
                let service = (
                    seatbelt::hedging::Hedging::layer("hedge", &context)
                        .clone_input()
                        .recovery_with(|outcome: &Result<u64, Busy>, _| match outcome {
                            Ok(_) => RecoveryInfo::never(),
                            Err(_) => RecoveryInfo::retry(),
                        })
                        .hedging_delay(MINUTE),
                    Execute::new($work),
                )
                    .into_service();
                move |calls| poll(repeat(calls, async |id| service.execute(id).await.unwrap()))
            }),
            Case::new("tower", |calls| {
                let work = tower::service_fn($work::<Unwell>);
                let mut service = tower::hedge::Hedge::new(work, Always, 10, 0.95, MINUTE);
                poll(repeat(calls, async |id| service.ready().await.unwrap().call(id).await.unwrap()))
            }),
            Case::prepared("tower-resilience", || {
                let layer = HedgeLayer::builder().delay(MINUTE).max_hedged_attempts(2).build();
                let service = layer.layer(tower::service_fn($work::<Busy>));
                move |calls| {
                    let mut service = service.clone();
                    poll(repeat(calls, async |id| service.ready().await.unwrap().call(id).await.unwrap()))
                }
            }),
        ]
    }};
}
use cases;

async fn by_hand<F: Future>(work: impl Fn() -> F) -> F::Output {
    let mut first = pin!(work());
    let mut timer = pin!(None::<Sleep>);
    let mut second = pin!(None::<F>);
    poll_fn(|context| {
        if let Poll::Ready(outcome) = first.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if timer.is_none() {
            timer.set(Some(sleep(MINUTE)));
        }
        if second.is_none() {
            let timer = timer.as_mut().as_pin_mut().expect("it was just set");
            if timer.poll(context).is_pending() {
                return Poll::Pending;
            }
            second.set(Some(work()));
        }
        second.as_mut().as_pin_mut().expect("it was just set").poll(context)
    })
    .await
}

async fn by_hand_counted<F: Future<Output = Result<u64, Failure>>>(work: impl Fn() -> F) -> Result<u64, Failure> {
    let mut ending = Ending::at(HEDGED);
    let mut first = pin!(work());
    let mut timer = pin!(None::<Sleep>);
    let mut second = pin!(None::<F>);
    let outcome = poll_fn(|context| {
        if let Poll::Ready(outcome) = first.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if timer.is_none() {
            if Handle::try_current().is_err() {
                return Poll::Pending;
            }
            timer.set(Some(sleep(MINUTE)));
        }
        if second.is_none() {
            let timer = timer.as_mut().as_pin_mut().expect("it was just set");
            if timer.poll(context).is_pending() || SECONDS.sum() * 10 > HEDGED.sum() {
                return Poll::Pending;
            }
            SECONDS.count();
            second.set(Some(work()));
        }
        second.as_mut().as_pin_mut().expect("it was just set").poll(context)
    })
    .await;
    ending.end(outcome.is_ok());
    outcome
}

async fn selected<F: Future>(work: impl Fn() -> F) -> F::Output {
    let mut first = pin!(work());
    tokio::select! {
        biased;
        outcome = &mut first => outcome,
        () = sleep(MINUTE) => {
            tokio::select! {
                outcome = &mut first => outcome,
                outcome = work() => outcome,
            }
        }
    }
}

/// Tower's policy: every request may be sent twice.
#[derive(Clone)]
struct Always;

impl tower::hedge::Policy<u64> for Always {
    fn clone_request(&self, request: &u64) -> Option<u64> {
        Some(*request)
    }

    fn can_retry(&self, _request: &u64) -> bool {
        true
    }
}

const HEDGED: Place = Place(28);
const SECONDS: Place = Place(30);
const MINUTE: Duration = Duration::from_mins(1);
