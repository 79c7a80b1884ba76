//! The promises of each form, and of each thing that can be set before it.

use std::collections::VecDeque;

use tokio::sync::{Notify, mpsc};

use super::*;
use crate::{Deadline, Error, Reason, Settled, Timeout, fan::Settlement};

async fn after(delay: u64) -> u64 {
    sleep(ms(delay)).await;
    delay
}

/// Fails if it is odd.
async fn even(delay: u64) -> Result<u64, u64> {
    sleep(ms(delay)).await;
    if delay.is_multiple_of(2) { Ok(delay) } else { Err(delay) }
}

fn stream_of<T>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    futures_util::stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)))
}

/// Counts what a future is polled.
fn counting<F: Future>(polls: &Cell<usize>, future: F) -> impl Future<Output = F::Output> {
    let mut future = Box::pin(future);
    poll_fn(move |cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
}

mod ordered {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn yields_in_the_order_of_the_input() {
        let outputs: Vec<_> = FanOut::new([40, 10, 30, 20], after).limit(3).ordered().collect().await;

        assert_eq!(outputs, [40, 10, 30, 20]);
    }

    #[test]
    fn a_slow_head_holds_up_no_more_than_the_limit() {
        let taken = Cell::new(0);
        let gates = Gates::new(1);
        let items = (0..100).inspect(|_| taken.set(taken.get() + 1));
        let mut stream =
            FanOut::new(items, |n| if n == 0 { gates.clone().pass(0).boxed_local() } else { ready(n).boxed_local() })
                .limit(5)
                .ordered();

        for _ in 0..20 {
            assert!(poll_once(&mut stream.next()).is_pending());
        }

        assert_eq!(taken.get(), 5);
        gates.open(0);
        let rest: Vec<_> = stream.collect().now_or_never().expect("all are ready");
        assert!(rest.into_iter().eq(0..100));
    }

    #[test]
    fn takes_more_input_as_soon_as_an_output_is_handed_out() {
        let taken = Cell::new(0);
        let items = (0..100).inspect(|_| taken.set(taken.get() + 1));
        let mut stream = FanOut::new(items, ready).limit(5).ordered();

        for n in 0..10 {
            assert_eq!(poll_once(&mut stream.next()), Poll::Ready(Some(n)));
            assert!(taken.get() <= n + 5, "{} taken at {n}", taken.get());
        }
        assert_eq!(stream.size_hint(), (90, Some(90)));
    }

    #[tokio::test]
    async fn a_consumer_of_ready_outputs_lets_other_tasks_run() {
        let (turns, finished) = (Cell::new(0), Cell::new(false));

        let (count, ()) = tokio::join!(
            async {
                let count = FanOut::new(0..10_000, ready::<i32>).ordered().count().await;
                finished.set(true);
                count
            },
            async {
                while !finished.get() {
                    turns.set(turns.get() + 1);
                    yield_now().await;
                }
            }
        );

        assert_eq!(count, 10_000);
        assert!(turns.get() >= 10_000 / 128 / 2, "the other future had {} turns", turns.get());
    }

    #[tokio::test(start_paused = true)]
    async fn children_that_share_a_lock_finish_under_a_slow_consumer() {
        let lock = tokio::sync::Mutex::new(());
        let mut stream = FanOut::new(0..20, async |n| {
            let _guard = lock.lock().await;
            sleep(ms(1)).await;
            n
        })
        .limit(4)
        .ordered();

        for n in 0..20 {
            assert_eq!(stream.next().await, Some(n));
            sleep(ms(100)).await;
        }
        assert_eq!(stream.next().await, None);
        assert!(stream.is_terminated());
    }

    #[tokio::test]
    async fn many_children_are_polled_once_each_however_the_outputs_are_taken() {
        const ITEMS: usize = 160_000;
        let polls = Cell::new(0);

        let outputs =
            FanOut::new(0..ITEMS, |n| poll_fn(move |_| Poll::Ready(n)).inspect(|_| polls.set(polls.get() + 1)));

        assert_eq!(outputs.limit(1_000).ordered().count().await, ITEMS);
        assert_eq!(polls.get(), ITEMS);
    }

    #[tokio::test]
    async fn a_panic_drops_the_children_and_keeps_what_had_finished() {
        let census = Census::default();
        let mut stream = FanOut::new([0, 1, 2], |n| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                if n == 1 {
                    yield_now().await;
                    panic!("child {n} broke");
                }
                if n == 2 {
                    pending::<()>().await;
                }
                n
            }
        })
        .ordered();

        assert_eq!(stream.next().await, Some(0));
        AssertUnwindSafe(stream.next()).catch_unwind().await.unwrap_err();

        assert_eq!(census.alive(), 0);
        assert_eq!(stream.next().await, None);
    }
}

