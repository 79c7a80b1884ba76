use std::future::{Future, IntoFuture, pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;
use tokio::time::{Instant, advance, sleep};

use std::fmt;

use super::*;
use crate::adaptive::Ended;
use crate::book;
use crate::notes::bulkhead::WAITED_NANOS;
use crate::test::record;
use crate::{Class, Deadline, PolicyKind, Settled, Timeout};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    now(future)
}

fn reason<T: fmt::Debug>(outcome: Result<T, Error>) -> Reason {
    let rejection = outcome.expect_err("refused");
    assert_eq!(rejection.policy(), PolicyKind::Bulkhead);
    rejection.reason()
}

const fn single() -> Bulkhead {
    Bulkhead::named("single").limit(1)
}

#[test]
fn is_a_value_for_a_static() {
    static FETCH: Bulkhead = Bulkhead::named("fetch").limit(2).queue(1).max_wait(ms(5)).mode(Mode::Observe);
    static ADAPTIVE: Bulkhead = Bulkhead::named("adaptive").gradient(1, 200, 20).vegas(2, 100, 10).aimd(3, 50, 5);

    assert_eq!((FETCH.name(), FETCH.counts().limit), ("fetch", 2));
    assert_eq!(ADAPTIVE.counts().limit, 5);
}

#[test]
fn does_not_weigh_much() {
    assert_eq!(size_of::<BulkheadPermit<'_>>(), 24);
    assert_eq!(size_of::<BulkheadAcquire<'_>>(), 24);
    let future = size_of_val(&single().run(ready(())));
    assert!(future <= 48, "{future}");
}

#[test]
fn contradictions_do_not_build() {
    let refused = |build: fn() -> Bulkhead| {
        let panic = std::panic::catch_unwind(build).expect_err("built");
        let of_adaptive = || panic.downcast_ref::<&str>().map(ToString::to_string);
        panic.downcast_ref::<String>().cloned().or_else(of_adaptive).expect("a message")
    };

    let messages = [
        refused(|| single().limit(0)),
        refused(|| single().limit(1 << 20)),
        refused(|| single().aimd(0, 10, 5)),
        refused(|| single().vegas(5, 10, 4)),
        refused(|| single().gradient(5, 10, 11)),
        refused(|| single().aimd(5, 1 << 20, 11)),
    ];

    assert!(messages.iter().all(|message| message.starts_with('`')), "{messages:?}");
}

#[tokio::test(start_paused = true)]
async fn lets_in_as_many_as_the_limit_says() {
    let bulkhead = Bulkhead::named("few").limit(3).queue(0);

    let permits: Vec<_> = (0..3).map(|_| bulkhead.try_acquire().unwrap()).collect();

    assert_eq!(reason(bulkhead.try_acquire()), Reason::QueueFull);
    assert_eq!(reason(bulkhead.acquire().await), Reason::QueueFull);
    drop(permits);
    assert!(bulkhead.try_acquire().is_ok());
    assert_eq!((bulkhead.counts().in_use, bulkhead.counts().queue_full), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn waits_in_order() {
    let bulkhead = Arc::new(single().queue(10));
    let first = bulkhead.try_acquire().unwrap();
    let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
    for caller in 0..5 {
        let (bulkhead, done) = (bulkhead.clone(), done.clone());
        tokio::spawn(async move {
            let _permit = bulkhead.acquire().await.unwrap();
            done.send(caller).unwrap();
            sleep(ms(10)).await;
        });
        tokio::task::yield_now().await;
    }
    assert_eq!(bulkhead.counts().waiting, 5);

    drop(first);

    for caller in 0..5 {
        assert_eq!(order.recv().await, Some(caller));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_those_who_wait() {
    let bulkhead = Bulkhead::named("two").limit(2);
    let light = bulkhead.try_acquire().unwrap();
    let mut heavy = bulkhead.entry().weight(2).acquire();
    assert!(poll(&mut heavy).is_none());

    assert!(bulkhead.try_acquire().is_err(), "there is room for one, but another was first");
    drop(light);

    assert_eq!(poll(&mut heavy).unwrap().unwrap().permits(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_heavy_caller_that_gives_up_lets_the_light_ones_behind_it_in() {
    let bulkhead = Bulkhead::named("two").limit(2);
    let _light = bulkhead.try_acquire().unwrap();
    let mut heavy = bulkhead.entry().weight(2).acquire();
    let mut behind = bulkhead.acquire();
    assert!(poll(&mut heavy).is_none() && poll(&mut behind).is_none());

    drop(heavy);

    assert!(poll(&mut behind).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_weighs_more_than_there_is_runs_alone() {
    let bulkhead = Bulkhead::named("four").limit(4);
    let light = bulkhead.try_acquire().unwrap();
    let mut heavy = bulkhead.entry().weight(100).acquire();
    assert!(poll(&mut heavy).is_none());

    drop(light);

    let permit = poll(&mut heavy).unwrap().unwrap();
    assert_eq!((permit.permits(), bulkhead.counts().in_use), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let bulkhead = single().queue(2);
    let _inside = bulkhead.try_acquire().unwrap();
    let mut waiting = [bulkhead.acquire(), bulkhead.acquire()];
    assert!(waiting.iter_mut().all(|acquire| poll(acquire).is_none()));

    let began = Instant::now();

    assert_eq!(reason(bulkhead.acquire().await), Reason::QueueFull);
    assert_eq!(began.elapsed(), Duration::ZERO);
    let counts = bulkhead.counts();
    assert_eq!((counts.waiting, counts.queued, counts.queue_full), (2, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_as_long_as_the_limit_unless_set() {
    let bulkhead = Bulkhead::named("three").limit(3);
    let _inside: Vec<_> = (0..3).map(|_| bulkhead.try_acquire().unwrap()).collect();
    let mut waiting: Vec<_> = (0..3).map(|_| bulkhead.acquire()).collect();
    assert!(waiting.iter_mut().all(|acquire| poll(acquire).is_none()));

    assert_eq!(reason(bulkhead.acquire().await), Reason::QueueFull);
}

#[tokio::test(start_paused = true)]
async fn waits_so_long_and_no_longer() {
    for (bulkhead, limit) in [(single().max_wait(ms(50)), ms(50)), (single(), ms(1_000))] {
        let _inside = bulkhead.try_acquire().unwrap();
        let began = Instant::now();

        assert_eq!(reason(bulkhead.acquire().await), Reason::WaitedTooLong { limit });

        assert_eq!(began.elapsed(), limit);
        assert_eq!((bulkhead.counts().waiting, bulkhead.counts().waited_too_long), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_it_refuses_at_once() {
    let bulkhead = single().max_wait(Duration::ZERO);
    let _inside = bulkhead.try_acquire().unwrap();

    assert_eq!(reason(now(bulkhead.acquire()).unwrap()), Reason::QueueFull);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait() {
    for bulkhead in [single(), single().max_wait(ms(5_000)), single().max_wait(ms(30))] {
        let _inside = bulkhead.try_acquire().unwrap();
        let began = Instant::now();

        let outcome = Deadline::after(ms(30)).scope(bulkhead.acquire()).await;

        assert_eq!(reason(outcome), Reason::DeadlineExceeded);
        assert_eq!(began.elapsed(), ms(30));
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_deadline_alone_it_waits_until_then() {
    let bulkhead = single();
    let inside = bulkhead.try_acquire().unwrap();
    let waiting = Deadline::after(ms(60_000)).scope(bulkhead.acquire());
    let leaving = async {
        sleep(ms(59_000)).await;
        drop(inside);
    };

    let (permit, ()) = tokio::join!(waiting.into_future(), leaving);

    assert!(permit.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_passed_deadline_does_not_wait() {
    let bulkhead = single();
    let _inside = bulkhead.try_acquire().unwrap();
    let deadline = Deadline::after(ms(5));
    advance(ms(5)).await;

    assert_eq!(reason(now(deadline.scope(bulkhead.acquire())).unwrap()), Reason::DeadlineExceeded);
    assert_eq!((bulkhead.counts().queued, bulkhead.counts().deadline_exceeded), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_permit_at_the_last_moment_is_as_good_as_any() {
    let bulkhead = single().max_wait(ms(50));
    let inside = bulkhead.try_acquire().unwrap();
    let mut waiting = bulkhead.acquire();
    assert!(poll(&mut waiting).is_none());

    advance(ms(50)).await;
    drop(inside);

    assert!(poll(&mut waiting).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_while_waiting_leaves_the_queue() {
    let bulkhead = single();
    let inside = bulkhead.try_acquire().unwrap();
    let mut waiting: Vec<_> = (0..1).map(|_| bulkhead.acquire()).collect();
    assert!(poll(&mut waiting[0]).is_none());

    drop(waiting);
    assert_eq!(bulkhead.counts().waiting, 0);

    drop(inside);
    assert!(bulkhead.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_its_caller_never_took_goes_to_the_next() {
    let bulkhead = single().queue(2);
    let inside = bulkhead.try_acquire().unwrap();
    let (mut first, mut second) = (bulkhead.acquire(), bulkhead.acquire());
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());

    drop(inside);
    assert_eq!((bulkhead.counts().in_use, bulkhead.counts().waiting), (1, 1));
    drop(first);

    assert!(poll(&mut second).unwrap().is_ok());
    assert_eq!((bulkhead.counts().in_use, bulkhead.counts().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn high_priority_is_served_first() {
    let bulkhead = single().queue(4);
    let inside = bulkhead.try_acquire().unwrap();
    let mut low = bulkhead.entry().priority(Priority::Low).acquire();
    let mut high = bulkhead.acquire();
    assert!(poll(&mut low).is_none() && poll(&mut high).is_none());

    drop(inside);

    assert!(poll(&mut low).is_none());
    let permit = poll(&mut high).unwrap().unwrap();
    drop(permit);
    assert!(poll(&mut low).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn low_priority_makes_room_in_a_full_queue() {
    let bulkhead = single().queue(2);
    let _inside = bulkhead.try_acquire().unwrap();
    let mut low = [0, 1].map(|_| bulkhead.entry().priority(Priority::Low).acquire());
    assert!(low.iter_mut().all(|acquire| poll(acquire).is_none()));

    let mut high = bulkhead.acquire();
    assert!(poll(&mut high).is_none());

    assert!(poll(&mut low[0]).is_none());
    assert_eq!(reason(poll(&mut low[1]).unwrap()), Reason::QueueFull, "the last of them");
    assert_eq!(reason(now(bulkhead.entry().priority(Priority::Low).acquire()).unwrap()), Reason::QueueFull);
    assert_eq!(bulkhead.counts().waiting, 2);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_added_up_however_it_ends() {
    let bulkhead = Bulkhead::named("adds up").limit(1).max_wait(ms(50));
    let record = || bulkhead.shell.record();
    let waited = || Duration::from_nanos(record().noted(WAITED_NANOS));
    let abandoned = || record().ended()[book::Ended::Abandoned as usize];
    let inside = bulkhead.try_acquire().unwrap();

    let refused = bulkhead.acquire().await;
    assert_eq!((reason(refused), waited(), abandoned()), (Reason::WaitedTooLong { limit: ms(50) }, ms(50), 0));

    assert!(tokio::time::timeout(ms(30), bulkhead.acquire()).await.is_err());
    assert_eq!((waited(), abandoned()), (ms(80), 1), "it was dropped");

    let (permit, ()) = tokio::join!(bulkhead.acquire(), async {
        sleep(ms(20)).await;
        drop(inside);
    });
    assert_eq!((permit.is_ok(), waited(), abandoned()), (true, ms(100), 1));
}

#[tokio::test(start_paused = true)]
async fn growing_lets_those_in_who_wait() {
    let bulkhead = single().queue(3);
    let _inside = bulkhead.try_acquire().unwrap();
    let mut waiting = [0; 3].map(|_| bulkhead.acquire());
    assert!(waiting.iter_mut().all(|acquire| poll(acquire).is_none()));

    bulkhead.set_limit(3);

    let inside: Vec<_> = waiting.iter_mut().filter_map(poll).collect();
    assert_eq!(inside.len(), 2);
    assert_eq!((bulkhead.counts().in_use, bulkhead.counts().waiting), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn shrinking_is_a_debt_that_those_who_leave_pay() {
    let bulkhead = Bulkhead::named("five").limit(5).queue(0);
    let mut inside: Vec<_> = (0..5).map(|_| bulkhead.try_acquire().unwrap()).collect();

    bulkhead.set_limit(2);

    for left in (2..5).rev() {
        assert!(bulkhead.try_acquire().is_err());
        inside.pop();
        assert_eq!(bulkhead.counts().in_use, left);
    }
    assert!(bulkhead.try_acquire().is_err());
    inside.pop();
    assert!(bulkhead.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn shrinking_below_what_a_waiting_call_weighs_does_not_strand_it() {
    let bulkhead = Bulkhead::named("four").limit(4);
    let inside = bulkhead.try_acquire().unwrap();
    let mut heavy = bulkhead.entry().weight(4).acquire();
    assert!(poll(&mut heavy).is_none());

    bulkhead.set_limit(2);
    drop(inside);

    assert_eq!(poll(&mut heavy).unwrap().unwrap().permits(), 2);
}

#[tokio::test(start_paused = true)]
async fn limits_out_of_range_are_taken_for_the_nearest() {
    let bulkhead = single();

    bulkhead.set_limit(0);
    assert_eq!(bulkhead.counts().limit, 1);
    bulkhead.set_limit(u32::MAX);
    assert_eq!(bulkhead.counts().limit, MOST_PERMITS);
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_for_itself() {
    let bulkhead = single();

    let outcome = bulkhead.run(async { bulkhead.run(pending::<()>()).await }).await;

    let Settled::Outcome(Settled::Rejected(rejection)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(rejection.reason(), Reason::Reentrant);
    assert_eq!((bulkhead.counts().reentrant, bulkhead.counts().in_use), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_inside_itself_is_let_in_while_there_is_room() {
    let bulkhead = Bulkhead::named("two").limit(2);

    let outcome = bulkhead.run(async { bulkhead.run(ready(7)).await }).await;

    assert_eq!(outcome, Settled::Outcome(Settled::Outcome(7)));
}

#[tokio::test(start_paused = true)]
async fn calls_beside_each_other_in_one_task_may_wait() {
    let bulkhead = single();

    let (one, other) = tokio::join!(bulkhead.run(sleep(ms(10))), bulkhead.run(async { sleep(ms(10)).await }));

    assert_eq!((one, other), (Settled::Outcome(()), Settled::Outcome(())));
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_inside_another_may_wait() {
    let (outer, inner) = (single(), single());
    let inside = inner.try_acquire().unwrap();
    let leaving = async {
        sleep(ms(10)).await;
        drop(inside);
    };

    let (outcome, ()) = tokio::join!(outer.run(async { inner.run(ready(7)).await }), leaving);

    assert_eq!(outcome, Settled::Outcome(Settled::Outcome(7)));
}

#[tokio::test(start_paused = true)]
async fn the_body_is_dropped_before_its_permit_comes_free() {
    struct Body<'a>(&'a Bulkhead);
    impl Drop for Body<'_> {
        fn drop(&mut self) {
            assert_eq!(self.0.counts().in_use, 1);
        }
    }
    let bulkhead = single();

    let body = Body(&bulkhead);
    let mut call = Box::pin(bulkhead.run(async move {
        let _body = body;
        pending::<()>().await;
    }));
    assert!(poll(&mut call).is_none());
    drop(call);
    assert_eq!(bulkhead.counts().in_use, 0);

    let body = Body(&bulkhead);
    let outcome = bulkhead.run(async move { drop(body) }).await;
    assert_eq!(outcome, Settled::Outcome(()));
}

#[tokio::test(start_paused = true)]
async fn a_panic_gives_the_permit_back() {
    let bulkhead = Arc::new(single());

    let panicking = tokio::spawn({
        let bulkhead = bulkhead.clone();
        async move { bulkhead.run(async { panic!("the body's") }).await }
    });

    assert!(panicking.await.unwrap_err().is_panic());
    assert_eq!(bulkhead.counts().in_use, 0);
    assert!(!crate::nested::is_inside(bulkhead.address()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_refused_is_never_polled() {
    let bulkhead = single().queue(0);
    let _inside = bulkhead.try_acquire().unwrap();

    let outcome = bulkhead.run(async { unreachable!("polled") }).await;

    assert!(matches!(outcome, Settled::<()>::Rejected(_)));
}

#[tokio::test(start_paused = true)]
async fn observing_it_lets_everybody_in_and_counts_whom_it_would_not_have() {
    let bulkhead = single().mode(Mode::Observe);

    let inside: Vec<_> = (0..4).map(|_| bulkhead.try_acquire().unwrap()).collect();
    let waited = now(bulkhead.acquire()).unwrap().unwrap();

    let counts = bulkhead.counts();
    assert_eq!((counts.in_use, counts.observed, counts.queue_full), (5, 4, 0));
    drop((inside, waited));
    bulkhead.set_mode(Mode::Enforce);
    let _inside = bulkhead.try_acquire().unwrap();
    assert!(bulkhead.try_acquire().is_err());
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_counts_nobody() {
    let bulkhead = single().mode(Mode::Off);

    let inside: Vec<_> = (0..4).map(|_| bulkhead.try_acquire().unwrap()).collect();
    assert_eq!(bulkhead.counts().in_use, 0);

    bulkhead.set_mode(Mode::Enforce);
    let _one = bulkhead.try_acquire().unwrap();
    drop(inside);
    assert_eq!(bulkhead.counts().in_use, 1, "they had no permits to give back");
}

#[test]
fn without_a_runtime_a_wait_is_an_error() {
    let bulkhead = single();
    let _inside = bulkhead.try_acquire().unwrap();

    assert_eq!(reason(now(bulkhead.acquire()).unwrap()), Reason::NoRuntime);
    let bulkhead = single().max_wait(Duration::MAX);
    let inside = bulkhead.try_acquire().unwrap();
    let mut waiting = bulkhead.acquire();
    assert!(poll(&mut waiting).is_none(), "a wait without an end needs no timer");
    drop(inside);
    assert!(poll(&mut waiting).unwrap().is_ok());
}

/// It cannot know what an outcome means: a quick failure taken for a success would let more calls in to a server that is down.
#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_learns_nothing_from_a_run_that_cannot_tell_it() {
    let refuses = || async {
        sleep(ms(10)).await;
        Err::<(), _>(Told(Class::Throttled { after: None }))
    };
    for bulkhead in [
        Bulkhead::named("blind").aimd(2, 100, 20),
        Bulkhead::named("blind").vegas(2, 100, 20),
        Bulkhead::named("blind").gradient(2, 100, 20),
    ] {
        let bulkhead = Arc::new(bulkhead.queue(0));
        for round in 0..1_000 {
            let calls: Vec<_> = (0..20)
                .map(|_| {
                    let bulkhead = bulkhead.clone();
                    tokio::spawn(async move {
                        match round % 2 {
                            0 => bulkhead.run(refuses()).await,
                            _ => bulkhead.entry().weight(1).run(refuses()).await,
                        }
                    })
                })
                .collect();
            for call in calls {
                let _ = call.await.unwrap();
            }
        }

        assert_eq!((bulkhead.counts().limit, bulkhead.counts().in_use), (20, 0), "{bulkhead:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_run_that_teaches_nothing_is_said_and_no_other() {
    let (bulkhead, log) = (Bulkhead::named("blind").aimd(2, 100, 20), record());
    let said = || log.count(|event| matches!(event, Event::LearnsNothing { policy: "blind", .. }));
    assert_eq!(bulkhead.run_adaptive(ready(Ok::<_, Error>(()))).await, Settled::Outcome(Ok(())));
    assert_eq!(said(), 0);

    for _ in 0..3 {
        assert_eq!(bulkhead.run(ready(())).await, Settled::Outcome(()));
        assert_eq!(said(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_follows_what_it_is_told() {
    let bulkhead = Arc::new(Bulkhead::named("adaptive").aimd(2, 100, 50).queue(0));
    let call = |class: Class| {
        let bulkhead = bulkhead.clone();
        async move {
            let settle = async move {
                sleep(ms(10)).await;
                match class {
                    Class::Success => Ok(()),
                    class => Err(Told(class)),
                }
            };
            bulkhead.run_adaptive(settle).await
        }
    };

    for _ in 0..500 {
        let calls: Vec<_> = (0..20).map(|_| tokio::spawn(call(Class::Throttled { after: None }))).collect();
        for call in calls {
            let _ = call.await.unwrap();
        }
    }
    let after_refusals = bulkhead.counts().limit;
    assert!(after_refusals < 40, "{after_refusals}");

    for _ in 0..2_000 {
        let calls: Vec<_> = (0..after_refusals).map(|_| tokio::spawn(call(Class::Success))).collect();
        for call in calls {
            let _ = call.await.unwrap();
        }
    }
    assert!(bulkhead.counts().limit > after_refusals);

    let limit = bulkhead.counts().limit;
    for _ in 0..500 {
        let calls: Vec<_> = (0..limit).map(|_| tokio::spawn(call(Class::Transient))).collect();
        for call in calls {
            let _ = call.await.unwrap();
        }
    }
    assert_eq!(bulkhead.counts().limit, limit, "failures tell nothing");
}

#[derive(Debug)]
struct Told(Class);

impl crate::Classify for Told {
    fn class(&self) -> Class {
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_end_means_for_a_limit_that_adapts() {
    let told = |class| run::ended(None, || class);
    let refused = |reason| run::ended(Some(&Error::new(PolicyKind::Timeout, "inner", reason)), || Class::Success);

    assert_eq!(told(Class::Success), Ended::Success);
    assert_eq!(told(Class::Throttled { after: None }), Ended::Dropped);
    assert_eq!(told(Class::Transient), Ended::Ignored);
    assert_eq!(told(Class::Permanent), Ended::Ignored);
    assert_eq!(refused(Reason::TimedOut { limit: ms(1) }), Ended::Dropped);
    assert_eq!(refused(Reason::QueueFull), Ended::Ignored);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_around_it_gives_the_place_back() {
    static OUTER: Timeout = Timeout::named("outer", ms(20));
    let bulkhead = single().max_wait(ms(5_000));
    let _inside = bulkhead.try_acquire().unwrap();

    let outcome = OUTER.run(bulkhead.run(ready(()))).await;

    assert!(matches!(outcome, Settled::Rejected(_) | Settled::Outcome(Settled::Rejected(_))));
    assert_eq!(bulkhead.counts().waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_never_run_more_than_there_are_permits() {
    use std::sync::atomic::AtomicU32;
    static INSIDE: AtomicU32 = AtomicU32::new(0);
    let bulkhead = Arc::new(Bulkhead::named("threads").limit(3).queue(1_000).max_wait(Duration::MAX));

    let calls: Vec<_> = (0..1_000)
        .map(|call| {
            let bulkhead = bulkhead.clone();
            tokio::spawn(async move {
                let entry = bulkhead.entry().weight(1 + call % 2);
                let priority = if call % 3 == 0 { Priority::Low } else { Priority::High };
                let permit = entry.priority(priority).acquire().await.unwrap();
                let inside = INSIDE.fetch_add(permit.permits(), Relaxed) + permit.permits();
                assert!(inside <= 3, "{inside}");
                tokio::task::yield_now().await;
                INSIDE.fetch_sub(permit.permits(), Relaxed);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }

    let counts = bulkhead.counts();
    assert_eq!((counts.in_use, counts.waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_forgotten_when_callers_come_and_go_at_random() {
    let bulkhead = Arc::new(Bulkhead::named("random").limit(2).queue(1_000).max_wait(Duration::MAX));
    let mut callers = Vec::new();
    for caller in 0_u64..500 {
        let bulkhead = bulkhead.clone();
        let (cancel, cancelled) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = cancelled => None,
                outcome = bulkhead.run(sleep(ms(1 + caller % 7))) => Some(outcome),
            }
        });
        if caller % 3 == 0 {
            tokio::spawn(async move {
                sleep(ms(caller % 50)).await;
                let _ = cancel.send(());
            });
        } else {
            std::mem::forget(cancel);
        }
        callers.push(task);
    }

    for caller in callers {
        caller.await.unwrap();
    }
    let counts = bulkhead.counts();
    assert_eq!((counts.in_use, counts.waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_high_one_for_which_there_is_room_takes_nobodys_place() {
    let bulkhead = Bulkhead::named("two").limit(2).queue(1);
    let _permit = bulkhead.try_acquire().unwrap();
    let mut heavy = pin!(bulkhead.entry().weight(2).priority(Priority::Low).acquire());
    assert!(poll(&mut heavy).is_none());

    assert!(poll(&mut pin!(bulkhead.acquire())).is_some_and(|result| result.is_ok()));

    assert!(poll(&mut heavy).is_none(), "it still waits");
}

#[tokio::test(start_paused = true)]
async fn a_light_one_does_not_overtake_a_heavy_one_of_its_priority_though_the_queue_is_full() {
    for priority in [Priority::High, Priority::Low] {
        let bulkhead = Bulkhead::named("two").limit(2).queue(1);
        let _permit = bulkhead.try_acquire().unwrap();
        let mut heavy = pin!(bulkhead.entry().weight(2).priority(priority).acquire());
        assert!(poll(&mut heavy).is_none());

        let light = poll(&mut pin!(bulkhead.entry().priority(priority).acquire()));

        assert!(light.is_some_and(|result| result.is_err()), "{priority:?}");
        assert_eq!(bulkhead.counts().in_use, 1, "{priority:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_bulkhead_of_a_key_is_as_new_while_nobody_is_in_it_or_waits() {
    let bulkhead = Bulkhead::named("keys").limit(2);
    let look = || (bulkhead.activity(), bulkhead.is_in_trouble(), bulkhead.is_as_new(true));
    assert_eq!(look(), (0, false, true));

    let one = bulkhead.try_acquire().unwrap();
    assert_eq!(look(), (1, false, false));
    let two = bulkhead.try_acquire().unwrap();
    let mut waiting = pin!(bulkhead.acquire());
    assert!(poll(&mut waiting).is_none());
    assert_eq!(look(), (3, true, false));

    drop((one, two));
    drop(poll(&mut waiting).unwrap().unwrap());
    assert_eq!(look(), (0, false, true));
    assert!(!Bulkhead::named("keys").vegas(2, 100, 10).is_as_new(true), "it may have learnt");
}

#[test]
fn the_bulkhead_of_a_key_is_kept_while_its_limit_or_its_mode_is_another() {
    let bulkhead = Bulkhead::named("keys").limit(2);
    assert!(!bulkhead.is_held_by_hand());

    bulkhead.set_limit(3);
    assert!(bulkhead.is_held_by_hand());
    bulkhead.set_limit(2);
    assert!(!bulkhead.is_held_by_hand());
    bulkhead.set_mode(Mode::Observe);
    assert!(bulkhead.is_held_by_hand());
    assert!(!Bulkhead::named("keys").vegas(2, 100, 10).is_held_by_hand(), "by its algorithm");
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_teaches_its_limit_nothing() {
    let bulkhead = Bulkhead::named("off").aimd(1, 100, 20).mode(Mode::Off);

    for _ in 0..200 {
        let permit = bulkhead.acquire().await.unwrap();
        advance(ms(50)).await;
        let _ = permit.settle(Err::<(), _>(Error::new(PolicyKind::Timeout, "off", Reason::TimedOut { limit: ms(1) })));
    }

    assert_eq!(bulkhead.counts().limit, 20);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_settled_teaches_its_limit_and_is_counted_by_its_outcome() {
    let bulkhead = Bulkhead::named("settled").aimd(1, 100, 20);
    let ended = |end: book::Ended| bulkhead.shell.record().ended()[end as usize];

    for _ in 0..200 {
        let permit = bulkhead.acquire().await.unwrap();
        advance(ms(50)).await;
        let slow = Error::new(PolicyKind::Timeout, "settled", Reason::TimedOut { limit: ms(1) });
        assert!(permit.settle(Err::<(), _>(slow)).is_err());
    }

    assert!(bulkhead.counts().limit < 20, "{:?}", bulkhead.counts());
    assert_eq!((ended(book::Ended::Transient), ended(book::Ended::Success)), (200, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_let_in_without_a_permit_does_not_wait_for_itself() {
    let bulkhead = single().mode(Mode::Off);

    let outer = bulkhead.run(async {
        bulkhead.set_mode(Mode::Enforce);
        let permit = bulkhead.try_acquire().unwrap();
        let leave = async {
            sleep(ms(10)).await;
            drop(permit);
        };
        tokio::join!(bulkhead.run(ready(())), leave).0
    });

    assert_eq!(outer.await, Settled::Outcome(Settled::Outcome(())));
}

#[tokio::test(start_paused = true)]
async fn the_list_says_how_full_it_is_and_between_what_its_limit_moves() {
    let bulkhead = Bulkhead::named("listed").vegas(2, 40, 5).queue(7).max_wait(ms(50));
    let _inside = bulkhead.entry().weight(5).try_acquire().unwrap();
    let mut waiting = bulkhead.acquire();
    assert!(poll(&mut waiting).is_none());

    let mut description = Description::default();
    bulkhead.describe_to(&mut description);

    assert_eq!(description.levels, [("limit", 5.0), ("in_use", 5.0), ("waiting", 1.0)]);
    let settings: Vec<_> = description.settings.iter().map(|setting| (setting.key, &*setting.value)).collect();
    let range = [("limit", "5"), ("min_limit", "2"), ("max_limit", "40"), ("initial_limit", "5")];
    assert_eq!(settings, [&range[..], &[("queue", "7"), ("max_wait", "50ms")]].concat());
}

#[tokio::test(start_paused = true)]
async fn counts_each_reason_by_itself() {
    let bulkhead = single().max_wait(ms(20));
    let _permit = bulkhead.try_acquire().unwrap();

    assert_eq!(reason(bulkhead.acquire().await), Reason::WaitedTooLong { limit: ms(20) });
    for _ in 0..2 {
        assert_eq!(reason(Deadline::after(ms(5)).scope(bulkhead.acquire()).await), Reason::DeadlineExceeded);
    }
    std::thread::scope(|threads| {
        let off_a_runtime = || reason(now(bulkhead.acquire()).expect("at once"));
        let reason = threads.spawn(off_a_runtime).join();
        assert_eq!(reason.unwrap(), Reason::NoRuntime);
    });

    let counts = bulkhead.counts();
    assert_eq!((counts.waited_too_long, counts.deadline_exceeded, counts.no_runtime), (1, 2, 1));
}

#[test]
fn a_call_that_ends_with_its_thread_is_no_panic() {
    static BULKHEAD: Bulkhead = Bulkhead::named("late").limit(1);
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            assert_eq!(now(BULKHEAD.run(ready(()))), Some(Settled::Outcome(())));
        }
    }
    thread_local! {
        static LATE: Late = const { Late };
    }

    // made first, dropped last on most platforms; the other order must do as well
    let ends = [true, false].map(|late_first| {
        let end = move || {
            if late_first {
                LATE.with(|_| ());
            }
            now(BULKHEAD.run(ready(())));
            LATE.with(|_| ());
        };
        std::thread::spawn(end).join()
    });

    assert!(ends.iter().all(Result::is_ok));
    assert_eq!(BULKHEAD.counts().in_use, 0);
}

#[test]
fn of_two_limits_that_are_learnt_at_once_the_newer_stays() {
    let bulkhead = single();
    // while this thread applies 5, another comes to know 7
    let asked = std::cell::Cell::new(0);

    bulkhead.gate.resize(|| if asked.replace(asked.get() + 1) == 0 { 5 } else { 7 });

    assert_eq!(bulkhead.counts().limit, 7);
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_for_itself_through_others() {
    let (outer, middle, inner) = (single(), single(), single());

    let call = outer.run(middle.run(inner.run(async {
        sleep(ms(1)).await;
        [reason(outer.acquire().await), reason(middle.acquire().await), reason(inner.acquire().await)]
    })));

    let flatten = |settled: Settled<_>| settled.flatten();
    assert_eq!(flatten(call.await).flatten(), Settled::Outcome([Reason::Reentrant; 3]));
    let held = outer.try_acquire().unwrap();
    assert_eq!(reason(outer.acquire().await), Reason::WaitedTooLong { limit: ms(1_000) }, "nothing is left of it");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_it_is_switched_off_is_let_in() {
    for mode in [Mode::Observe, Mode::Off] {
        let bulkhead = single().queue(3);
        let inside = bulkhead.try_acquire().unwrap();
        let mut waiting = [0; 3].map(|_| bulkhead.acquire());
        assert!(waiting.iter_mut().all(|acquire| poll(acquire).is_none()));

        bulkhead.set_mode(mode);

        let permits = waiting.each_mut().map(|acquire| poll(acquire).unwrap().unwrap());
        assert_eq!((bulkhead.counts().in_use, bulkhead.counts().waiting), (4, 0));
        drop((inside, permits));
        assert_eq!(bulkhead.counts().in_use, 0);
    }
}

mod leaving;
