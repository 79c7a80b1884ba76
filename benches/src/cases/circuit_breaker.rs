//! The circuit breaker: closed, open, half-open, and once around all of its states.

mod guards;

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use recloser::Recloser;
use seatbelt::breaker::HalfOpenMode;
use tower_resilience::circuitbreaker::SlidingWindowType;

use self::guards::{
    ByHand, COUNTER, CountedByHand, FLAGS, Guard, Ours, OursClosed, OursOpen, Reply, TimedByHand, consecutive,
    recloser, seatbelt, tower_resilience,
};
use crate::case::{Case, Table};
use crate::drive::{poll, repeat};
use crate::work::{FAILING, answer};

pub(crate) fn tables() -> Vec<Table> {
    vec![when_closed(), with_other_settings(), when_open(), when_half_open(), once_around()]
}

fn when_closed() -> Table {
    Table::new(
        "Circuit breaker, closed",
        "Every call succeeds. Each breaker has its own defaults; ours keeps a window of ten seconds, recloser and \
         tower-resilience one of so many calls. By hand, it is one flag that is read; the counter by hand also counts \
         the call, with one relaxed atomic addition, and is the least that can know a failure rate. tower-resilience \
         with a window of time becomes slower with each call in the window.",
        vec![
            closed("flag by hand", || ByHand(&FLAGS[0])),
            closed("counter by hand", || CountedByHand(&COUNTER)),
            closed("resilient `#[circuit_breaker]`", || OursClosed),
            closed("resilient `CircuitBreaker`", || Ours(Ours::CLOSED)),
            closed("recloser", || recloser(Recloser::custom())),
            closed("failsafe", || failsafe::Config::new().build()),
            closed("seatbelt", || seatbelt(|breaker| breaker)),
            closed("tower-resilience", || tower_resilience(|breaker| breaker)),
            closed("tower-resilience, window of time", || {
                tower_resilience(|breaker| {
                    breaker
                        .sliding_window_type(SlidingWindowType::TimeBased)
                        .sliding_window_duration(Duration::from_secs(10))
                })
            }),
        ],
    )
    .goal(70)
    .shared()
}

fn with_other_settings() -> Table {
    Table::new(
        "Circuit breaker, closed, with other settings",
        "As above, where ours does more for each call: `slow_call` times it, and `count_window` puts its outcome in its \
         place among the last hundred.",
        vec![
            closed("counter by hand", || CountedByHand(&COUNTER)),
            closed("resilient `CircuitBreaker`", || Ours(Ours::CLOSED)),
            closed("resilient `CircuitBreaker`, `slow_call`", || Ours(Ours::TIMED)),
            closed("resilient `CircuitBreaker`, `count_window`", || Ours(Ours::COUNTED)),
        ],
    )
    .shared()
}

fn when_open() -> Table {
    Table::new(
        "Circuit breaker, open",
        "Every call is refused. By hand, timed and counted, the flag has an end, which the clock is asked for, and each refusal \
         counts and says when to come back: the least that can do so with tokio's clock. (tower-resilience has no time for two threads: it waits for a timer when two callers \
         meet.)",
        vec![
            open("flag by hand", || ByHand(&FLAGS[1])),
            open("flag by hand, timed and counted", || TimedByHand),
            open("resilient `#[circuit_breaker]`", || OursOpen),
            open("resilient `CircuitBreaker`", || Ours(Ours::OPEN)),
            open("recloser", || recloser(Recloser::custom().closed_len(1).open_wait(HOUR))),
            open("failsafe", || consecutive(HOUR)),
            open("seatbelt", || seatbelt(|breaker| breaker.min_throughput(1).break_duration(HOUR))),
            open("tower-resilience", || {
                tower_resilience(|breaker| breaker.consecutive_failures(2).wait_duration_in_open(HOUR))
            })
            .alone(),
        ],
    )
    .shared()
}