mod quorum {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn returns_the_first_successes_in_time_and_drops_the_rest() {
        let start = Instant::now();

        let outcome = FanOut::new([40, 10, 30, 1, 1_000], even).quorum(2).await;

        assert_eq!(outcome, Ok(vec![10, 30]));
        assert_eq!(start.elapsed(), ms(30));
    }

    #[tokio::test(start_paused = true)]
    async fn fails_as_soon_as_it_can_no_longer_be_reached() {
        let start = Instant::now();

        let outcome = FanOut::new([1_000, 3, 1, 10], even).quorum(3).await;

        assert_eq!(outcome, Err(vec![1, 3]));
        assert_eq!(start.elapsed(), ms(3));
    }

    #[tokio::test]
    async fn none_needed_is_reached_without_launching_any() {
        let launched = Cell::new(0);

        let outcome = FanOut::new([2, 4], |n| even(n).inspect(|_| launched.set(launched.get() + 1))).quorum(0).await;

        assert_eq!((outcome, launched.get()), (Ok(vec![]), 0));
    }

    #[tokio::test]
    async fn more_than_there_are_fails_without_launching_any() {
        let launched = Cell::new(0);
        let run = |n| {
            launched.set(launched.get() + 1);
            even(n)
        };

        assert_eq!(FanOut::new([2, 4], run).quorum(3).await, Err(vec![]));
        assert_eq!(launched.get(), 0);
        assert_eq!(FanOut::new([2, 4].into_iter().filter(|_| true), run).quorum(3).await, Err(vec![]));
    }

    proptest! {
        #[test]
        fn is_reached_exactly_if_there_are_so_many_successes(
            delays in prop::collection::vec(0_u64..50, 0..30),
            needed in 0_usize..30,
            limit in 1_usize..10,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
            let possible = delays.iter().filter(|delay| delay.is_multiple_of(2)).count();

            match runtime.block_on(async { FanOut::new(delays.clone(), even).limit(limit).quorum(needed).await }) {
                Ok(values) => prop_assert_eq!(values.len(), needed),
                Err(_) => prop_assert!(possible < needed),
            }
        }
    }
}

mod settle_within {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tells_what_has_finished_from_what_has_not() {
        let (start, census) = (Instant::now(), Census::default());

