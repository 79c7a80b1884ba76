//! The promises of the functions that change how each item is run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use super::*;
use crate::wake::fragile::Fragile;
use crate::{
    Class, Classify, Deadline, Error, FanOutLimit, PolicyKind, Reason, fan::deduplicated, fan::spawned,
    fan::spawned_blocking,
};

/// Counts what is alive, on whatever thread.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

mod tasks {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn run_on_all_cores() {
        let barrier = Arc::new(std::sync::Barrier::new(2));
        let meet = |n: u32| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait();
                Ok::<_, Error>(n)
            }
        };

        assert_eq!(FanOut::new([1, 2], spawned_blocking(&meet)).try_all().await, Ok(vec![1, 2]));
        assert_eq!(FanOut::new([3, 4], spawned(&meet)).await, [Ok(3), Ok(4)]);
    }

    #[tokio::test(start_paused = true)]
    async fn are_aborted_when_it_is_dropped_or_has_its_answer() {
        let alive = Arc::new(AtomicU32::new(0));
        let run = |delay| {
            let guard = Alive::new(&alive);
            async move {
                let _guard = guard;
                sleep(ms(delay)).await;
                Ok::<_, Error>(delay)
            }
        };

        assert_eq!(FanOut::new([100, 10, 200], spawned(run)).first_ok().await, Ok(10));
        yield_now().await;
        assert_eq!(alive.load(Ordering::SeqCst), 0);
        assert!(tokio::time::timeout(ms(5), FanOut::new([100; 20], spawned(run))).await.is_err());
        yield_now().await;
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn are_never_more_than_the_limit() {
        let (alive, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let run = |()| {
            let (alive, most) = (Arc::clone(&alive), Arc::clone(&most));
            async move {
                let _guard = Alive::new(&alive);
                most.fetch_max(alive.load(Ordering::SeqCst), Ordering::SeqCst);
                sleep(ms(1)).await;
                Ok::<_, Error>(())
            }
        };

        FanOut::new([(); 30], spawned(run)).limit(4).await;

        assert_eq!(most.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_panic_goes_on_in_the_parent() {
        for spawn_blocking in [false, true] {
            let run = |n: u32| async move {
                assert!(n < 2, "child {n} broke");
                Ok::<_, Error>(n)
            };
            let all: Pin<Box<dyn Future<Output = _>>> = if spawn_blocking {
                Box::pin(FanOut::new(0..4, spawned_blocking(run)).into_future())
            } else {
                Box::pin(FanOut::new(0..4, spawned(run)).into_future())
            };

            let panic = AssertUnwindSafe(all).catch_unwind().await.unwrap_err();

            assert_eq!(panic.downcast_ref::<String>().map(|text| &text[..6]), Some("child "));
        }
    }

    #[test]
    fn without_a_runtime_there_is_an_error() {
        let outcomes = FanOut::new([1], spawned(|n| async move { Ok::<u32, Error>(n) })).into_future().now_or_never();

        let error = outcomes.unwrap().pop().unwrap().unwrap_err();
        assert_eq!((error.policy(), error.reason()), (PolicyKind::FanOut, Reason::NoRuntime));
    }

    #[test]
    fn a_runtime_that_shuts_down_is_an_error() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut all = FanOut::new([1, 2], spawned(|_| pending::<Result<(), Error>>())).into_future();
        assert!(runtime.block_on(async { poll_once(&mut all) }).is_pending());

        drop(runtime);

        let Poll::Ready(outcomes) = poll_once(&mut all) else { panic!("the tasks are gone") };
        let reasons: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap_err().reason()).collect();
        assert_eq!(reasons, [Reason::Cancelled; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn inherit_the_deadline() {
        let left = |()| async { Ok::<_, Error>(Deadline::current().map(Deadline::remaining)) };

        let settled = FanOut::new([()], spawned(left)).settle_within(ms(50)).await;

        assert_eq!(settled, [crate::fan::Settlement::Ok(Some(ms(50)))]);
    }

    #[tokio::test]
    async fn that_are_not_launched_are_not_spawned() {
        let calls = Arc::new(AtomicU32::new(0));
        let run = |_| {
            let calls = Arc::clone(&calls);
            async move {
                calls.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Error>(())
            }
        };

        let items = (0..9).filter(|_| true);
        let outcomes = FanOut::new(items, spawned(run)).cancel_on(ready(())).await;
        yield_now().await;

        assert_eq!((outcomes.len(), calls.load(Ordering::SeqCst)), (9, 0));
    }
}

mod equal_items {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn run_once_wherever_they_stand() {
        let runs = Mutex::new(Vec::new());
        let start = Instant::now();
        let run = async |delay: u64| {
            runs.lock().unwrap().push(delay);
            sleep(ms(delay)).await;
            delay
        };
        let items = [20, 10, 20, 10, 20];

        assert_eq!(FanOut::new(items, deduplicated(run)).await, items);
        assert_eq!((std::mem::take(&mut *runs.lock().unwrap()), start.elapsed()), (vec![20, 10], ms(20)));
        assert_eq!(FanOut::new(items, deduplicated(run)).limit(1).await, items);
        assert_eq!(FanOut::new(items, deduplicated(run)).ordered().collect::<Vec<_>>().await, items);
        let mut unordered: Vec<_> = FanOut::new(items, deduplicated(run)).unordered().collect().await;
        unordered.sort_unstable();
        assert!(unordered.into_iter().eq(items.into_iter().enumerate()));
        assert_eq!(runs.lock().unwrap().len(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn share_an_error_too() {
        let run = async |n: u32| if n == 1 { Err(n) } else { Ok(n) };

        assert_eq!(FanOut::new([0, 0, 1], deduplicated(run)).try_all().await, Err(1));
        assert_eq!(FanOut::new([1, 1], deduplicated(run)).first_ok().await, Err(vec![1, 1]));
        assert_eq!(FanOut::new([2, 1, 2], deduplicated(run)).quorum(2).await, Ok(vec![2, 2]));
    }

    #[test]
    fn wait_without_being_polled_in_vain() {
        let gates = Gates::new(1);
        let mut all = FanOut::new([0; 10], deduplicated(|n| gates.clone().pass(n))).into_future();
        assert!(poll_once(&mut all).is_pending());
        assert!(poll_once(&mut all).is_pending());
        assert_eq!(gates.polls(), [1]);

        gates.open(0);

        assert_eq!(poll_once(&mut all), Poll::Ready(vec![0; 10]));
        assert_eq!(gates.polls(), [2]);
    }

    #[test]
    fn a_panic_in_a_clone_or_a_hash_drops_the_children() {
        #[derive(Debug)]
        struct Fragile(bool);
        impl Clone for Fragile {
            fn clone(&self) -> Self {
                assert!(!self.0, "the clone broke");
                Self(false)
            }
        }
        #[derive(Clone, PartialEq, Eq)]
        struct Unhashable(u32);
        impl std::hash::Hash for Unhashable {
            fn hash<H: std::hash::Hasher>(&self, _: &mut H) {
                assert!(self.0 < 2, "the hash broke");
            }
        }
        let census = Census::default();
        let run = |broken| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                Fragile(broken)
            }
        };

        let mut cloned = FanOut::new([false, true], deduplicated(run)).into_future();
        catch_unwind(AssertUnwindSafe(|| poll_once(&mut cloned))).unwrap_err();
        let hash = |_| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                pending::<()>().await;
            }
        };
        let mut hashed = FanOut::new([Unhashable(1), Unhashable(2)], deduplicated(hash)).into_future();
        catch_unwind(AssertUnwindSafe(|| poll_once(&mut hashed))).unwrap_err();

        assert_eq!(census.alive(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn run_in_one_task() {
        let runs = Arc::new(AtomicU32::new(0));
        let run = {
            let runs = Arc::clone(&runs);
            move |n: u32| {
                let runs = Arc::clone(&runs);
                async move {
                    runs.fetch_add(1, Ordering::SeqCst);
                    yield_now().await;
                    Ok::<_, Error>(n)
                }
            }
        };

        let all = tokio::spawn(FanOut::new(vec![1, 2, 1, 2], deduplicated(spawned(run))).try_all()).await.unwrap();

        assert_eq!((all, runs.load(Ordering::SeqCst)), (Ok(vec![1, 2, 1, 2]), 2));
    }
}

mod adaptive {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Busy;

    impl Classify for Busy {
        fn class(&self) -> Class {
            Class::Throttled { after: None }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_children_of_all_fan_outs_share_the_limit_and_each_has_one() {
        static LIMIT: FanOutLimit = FanOutLimit::aimd(1, 10, 3);
        let census = Census::default();
        let run = |_| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                sleep(ms(10)).await;
                Ok::<_, Busy>(())
            }
        };

        let first = FanOut::new(0..6, run).adaptive(&LIMIT).into_future();
        let second = FanOut::new(0..3, run).adaptive(&LIMIT).into_future();
        let (first, second) = tokio::join!(first, second);

        assert_eq!((first.len(), second.len(), census.most()), (6, 3, 4));
        assert_eq!(census.alive(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn follows_refusals_down_and_success_up() {
        static LIMIT: FanOutLimit = FanOutLimit::aimd(1, 100, 20);
        let run = |outcome| async move {
            sleep(ms(100)).await;
            outcome
        };

        FanOut::new([Err::<(), _>(Busy); 1_000], run).adaptive(&LIMIT).await;
        let low = LIMIT.current();
        assert!(low < 20, "{low}");

        FanOut::new([Ok::<_, Busy>(()); 1_000], run).adaptive(&LIMIT).await;
        assert!(LIMIT.current() > low, "{low} {}", LIMIT.current());
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_at_the_call_is_the_most() {
        static LIMIT: FanOutLimit = FanOutLimit::gradient(1, 100, 20);
        let census = Census::default();
        let run = |_| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                sleep(ms(10)).await;
                Ok::<_, Busy>(())
            }
        };

        FanOut::new(0..50, run).adaptive(&LIMIT).limit(5).await;
        assert_eq!(census.most(), 5);
        FanOut::new(0..50, run).adaptive(&LIMIT).await;
        assert_eq!(census.most(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_children_give_their_places_back() {
        static LIMIT: FanOutLimit = FanOutLimit::vegas(1, 100, 20);
        let run = |_| pending::<Result<(), Busy>>();

        for _ in 0..5 {
            let stuck = tokio::time::timeout(ms(1), FanOut::new(0..50, run).adaptive(&LIMIT)).await;
            assert!(stuck.is_err());
        }
        let census = Census::default();
        let count = |_| {
            let citizen = census.birth();
            async move {
                let _citizen = citizen;
                yield_now().await;
                Ok::<_, Busy>(())
            }
        };
        FanOut::new(0..50, count).adaptive(&LIMIT).await;

        assert_eq!(census.most(), 20);
    }
}

#[test]
fn a_waker_that_panics_takes_no_wake_up_from_those_with_an_equal_item() {
    let mut once = deduplicated(|n: u32| async move {
        tokio::task::yield_now().await;
        n
    });
    let (mut first, mut equal) = (Box::pin(once(7)), [Box::pin(once(7)), Box::pin(once(7))]);
    let wakers = [Fragile::panicking(), Fragile::sound()];
    let noop = &mut Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(noop).is_pending());
    for (future, waker) in equal.iter_mut().zip(&wakers) {
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker.waker())).is_pending());
    }

    let ended = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(first.as_mut())
    }));

    assert!(ended.is_err(), "the panic goes on");
    assert!(wakers.iter().all(|waker| waker.woken() == 1));
    assert!(equal.iter_mut().all(|future| future.as_mut().poll(noop) == Poll::Ready(7)));
}