fn when_half_open() -> Table {
    Table::new(
        "Circuit breaker, half-open",
        "Every call is a probe that is let through and succeeds. Each breaker wants more probes than it gets, so that it stays \
         half-open; after a thousand it is a new one, which two failures open and a millisecond makes half-open. \
         That wait is part of it, so there is no time to compare, and its share of the instructions is small. failsafe \
         and seatbelt are not here, since one probe closes them.",
        vec![
            half_open("resilient `CircuitBreaker`", || {
                Ours::PROBED.reset();
                Ours(Ours::PROBED)
            }),
            half_open("recloser", || {
                recloser(Recloser::custom().closed_len(1).half_open_len(2 * STINT as usize).open_wait(INSTANT))
            }),
            half_open("tower-resilience", || {
                tower_resilience(|breaker| {
                    breaker
                        .consecutive_failures(2)
                        .wait_duration_in_open(INSTANT)
                        .permitted_calls_in_half_open(2 * STINT as usize)
                })
            }),
        ],
    )
    .untimed()
}

fn once_around() -> Table {
    Table::new(
        "Circuit breaker, once around",
        "Two failures open it, it refuses a call, a while later a probe closes it, and another call \
         succeeds. The wait is part of it, so there is no time to compare.",
        vec![
            around("resilient `CircuitBreaker`", || Ours(Ours::BRIEF)),
            around("recloser", || recloser(Recloser::custom().closed_len(1).half_open_len(1).open_wait(BRIEF))),
            around("failsafe", || consecutive(BRIEF)),
            around("seatbelt", || {
                seatbelt(|breaker| {
                    breaker
                        .failure_threshold(0.6)
                        .min_throughput(2)
                        .break_duration(BRIEF)
                        .half_open_mode(HalfOpenMode::quick())
                })
            }),
            around("tower-resilience", || {
                tower_resilience(|breaker| {
                    breaker.consecutive_failures(2).wait_duration_in_open(BRIEF).permitted_calls_in_half_open(1)
                })
            }),
        ],
    )
    .untimed()
}

fn closed<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + 'static) -> Case {
    Case::prepared(name, move || {
        let guard = guard();
        move |calls| {
            let mut guard = guard.clone();
            poll(repeat(calls, async |id| guard.call(id).await.answer()))
        }
    })
}

fn open<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + 'static) -> Case {
    Case::prepared(name, move || {
        let mut guard = guard();
        poll(async { while !matches!(guard.call(FAILING).await, Reply::Refused) {} });
        move |calls| {
            let mut guard = guard.clone();
            poll(repeat(calls, async |id| {
                guard.call(id).await.assert_refused();
                answer(id)
            }))
        }
    })
}

fn half_open<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + Sync + 'static) -> Case {
    Case::new(name, move |calls| {
        poll(async {
            let mut sum = 0;
            for first in (0..calls).step_by(STINT as usize) {
                let mut guard = guard();
                guard.call(FAILING).await.assert_failed();
                guard.call(FAILING).await.assert_failed();
                thread::sleep(INSTANT * 2);
                for id in first..calls.min(first + STINT) {
                    sum += black_box(guard.call(black_box(id)).await.answer());
                }
            }
            sum
        })
    })
}

fn around<G: Guard>(name: &'static str, guard: impl Fn() -> G + Send + 'static) -> Case {
    Case::prepared(name, move || {
        let guard = guard();
        move |calls| {
            let mut guard = guard.clone();
            poll(repeat(calls, async |id| {
                guard.call(FAILING).await.assert_failed();
                guard.call(FAILING).await.assert_failed();
                guard.call(id).await.assert_refused();
                thread::sleep(BRIEF + BRIEF / 5);
                guard.call(id).await.answer();
                guard.call(id).await.answer()
            }))
        }
    })
}

const HOUR: Duration = Duration::from_hours(1);
const BRIEF: Duration = Duration::from_millis(50);
/// The shortest time for which every breaker here can be open.
const INSTANT: Duration = Duration::from_millis(1);
/// The number of probes that a breaker is given.
const STINT: u64 = 1_000;