        let settled = FanOut::new([10, 1_000, 5, 2_000, 1, 2], |delay| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                even(delay).await
            }
        })
        .limit(2)
        .settle_within(ms(12))
        .await;

        let unfinished = Settlement::Unfinished;
        assert_eq!(settled, [Settlement::Ok(10), unfinished, unfinished, unfinished, unfinished, unfinished]);
        assert_eq!((start.elapsed(), census.alive(), census.most()), (ms(12), 0, 2));
        let settled = FanOut::new([10, 5, 1_000], even).settle_within(ms(12)).await;
        assert_eq!(settled, [Settlement::Ok(10), Settlement::Err(5), unfinished]);
    }

    #[tokio::test(start_paused = true)]
    async fn returns_early_when_all_have_finished() {
        let start = Instant::now();

        let settled = FanOut::new([2, 3], even).settle_within(ms(100)).await;

        assert_eq!(settled, [Settlement::Ok(2), Settlement::Err(3)]);
        assert_eq!(start.elapsed(), ms(3));
    }

    /// Off a runtime there is neither a clock nor a timer to be asked.
    #[test]
    fn asks_for_no_timer_if_the_first_poll_finishes_all() {
        let settled = FanOut::new([1, 2], |n| ready(Ok::<_, ()>(n))).settle_within(ms(1)).now_or_never();

        assert_eq!(settled, Some(vec![Settlement::Ok(1), Settlement::Ok(2)]));
    }

    #[test]
    fn without_a_runtime_the_time_is_over_after_the_first_poll() {
        let run = |n| async move { if n == 0 { pending().await } else { Ok::<_, ()>(n) } };

        let settled = FanOut::new([0, 1], run).settle_within(ms(1)).now_or_never();

        assert_eq!(settled, Some(vec![Settlement::Unfinished, Settlement::Ok(1)]));
    }

    #[tokio::test(start_paused = true)]
    async fn is_the_deadline_of_the_children() {
        let run = |delay| async move {
            sleep(ms(delay)).await;
            Ok::<_, ()>(Deadline::current().map(Deadline::remaining))
        };

        let settled = FanOut::new([0, 10], run).settle_within(ms(50)).await;

        assert_eq!(settled, [Settlement::Ok(Some(ms(50))), Settlement::Ok(Some(ms(40)))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_comes_sooner_still_gives_what_has_finished() {
        static OUTER: Timeout = Timeout::named("outer", Duration::from_millis(20));

        let settled = OUTER.run(FanOut::new([10, 30], even).settle_within(ms(100))).await;

        assert_eq!(settled, Settled::Outcome(vec![Settlement::Ok(10), Settlement::Unfinished]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_lets_nothing_start() {
        let deadline = Deadline::after(ms(1));
        sleep(ms(2)).await;
        let run = |_| async { unreachable!("nothing starts") };

        let settled = deadline.scope(FanOut::new([1, 2], run).settle_within(ms(100))).await;

        assert_eq!(settled, [Settlement::<(), ()>::Unfinished; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_whatever_the_input_is() {
        let run = |_| pending::<Result<(), ()>>();
        let unfinished = |count| vec![Settlement::Unfinished; count];

        assert_eq!(FanOut::new(0.., run).limit(3).settle_within(ms(1)).await, unfinished(3));
        assert_eq!(FanOut::new((0..9).filter(|n| n % 2 == 0), run).limit(2).settle_within(ms(1)).await, unfinished(5));
        let stream = futures_util::stream::iter(0..4).chain(futures_util::stream::pending());
        assert_eq!(FanOut::from_stream(stream, run).settle_within(ms(1)).await, unfinished(4));
        assert_eq!(FanOut::new([0; 0], run).settle_within(ms(1)).await, unfinished(0));
        assert_eq!(FanOut::new(0..4, run).settle_within(Duration::ZERO).await, unfinished(4));
        let forever = FanOut::new(0..1, |_| ready(Ok::<_, ()>(()))).settle_within(Duration::MAX).await;
        assert_eq!(forever, [Settlement::Ok(())]);
    }

    #[tokio::test(start_paused = true)]
    async fn children_that_use_up_the_budget_do_not_hide_the_deadline() {
        let run = |_| async {
            loop {
                tokio::task::consume_budget().await;
                if Instant::now().elapsed() > ms(1) {
                    return Ok::<(), ()>(());
                }
            }
        };
        let clock = async {
            loop {
                tokio::time::advance(ms(1)).await;
            }
        };

        let settled = FanOut::new(0..3, run).settle_within(ms(10));

        tokio::select! {
            settled = settled => assert_eq!(settled, [Settlement::Unfinished; 3]),
            () = clock => {}
        }
    }
}

mod progress {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn comes_after_each_item() {
        let mut seen = Vec::new();

        let outputs = FanOut::new([30, 10, 20], after)
            .limit(2)
            .progress(|progress| seen.push((progress.item, progress.finished, progress.launched, progress.total)))
            .await;

        assert_eq!(outputs, [30, 10, 20]);
        assert_eq!(seen, [(1, 1, 2, Some(3)), (0, 2, 3, Some(3)), (2, 3, 3, Some(3))]);
    }

    #[tokio::test]
    async fn has_no_total_until_the_input_knows() {
        let mut totals = Vec::new();

        FanOut::new((0..3).filter(|_| true), ready).limit(1).progress(|progress| totals.push(progress.total)).await;

        assert_eq!(totals, [None, None, Some(3)]);
    }

    #[tokio::test]
    async fn all_observers_are_told_in_every_form() {
        let (first, second) = (Cell::new(0), Cell::new(0));
        let run = |n: u32| ready(if n == 2 { Err(n) } else { Ok(n) });
        let fan_out = || {
            FanOut::new(0..4, run)
                .progress(|_| first.set(first.get() + 1))
                .progress(|_| second.set(second.get() + 1))
                .limit(1)
        };

        fan_out().await;
        fan_out().try_all().await.unwrap_err();
        fan_out().first_ok().await.unwrap();
        fan_out().quorum(2).await.unwrap();
        fan_out().settle_within(ms(1)).await;
        assert_eq!(fan_out().unordered().count().await, 4);
        assert_eq!(fan_out().ordered().count().await, 4);

        assert_eq!((first.get(), second.get()), (22, 22));
    }

    #[tokio::test]
    async fn a_panic_in_it_passes_through_and_drops_the_children() {
        let census = Census::default();
        let fan_out = FanOut::new([0, 1], |n| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                if n == 0 {
                    pending::<()>().await;
                }
            }
        })
        .progress(|_| panic!("the observer broke"));

        let panic = AssertUnwindSafe(fan_out.into_future()).catch_unwind().await.unwrap_err();

        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the observer broke"));
        assert_eq!(census.alive(), 0);
    }
}

mod cancel_on {
    use super::*;

    fn kinds(outcomes: impl IntoIterator<Item = Result<u64, Error>>) -> Vec<Result<u64, Reason>> {
        outcomes.into_iter().map(|outcome| outcome.map_err(|error| error.reason())).collect()
    }

    async fn fine(delay: u64) -> Result<u64, Error> {
        sleep(ms(delay)).await;
        Ok(delay)
    }

    const CANCELLED: Result<u64, Reason> = Err(Reason::Cancelled);

    #[tokio::test(start_paused = true)]
    async fn the_unfinished_have_a_rejection_as_their_outcome() {
        let (start, census) = (Instant::now(), Census::default());
        let run = |delay| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                fine(delay).await
            }
        };

        let outcomes = FanOut::new([10, 1_000, 5, 1_000, 1, 2], run).limit(3).cancel_on(sleep(ms(7))).await;

        assert_eq!(kinds(outcomes), [CANCELLED, CANCELLED, Ok(5), CANCELLED, CANCELLED, CANCELLED]);
        assert_eq!((start.elapsed(), census.alive(), census.most()), (ms(7), 0, 3));
    }

    #[tokio::test]
    async fn a_signal_that_came_before_lets_nothing_start() {
        let run = |_| async { unreachable!("nothing starts") };

        let outcomes = FanOut::new([1, 2], run).cancel_on(ready(())).await;

        assert_eq!(kinds(outcomes), [CANCELLED; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn every_form_ends() {
        let fan_out = |items: Vec<u64>| FanOut::new(items, fine).cancel_on(sleep(ms(7)));
        let items = || vec![1_000, 5, 1_000];

        assert_eq!(fan_out(items()).try_all().await.unwrap_err().reason(), Reason::Cancelled);
        assert_eq!(kinds([fan_out(items()).first_ok().await.map_err(|_| unreachable!())]), [Ok(5)]);
        assert_eq!(fan_out(vec![1_000; 3]).first_ok().await.unwrap_err().len(), 3);
        assert_eq!(fan_out(items()).quorum(2).await.unwrap_err().len(), 2);
        let settled = fan_out(items()).settle_within(ms(100)).await;
        assert_eq!(settled.into_iter().filter_map(Settlement::err).count(), 2);
        let unordered: Vec<_> = fan_out(items()).unordered().collect().await;
        assert_eq!(unordered.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 0, 2]);
        let ordered: Vec<_> = fan_out(items()).ordered().collect().await;
        assert_eq!(kinds(ordered), [CANCELLED, Ok(5), CANCELLED]);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_an_endless_input() {
        let endless = FanOut::new(std::iter::repeat(1_000), fine).limit(3).cancel_on(sleep(ms(7))).await;
        let stream = futures_util::stream::iter([1_000, 2_000]).chain(futures_util::stream::pending());
        let streamed = FanOut::from_stream(stream, fine).cancel_on(sleep(ms(7))).await;

        assert_eq!((endless.len(), streamed.len()), (3, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_of_two_signals_ends_it() {
        let start = Instant::now();
        let fan_out = || FanOut::new([1_000], fine);

        fan_out().cancel_on(sleep(ms(3))).cancel_on(pending::<()>()).await;
        fan_out().cancel_on(pending::<()>()).progress(|_| ()).cancel_on(sleep(ms(4))).await;

        assert_eq!(start.elapsed(), ms(7));
    }

    #[tokio::test(start_paused = true)]
    async fn progress_hears_of_the_cancelled_too() {
        let mut seen = Vec::new();

        FanOut::new([1_000; 3], fine)
            .limit(2)
            .cancel_on(sleep(ms(1)))
            .progress(|progress| seen.push((progress.finished, progress.launched, progress.total)))
            .await;

        assert_eq!(seen, [(1, 2, Some(3)), (2, 2, Some(3)), (3, 3, Some(3))]);
    }
}

mod from_stream {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn children_go_on_while_the_stream_has_nothing() {
        let (sender, receiver) = mpsc::channel(1);
        let mut stream = FanOut::from_stream(stream_of(receiver), after).unordered();

        sender.send(5).await.unwrap();

        assert_eq!(stream.next().await, Some((0, 5)));
        assert!(tokio::time::timeout(ms(10), stream.next()).await.is_err());
        sender.send(3).await.unwrap();
        drop(sender);
        assert_eq!(stream.next().await, Some((1, 3)));
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn items_that_come_late_are_launched_when_they_come() {
        let start = Instant::now();
        let (sender, receiver) = mpsc::channel(1);
        let send = async {
            for _ in 0..3 {
                sleep(ms(10)).await;
                sender.send(100).await.unwrap();
            }
            drop(sender);
        };

        let (outputs, ()) = tokio::join!(FanOut::from_stream(stream_of(receiver), after).into_future(), send);

        assert_eq!(outputs, [100; 3]);
        assert_eq!(start.elapsed(), ms(130));
    }

    #[test]
    fn takes_no_item_before_there_is_room_for_it() {
        let (gates, taken) = (Gates::new(10), Cell::new(0));
        let items = futures_util::stream::iter(0..10).inspect(|_| taken.set(taken.get() + 1));
        let mut all = FanOut::from_stream(items, |n| gates.clone().pass(n)).limit(3).into_future();

        assert!(poll_once(&mut all).is_pending());
        assert_eq!(taken.get(), 3);
        gates.open(1);
        assert!(poll_once(&mut all).is_pending());
        assert_eq!(taken.get(), 4);
    }

    #[test]
    fn an_input_that_waits_is_asked_once_a_poll_and_never_again_after_its_end() {
        let asked = Cell::new(0);
        let mut answers = VecDeque::from([Poll::Ready(Some(1)), Poll::Pending, Poll::Ready(None)]);
        let items = futures_util::stream::poll_fn(|_| {
            asked.set(asked.get() + 1);
            answers.pop_front().expect("not asked after its end")
        });
        let gates = Gates::new(2);
        let mut all = FanOut::from_stream(items, |n| gates.clone().pass(n)).into_future();

        assert!(poll_once(&mut all).is_pending());
        assert_eq!(asked.get(), 2);
        assert!(poll_once(&mut all).is_pending());
        assert_eq!(asked.get(), 3);
        gates.open(1);
        assert_eq!(poll_once(&mut all), Poll::Ready(vec![1]));
    }

    #[tokio::test]
    async fn many_items_take_linear_time() {
        const ITEMS: usize = 160_000;
        let (polls, asked) = (Cell::new(0), Cell::new(0));
        let (sender, receiver) = mpsc::channel(64);
        let send = async move {
            for n in 0..ITEMS {
                sender.send(n).await.unwrap();
            }
        };
        let items = stream_of(receiver);
        let mut items = Box::pin(items);
        let items = futures_util::stream::poll_fn(|cx| {
            asked.set(asked.get() + 1);
            items.as_mut().poll_next(cx)
        });

        let all = FanOut::from_stream(items, |_| counting(&polls, yield_now())).limit(100);
        let (outputs, ()) = tokio::join!(all.into_future(), send);

        assert_eq!(outputs.len(), ITEMS);
        assert!(polls.get() <= 3 * ITEMS, "{} polls", polls.get());
        assert!(asked.get() <= 3 * ITEMS, "asked {} times", asked.get());
    }

    #[tokio::test]
    async fn the_task_that_polls_last_is_woken_by_the_input() {
        let notify = Notify::new();
        let items = futures_util::stream::once(notify.notified());
        let mut all = FanOut::from_stream(items, ready).into_future();
        assert!(poll_once(&mut all).is_pending());

        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(Arc::clone(&alarm));
        assert!(Pin::new(&mut all).poll(&mut Context::from_waker(&waker)).is_pending());
        notify.notify_one();

        assert_eq!(alarm.rings(), 1);
        assert_eq!(all.await, [()]);
    }

    #[test]
    fn a_panic_in_the_stream_drops_the_children() {
        let census = Census::default();
        let items = futures_util::stream::iter(0..2).chain(futures_util::stream::poll_fn(|_| panic!("no more")));
        let mut all = FanOut::from_stream(items, |_: i32| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                pending::<()>().await;
            }
        })
        .into_future();

        catch_unwind(AssertUnwindSafe(|| poll_once(&mut all))).unwrap_err();

        assert_eq!((census.most(), census.alive()), (2, 0));
    }
}
