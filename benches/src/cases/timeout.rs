//! The time-out: work that is ready at once, and work that has to wait.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use layered::{Execute, Service as _, Stack};
use resilient::{Settled, Timeout, timeout};
use seatbelt::ResilienceContext;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tower::{Layer, Service as _, ServiceExt as _};
use tower_resilience::timelimiter::TimeLimiterLayer;

use crate::case::{Case, Table};
use crate::counted::{Ending, Place, at, under_deadline};
use crate::drive::{poll, repeat, runtime};
use crate::work::{Busy, Failure, Unwell, attempt, attempt_later};

pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::new(
            "Time-out, ready at once",
            "A minute for work that is ready when it is first polled. By hand, the timer is made when the work first \
             has to wait; nothing tells the work of its deadline. By hand and counted, the work is told, each call counts, also if it \
             is dropped, and one that has to wait where there is no runtime is refused.",
            cases!(attempt),
        )
        .goal(80),
        Table::new(
            "Time-out, ready at the second poll",
            "A minute for work that yields once, so that a timer has to be set and removed.",
            cases!(attempt_later),
        ),
    ]
}

/// Writes the cases for either kind of work; a generic function could not name the annotated one.
macro_rules! cases {
    ($work:ident) => {{
        #[timeout("60s")]
        async fn ours(id: u64) -> Result<u64, Failure> {
            $work(id).await
        }

        vec![
            Case::new("timer by hand", |calls| poll(repeat(calls, async |id| by_hand($work(id)).await.unwrap()))),
            Case::new("timer by hand, counted", |calls| {
                let before = COUNTED.sum();
                let sum = poll(repeat(calls, async |id| by_hand_counted($work(id)).await.unwrap()));
                assert!(COUNTED.sum() >= before + calls);
                sum
            }),
            Case::new("resilient `#[timeout]`", |calls| poll(repeat(calls, async |id| ours(id).await.unwrap()))),
            Case::new("resilient `Timeout`", |calls| {
                static POLICY: Timeout = Timeout::named("timeout", MINUTE);
                poll(repeat(calls, async |id| match POLICY.run($work::<Failure>(id)).await {
                    Settled::Outcome(outcome) => outcome.unwrap(),
                    Settled::Rejected(rejection) => panic!("{rejection}"),
                }))
            }),
            Case::service("resilient, as a layer", || {
                static POLICY: Timeout = Timeout::named("layer", MINUTE);
                resilient::tower::policies(&POLICY).layer(tower::service_fn($work::<Failure>))
            }),
            Case::new("tokio", |calls| {
                poll(repeat(calls, async |id| {
                    tokio::time::timeout(MINUTE, $work::<Failure>(id)).await.expect("in time").unwrap()
                }))
            }),
            Case::new("tower", |calls| {
                let mut service = tower::timeout::Timeout::new(tower::service_fn($work::<Unwell>), MINUTE);
                poll(repeat(calls, async |id| service.ready().await.unwrap().call(id).await.unwrap()))
            }),
            Case::prepared("seatbelt", || {
                let _entered = runtime().enter();
                let context = ResilienceContext::new(tick::Clock::new_tokio());
                let service = (
                    seatbelt::timeout::Timeout::layer("timeout", &context).timeout(MINUTE).timeout_error(|_| Busy),
                    Execute::new($work),
                )
                    .into_service();
                move |calls| poll(repeat(calls, async |id| service.execute(id).await.unwrap()))
            }),
            Case::prepared("tower-resilience", || {
                let layer = TimeLimiterLayer::builder().timeout_duration(MINUTE).cancel_running_future(true).build();
                let service = layer.layer(tower::service_fn($work::<Busy>));
                move |calls| {
                    let mut service = service.clone();
                    poll(repeat(calls, async |id| {
                        service.ready().await.expect("ready").call(id).await.expect("in time")
                    }))
                }
            }),
        ]
    }};
}
use cases;

async fn by_hand(work: impl Future<Output = Result<u64, Failure>>) -> Result<u64, Failure> {
    let mut work = pin!(work);
    let mut timer = pin!(None::<Sleep>);
    poll_fn(|context| {
        if let Poll::Ready(outcome) = work.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if timer.is_none() {
            timer.set(Some(sleep(MINUTE)));
        }
        let timer = timer.as_mut().as_pin_mut().expect("it was just set");
        timer.poll(context).map(|()| Err(Failure::Busy))
    })
    .await
}

async fn by_hand_counted(work: impl Future<Output = Result<u64, Failure>>) -> Result<u64, Failure> {
    let mut ending = Ending::at(COUNTED);
    let mut work = pin!(work);
    let mut timer = pin!(None::<Sleep>);
    // a length until the work has to wait, since nobody has asked for it by then
    let mut deadline = MINUTE.as_nanos() as u64;
    let outcome = poll_fn(|context| {
        if let Poll::Ready(outcome) = under_deadline(deadline, || work.as_mut().poll(context)) {
            return Poll::Ready(outcome);
        }
        if timer.is_none() {
            if Handle::try_current().is_err() {
                return Poll::Ready(Err(Failure::Busy));
            }
            let end = Instant::now() + MINUTE;
            deadline = at(end);
            timer.set(Some(sleep_until(end)));
        }
        let timer = timer.as_mut().as_pin_mut().expect("it was just set");
        timer.poll(context).map(|()| Err(Failure::Busy))
    })
    .await;
    ending.end(outcome.is_ok());
    outcome
}

const COUNTED: Place = Place(23);
const MINUTE: Duration = Duration::from_mins(1);
