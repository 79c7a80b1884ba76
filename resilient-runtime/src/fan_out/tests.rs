//! The promises of a fan-out, seen from outside.

use std::cell::Cell;
use std::future::{Future, IntoFuture, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::FanOut;

mod forms;
mod functions;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Counts what is alive, and the most that ever was.
#[derive(Clone, Default)]
struct Census(Rc<(Cell<usize>, Cell<usize>)>);

impl Census {
    fn alive(&self) -> usize {
        self.0.0.get()
    }

    fn most(&self) -> usize {
        self.0.1.get()
    }

    fn birth(&self) -> Citizen {
        self.0.0.set(self.alive() + 1);
        self.0.1.set(self.most().max(self.alive()));
        Citizen(self.clone())
    }
}

struct Citizen(Census);

impl Drop for Citizen {
    fn drop(&mut self) {
        self.0.0.0.set(self.0.alive() - 1);
    }
}

/// A task that counts how often it is woken.
#[derive(Default)]
pub(super) struct Alarm(AtomicUsize);

impl Alarm {
    pub(super) fn rings(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Children that finish when told to, and tell how often they were polled.
#[derive(Clone)]
struct Gates(Rc<[Gate]>);

#[derive(Default)]
struct Gate {
    polls: Cell<usize>,
    open: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Gates {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| Gate::default()).collect())
    }

    async fn pass(self, n: usize) -> usize {
        poll_fn(|cx| {
            let gate = &self.0[n];
            gate.polls.set(gate.polls.get() + 1);
            gate.waker.set(Some(cx.waker().clone()));
            if gate.open.get() { Poll::Ready(n) } else { Poll::Pending }
        })
        .await
    }

    fn open(&self, n: usize) {
        self.0[n].open.set(true);
        self.wake(n);
    }

    fn wake(&self, n: usize) {
        self.0[n].waker.take().expect("the child was polled").wake();
    }

    fn polls(&self) -> Vec<usize> {
        self.0.iter().map(|gate| gate.polls.get()).collect()
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

proptest! {
    #[test]
    fn keeps_the_order_of_the_input_and_the_limit(
        delays in prop::collection::vec(0_u64..50, 0..60),
        limit in 1_usize..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let census = Census::default();

        let outputs = runtime.block_on(async {
            FanOut::new(delays.clone().into_iter().enumerate(), |(index, delay)| {
                let citizen = census.birth();
                async move {
                    let _citizen = citizen;
                    sleep(ms(delay)).await;
                    index
                }
            })
            .limit(limit)
            .await
        });

        prop_assert!(outputs.iter().copied().eq(0..delays.len()));
        prop_assert!(census.most() <= limit);
        prop_assert_eq!(census.alive(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn makes_room_as_soon_as_a_child_finishes() {
    let start = Instant::now();

    let outputs = FanOut::new([100, 30, 30, 30], |delay| async move {
        sleep(ms(delay)).await;
        start.elapsed()
    })
    .limit(2)
    .await;

    assert_eq!(outputs, [ms(100), ms(30), ms(60), ms(90)]);
}

#[test]
fn takes_no_item_before_there_is_room_for_it() {
    let (gates, taken) = (Gates::new(10), Rc::new(Cell::new(0)));
    let items = (0..10).inspect(|_| taken.set(taken.get() + 1));
    let mut all = FanOut::new(items, |n| gates.clone().pass(n)).limit(3).into_future();
    assert_eq!(taken.get(), 0);

    let pending = poll_once(&mut all);
    assert!(pending.is_pending());
    assert_eq!(taken.get(), 3);

    gates.open(2);
    let pending = poll_once(&mut all);
    assert!(pending.is_pending());
    assert_eq!(taken.get(), 4);
}

#[test]
fn polls_only_the_children_that_were_woken() {
    let gates = Gates::new(200);
    let mut all = FanOut::new(0..200, |n| gates.clone().pass(n)).limit(200).into_future();
    while gates.polls().contains(&0) {
        assert!(poll_once(&mut all).is_pending());
    }
    assert!(gates.polls().iter().all(|polls| *polls == 1));

    gates.wake(3);
    gates.wake(150);
    for _ in 0..5 {
        assert!(poll_once(&mut all).is_pending());
    }

    let polls = gates.polls();
    assert_eq!((polls[3], polls[150]), (2, 2));
    assert_eq!(polls.iter().sum::<usize>(), 202);
}

#[test]
fn wakes_its_task_once_for_many_children() {
    let (gates, alarm) = (Gates::new(4), Arc::new(Alarm::default()));
    let waker = Waker::from(Arc::clone(&alarm));
    let mut all = FanOut::new(0..4, |n| gates.clone().pass(n)).into_future();
    assert!(all.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(alarm.rings(), 0);

    (0..4).for_each(|n| gates.open(n));

    assert_eq!(alarm.rings(), 1);
    let Poll::Ready(outputs) = poll_once(&mut all) else { panic!("every child was woken") };
    assert_eq!(outputs, [0, 1, 2, 3]);
}

#[test]
fn wakes_the_task_that_polled_last() {
    let (gates, first, last) = (Gates::new(1), Arc::new(Alarm::default()), Arc::new(Alarm::default()));
    let mut all = FanOut::new([0], |n| gates.clone().pass(n)).into_future();
    for alarm in [&first, &last] {
        let waker = Waker::from(Arc::clone(alarm));
        assert!(all.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    }

    gates.open(0);

    assert_eq!((first.rings(), last.rings()), (0, 1));
}

#[test]
fn lets_go_of_its_task_when_dropped() {
    let (gates, alarm) = (Gates::new(1), Arc::new(Alarm::default()));
    let mut all = FanOut::new([0], |n| gates.clone().pass(n)).into_future();
    let pending = all.poll_unpin(&mut Context::from_waker(&Waker::from(Arc::clone(&alarm))));
    assert!(pending.is_pending());

    drop(all);

    assert_eq!(Arc::strong_count(&alarm), 1);
    gates.wake(0);
    assert_eq!(alarm.rings(), 0);
}

#[test]
fn a_waker_of_a_finished_child_costs_the_next_at_most_a_poll() {
    let gates = Gates::new(2);
    let mut stream = FanOut::new(0..2, |n| gates.clone().pass(n)).limit(1).unordered();
    assert!(poll_once(&mut stream.next()).is_pending());
    let stale = gates.0[0].waker.take().unwrap();
    gates.0[0].open.set(true);
    stale.wake_by_ref();
    assert_eq!(poll_once(&mut stream.next()), Poll::Ready(Some((0, 0))));
    stale.wake_by_ref();
    assert!(poll_once(&mut stream.next()).is_pending());
    let before = gates.polls()[1];

    stale.wake_by_ref();
    stale.wake();
    assert!(poll_once(&mut stream.next()).is_pending());

    assert_eq!(gates.polls()[1], before + 1);
    gates.open(1);
    assert_eq!(poll_once(&mut stream.next()), Poll::Ready(Some((1, 1))));
    assert_eq!(poll_once(&mut stream.next()), Poll::Ready(None));
}

#[tokio::test(start_paused = true)]
async fn try_all_drops_the_rest_before_it_returns_the_error() {
    let census = Census::default();
    let input = census.birth();
    let items = [Ok(5), Err("broken"), Ok(50), Ok(60)].into_iter().inspect(move |_| _ = &input);

    let outcome = FanOut::new(items, |item| {
        let citizen = census.birth();
        async move {
            let _citizen = citizen;
            sleep(ms(item.unwrap_or(10))).await;
            item
        }
    })
    .limit(3)
    .try_all()
    .inspect(|_| assert_eq!(census.alive(), 0, "something is left"))
    .await;

    assert_eq!(outcome, Err("broken"));
    assert_eq!(census.most(), 4);
}

#[tokio::test(start_paused = true)]
async fn try_all_returns_the_error_that_comes_first_in_time() {
    let outcome = FanOut::new([30, 10, 20], |delay| async move {
        sleep(ms(delay)).await;
        Err::<(), _>(delay)
    })
    .try_all()
    .await;

    assert_eq!(outcome, Err(10));
}

#[tokio::test(start_paused = true)]
async fn try_all_keeps_the_order_of_the_input() {
    let outcome = FanOut::new([30, 10, 20], |delay| async move {
        sleep(ms(delay)).await;
        Ok::<_, ()>(delay)
    })
    .try_all()
    .await;

    assert_eq!(outcome, Ok(vec![30, 10, 20]));
}

#[tokio::test]
async fn try_all_ends_an_endless_input_at_an_error() {
    let outcome = FanOut::new(0.., |n| async move { if n < 1000 { Ok(n) } else { Err(n) } }).try_all().await;

    assert_eq!(outcome, Err(1000));
}

#[tokio::test(start_paused = true)]
async fn first_ok_drops_the_losers_before_it_returns() {
    let census = Census::default();

    let outcome = FanOut::new([Err(5), Ok(20), Ok(10), Ok(30)], |item| {
        let citizen = census.birth();
        async move {
            let _citizen = citizen;
            sleep(ms(item.unwrap_or_else(|delay| delay))).await;
            item
        }
    })
    .first_ok()
    .inspect(|_| assert_eq!(census.alive(), 0, "a loser is left"))
    .await;

    assert_eq!(outcome, Ok(10));
    assert_eq!(census.most(), 4);
}

#[tokio::test(start_paused = true)]
async fn first_ok_returns_every_error_in_the_order_of_the_input() {
    let outcome = FanOut::new([30, 10, 40, 20], |delay| async move {
        sleep(ms(delay)).await;
        Err::<(), _>(delay)
    })
    .limit(2)
    .first_ok()
    .await;

    assert_eq!(outcome, Err(vec![30, 10, 40, 20]));
}

#[tokio::test(start_paused = true)]
async fn unordered_yields_as_the_children_finish() {
    let stream = FanOut::new([30, 10, 20], |delay| async move {
        sleep(ms(delay)).await;
        delay
    })
    .unordered();
    assert_eq!(stream.size_hint(), (3, Some(3)));

    let finished: Vec<_> = stream.collect().await;

    assert_eq!(finished, [(1, 10), (2, 20), (0, 30)]);
}

#[test]
fn unordered_ends_for_good_and_asks_the_input_no_more() {
    let mut asked = 0;
    let items = std::iter::from_fn(|| {
        asked += 1;
        assert!(asked <= 2, "asked again after the end");
        (asked == 1).then_some(7)
    });
    let mut stream = FanOut::new(items, ready::<i32>).limit(4).unordered();

    assert_eq!(poll_once(&mut stream.next()), Poll::Ready(Some((0, 7))));
    assert!(!stream.is_terminated());
    for _ in 0..3 {
        assert_eq!(poll_once(&mut stream.next()), Poll::Ready(None));
    }

    assert!(stream.is_terminated());
    assert_eq!(stream.size_hint(), (0, Some(0)));
}

#[tokio::test]
async fn a_limit_of_zero_runs_one_at_a_time() {
    let census = Census::default();

    let outputs = FanOut::new(0..5, |n| {
        let citizen = census.birth();
        async move {
            let _citizen = citizen;
            yield_now().await;
            n
        }
    })
    .limit(0)
    .await;

    assert_eq!(outputs, [0, 1, 2, 3, 4]);
    assert_eq!(census.most(), 1);
}

#[tokio::test]
async fn any_limit_allocates_only_what_it_uses() {
    let doubled = FanOut::new(0..10, |n| async move {
        yield_now().await;
        n * 2
    })
    .limit(usize::MAX)
    .await;

    assert_eq!(doubled, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
}

#[tokio::test]
async fn the_default_limit_holds() {
    let census = Census::default();

    FanOut::new(0..100, |_| {
        let citizen = census.birth();
        async move {
            let _citizen = citizen;
            yield_now().await;
        }
    })
    .await;

    assert_eq!(census.most(), FanOut::DEFAULT_LIMIT);
}

#[tokio::test]
async fn an_empty_input_ends_at_once() {
    let run = |(): ()| async { Err::<(), ()>(()) };

    let all = FanOut::new([], run).into_future().now_or_never();
    let tried = FanOut::new([], run).try_all().now_or_never();
    let first = FanOut::new([], run).first_ok().now_or_never();
    let next = FanOut::new([], run).unordered().next().now_or_never();

    assert_eq!(all, Some(vec![]));
    assert_eq!(tried, Some(Ok(vec![])));
    assert_eq!(first, Some(Err(vec![])));
    assert_eq!(next, Some(None));
}

/// For every number of polls: drops the future after it, and looks for what is left.
#[tokio::test]
async fn dropping_it_at_any_await_drops_every_child() {
    async fn finishes_within(polls: usize, future: impl Future) -> bool {
        let mut future = pin!(future);
        for _ in 0..polls {
            if poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await {
                return true;
            }
            yield_now().await;
        }
        false
    }

    let census = Census::default();
    let mut finished = [false; 8];
    for polls in 0.. {
        let fan_out = || {
            FanOut::new(0..20, |n| {
                let citizen = census.birth();
                async move {
                    let _citizen = citizen;
                    for _ in 0..=n % 4 {
                        yield_now().await;
                    }
                    if n == 13 { Err(()) } else { Ok(n) }
                }
            })
            .limit(5)
        };

        finished[0] = finishes_within(polls, fan_out().into_future()).await;
        finished[1] = finishes_within(polls, fan_out().try_all()).await;
        finished[2] = finishes_within(polls, fan_out().first_ok()).await;
        finished[3] = finishes_within(polls, fan_out().unordered().count()).await;
        finished[4] = finishes_within(polls, fan_out().ordered().count()).await;
        finished[5] = finishes_within(polls, fan_out().quorum(18)).await;
        finished[6] = finishes_within(polls, fan_out().settle_within(ms(1_000))).await;
        let by_stream = FanOut::from_stream(futures_util::stream::iter(0..20), |_| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                yield_now().await;
            }
        });
        finished[7] = finishes_within(polls, by_stream.progress(|_| ()).into_future()).await;

        assert_eq!(census.alive(), 0, "something is left after {polls} polls");
        if finished == [true; 8] {
            assert!(polls > 3, "the test looks at several awaits");
            break;
        }
    }
}

#[tokio::test]
async fn a_panic_passes_through_and_drops_the_others() {
    let census = Census::default();
    let mut stream = FanOut::new(0..8, |n| {
        let citizen = census.birth();
        async move {
            let _citizen = citizen;
            if n == 6 {
                yield_now().await;
                panic!("child {n} broke");
            }
            pending::<()>().await;
        }
    })
    .limit(7)
    .unordered();

    let panic = AssertUnwindSafe(stream.next()).catch_unwind().await.unwrap_err();

    assert_eq!(panic.downcast_ref::<String>().unwrap(), "child 6 broke");
    assert_eq!((census.most(), census.alive()), (7, 0));
    assert_eq!(stream.next().await, None);
}

#[test]
fn a_panic_in_the_function_drops_the_children() {
    let census = Census::default();
    let mut all = FanOut::new(0..3, |n| {
        assert!(n < 2, "no child {n}");
        let citizen = census.birth();
        async move {
            let _citizen = citizen;
            pending::<()>().await;
        }
    })
    .into_future();

    let panic = catch_unwind(AssertUnwindSafe(|| poll_once(&mut all))).unwrap_err();

    assert_eq!(panic.downcast_ref::<String>().unwrap(), "no child 2");
    assert_eq!((census.most(), census.alive()), (2, 0));
}

#[test]
#[should_panic(expected = "polled after it had finished")]
fn polling_it_after_its_end_panics() {
    let mut all = FanOut::new([1], ready::<i32>).into_future();
    assert!(poll_once(&mut all).is_ready());

    _ = poll_once(&mut all);
}

#[tokio::test]
async fn many_ready_children_take_linear_time_and_let_others_run() {
    const ITEMS: usize = 160_000;
    let (turns, polls) = (Cell::new(0), Cell::new(0));
    let finished = Cell::new(false);

    let (outputs, ()) = tokio::join!(
        async {
            let outputs =
                FanOut::new(0..ITEMS, |n| poll_fn(move |_| Poll::Ready(n)).inspect(|_| polls.set(polls.get() + 1)))
                    .await;
            finished.set(true);
            outputs
        },
        async {
            while !finished.get() {
                turns.set(turns.get() + 1);
                yield_now().await;
            }
        },
    );

    assert_eq!(outputs.len(), ITEMS);
    assert_eq!(polls.get(), ITEMS);
    assert!(turns.get() >= ITEMS / 128, "the sibling had {} turns", turns.get());
}

/// All of them queue at one semaphore, so each release wakes one, and each uses tokio's budget.
#[tokio::test]
async fn many_queueing_children_are_polled_a_bounded_number_of_times() {
    const ITEMS: usize = 160_000;
    let (lock, polls) = (tokio::sync::Mutex::new(0), Cell::new(0));

    let run = |_| {
        let (lock, polls) = (&lock, &polls);
        async move {
            let mut queue = pin!(async {
                let mut count = lock.lock().await;
                yield_now().await;
                *count += 1;
            });
            poll_fn(|cx| {
                polls.set(polls.get() + 1);
                queue.as_mut().poll(cx)
            })
            .await;
        }
    };
    FanOut::new(0..ITEMS, run).limit(usize::MAX).await;

    assert_eq!(lock.into_inner(), ITEMS);
    assert!(polls.get() <= 4 * ITEMS, "{} polls", polls.get());
}

/// A child that finds tokio's budget used up returns at once, and would do so as often as it is polled.
#[tokio::test]
async fn gives_way_when_the_budget_is_used_up() {
    const ITEMS: usize = 2_000;
    let polls = Cell::new(0);

    let run = |_| {
        let polls = &polls;
        async move {
            let mut work = pin!(async {
                for _ in 0..10 {
                    tokio::task::consume_budget().await;
                }
            });
            poll_fn(|cx| {
                polls.set(polls.get() + 1);
                work.as_mut().poll(cx)
            })
            .await;
        }
    };
    FanOut::new(0..ITEMS, run).limit(usize::MAX).await;

    assert!(polls.get() <= ITEMS + ITEMS / 5, "{} polls", polls.get());
}

#[tokio::test]
async fn a_consumer_of_ready_outputs_lets_other_tasks_run() {
    let turns = Rc::new(Cell::new(0));
    let local = tokio::task::LocalSet::new();
    let counter = Rc::clone(&turns);
    local.spawn_local(async move {
        loop {
            counter.set(counter.get() + 1);
            yield_now().await;
        }
    });

    let count = local.run_until(FanOut::new(0..10_000, ready::<i32>).unordered().count()).await;

    assert_eq!(count, 10_000);
    assert!(turns.get() >= 10_000 / 128 / 2, "the other task had {} turns", turns.get());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_always_woken_starves_no_other() {
    let start = Instant::now();

    let outcome = FanOut::new(0..3, |n| async move {
        if n < 2 {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
            .await;
        }
        Err::<(), _>(n)
    })
    .limit(3)
    .try_all()
    .await;

    assert_eq!(outcome, Err(2));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[test]
fn ready_children_do_not_starve_one_that_was_woken() {
    let gates = Gates::new(1);
    let mut stream =
        FanOut::new(0.., |n| if n == 0 { gates.clone().pass(0).boxed_local() } else { ready(n).boxed_local() })
            .limit(2)
            .unordered();
    assert_eq!(poll_once(&mut stream.next()), Poll::Ready(Some((1, 1))));

    gates.open(0);
    let next: Vec<_> = (0..3).map(|_| poll_once(&mut stream.next())).collect();

    assert!(next.contains(&Poll::Ready(Some((0, 0)))), "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn children_that_share_a_lock_finish_under_a_slow_consumer() {
    let lock = Arc::new(tokio::sync::Mutex::new(()));
    let mut stream = FanOut::new(0..20, |n| {
        let lock = Arc::clone(&lock);
        async move {
            let _guard = lock.lock().await;
            sleep(ms(1)).await;
            n
        }
    })
    .limit(4)
    .unordered();

    let mut count = 0;
    while stream.next().await.is_some() {
        count += 1;
        sleep(ms(100)).await;
    }

    assert_eq!(count, 20);
}

#[test]
fn wakes_from_other_threads_arrive() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (send, receive) = std::sync::mpsc::channel::<tokio::sync::oneshot::Sender<usize>>();
    let threads: Vec<_> = {
        let receive = Arc::new(std::sync::Mutex::new(receive));
        (0..3)
            .map(|_| {
                let receive = Arc::clone(&receive);
                std::thread::spawn(move || {
                    loop {
                        let Ok(reply) = receive.lock().unwrap().recv() else { break };
                        reply.send(1).unwrap();
                    }
                })
            })
            .collect()
    };

    let outputs = runtime.block_on(
        FanOut::new(0..5_000, |_| {
            let (reply, answer) = tokio::sync::oneshot::channel();
            send.send(reply).unwrap();
            async move { answer.await.unwrap() }
        })
        .limit(100)
        .into_future(),
    );
    drop(send);

    assert_eq!(outputs.iter().sum::<usize>(), 5_000);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_send_also_behind_an_opaque_type() {
    fn halve_all(
        items: impl IntoIterator<Item = u32, IntoIter: Send>,
    ) -> FanOut<impl Iterator<Item = impl Future<Output = Result<u32, u32>>>> {
        FanOut::new(items, |n| async move {
            yield_now().await;
            if n % 2 == 0 { Ok(n / 2) } else { Err(n) }
        })
    }

    let all = tokio::spawn(halve_all([2, 4]).into_future());
    let tried = tokio::spawn(halve_all([2, 4]).try_all());
    let first = tokio::spawn(halve_all([1, 2]).first_ok());
    let finished = tokio::spawn(halve_all([2]).unordered().collect::<Vec<_>>());

    assert_eq!(all.await.unwrap(), [Ok(1), Ok(2)]);
    assert_eq!(tried.await.unwrap(), Ok(vec![1, 2]));
    assert_eq!(first.await.unwrap(), Ok(1));
    assert_eq!(finished.await.unwrap(), [(0, Ok(1))]);
}
