//! `#[fan_out]`: the companion function. The tests beside `FanOut` cover the set of items itself.

use std::collections::HashSet;
use std::future::IntoFuture;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use futures_util::StreamExt;
use resilient::{Deadline, bulkhead, fan_out, retry, timeout};
use resilient_tests::{Alive, Error, Script, Stopwatch, ms};
use tokio::time::sleep;

struct Api {
    running: AtomicU32,
    most: AtomicU32,
}

impl Api {
    fn new() -> Self {
        Self { running: AtomicU32::new(0), most: AtomicU32::new(0) }
    }

    /// Takes as many milliseconds as its argument says. Every third call fails.
    #[fan_out(limit = 2)]
    async fn take(&self, millis: u64) -> Result<u64, Error> {
        let _running = Alive::new(&self.running);
        self.most.fetch_max(self.running.load(Ordering::SeqCst), Ordering::SeqCst);
        sleep(ms(millis)).await;
        if millis.is_multiple_of(3) { Err(Error::Down) } else { Ok(millis) }
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcomes_come_in_the_order_of_the_items() {
    let api = Api::new();

    let outcomes = api.take_all([40, 30, 20, 10]).await;

    assert_eq!(outcomes, [Ok(40), Err(Error::Down), Ok(20), Ok(10)]);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_run_at_once() {
    let api = Api::new();

    let _ = api.take_all([10; 9]).await;

    assert_eq!(api.most.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_limit_can_be_changed_at_the_call() {
    let api = Api::new();
    let watch = Stopwatch::start();

    let _ = api.take_all([10; 9]).limit(3).await;

    assert_eq!((api.most.load(Ordering::SeqCst), watch.elapsed()), (3, 30));
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_it_is_sixteen() {
    #[fan_out]
    async fn count(running: &AtomicU32, #[each] _item: u32) -> u32 {
        let _running = Alive::new(running);
        sleep(ms(10)).await;
        running.load(Ordering::SeqCst)
    }

    let most = count_all(&AtomicU32::new(0), 0..100).await;

    assert_eq!(most.into_iter().max(), Some(16));
}

#[tokio::test(start_paused = true)]
async fn try_all_ends_with_the_first_error_and_drops_the_rest() {
    let api = Api::new();
    let watch = Stopwatch::start();

    assert_eq!(api.take_all([40, 3, 1_000]).try_all().await, Err(Error::Down));

    assert_eq!((api.running.load(Ordering::SeqCst), watch.elapsed()), (0, 3));
    assert_eq!(api.take_all([20, 10]).try_all().await, Ok(vec![20, 10]));
}

#[tokio::test(start_paused = true)]
async fn first_ok_ends_with_the_first_success_and_drops_the_rest() {
    let api = Api::new();
    let watch = Stopwatch::start();

    assert_eq!(api.take_all([1_000, 3, 40, 50]).first_ok().await, Ok(40));

    assert_eq!((api.running.load(Ordering::SeqCst), watch.elapsed()), (0, 43));
    assert_eq!(api.take_all([3, 9]).first_ok().await, Err(vec![Error::Down, Error::Down]));
}

#[tokio::test(start_paused = true)]
async fn unordered_gives_each_outcome_as_it_comes() {
    let api = Api::new();

    let outcomes: Vec<_> = api.take_all([40, 10, 20]).unordered().collect().await;

    assert_eq!(outcomes, [(1, Ok(10)), (2, Ok(20)), (0, Ok(40))]);
}

#[tokio::test(start_paused = true)]
async fn each_item_passes_through_the_functions_own_stack() {
    #[fan_out(limit = 4)]
    #[retry(max = 1, backoff = "none")]
    #[timeout(attempt = "10ms")]
    async fn fetch(script: &Script, #[each] item: u32) -> Result<u32, Error> {
        sleep(ms(1)).await;
        script.next()?;
        Ok(item)
    }
    let script = Script::failing(4);

    assert_eq!(fetch_all(&script, 0..4).await, (0..4).map(Ok).collect::<Vec<_>>());
    assert_eq!(script.attempts(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_over_the_set_is_inherited_by_each() {
    #[fan_out]
    async fn left(_item: u32) -> Option<std::time::Duration> {
        sleep(ms(1)).await;
        Deadline::current().map(Deadline::remaining)
    }
    #[timeout("50ms")]
    async fn all() -> Result<Vec<Option<std::time::Duration>>, Error> {
        Ok(left_all([1, 2]).await)
    }

    assert_eq!(all().await, Ok(vec![Some(ms(49)); 2]));
}

#[tokio::test(start_paused = true)]
async fn other_arguments_are_shared_or_cloned() {
    #[fan_out(companion = everywhere)]
    #[allow(clippy::unused_async)]
    async fn join(prefix: &str, (a, b): (u32, u32), suffix: String, #[each] item: &str) -> String {
        format!("{prefix}{a}{item}{b}{suffix}")
    }

    let joined = everywhere("<", (1, 2), ">".to_owned(), ["x", "y"]).await;

    assert_eq!(joined, ["<1x2>", "<1y2>"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_it_drops_what_is_running() {
    let api = Api::new();

    let dropped = tokio::time::timeout(ms(5), api.take_all([10; 9])).await;

    assert!(dropped.is_err());
    assert_eq!(api.running.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_items_is_run_by_the_companion_for_streams() {
    #[fan_out(stream, limit = 2)]
    async fn double(factor: &u32, #[each] item: &u32) -> u32 {
        sleep(ms(10)).await;
        item * factor
    }
    let (watch, items) = (Stopwatch::start(), [1, 2, 3]);

    let doubled = double_stream(&2, futures_util::stream::iter(&items)).await;

    assert_eq!((doubled, watch.elapsed()), (vec![2, 4, 6], 20));
}

#[tokio::test(start_paused = true)]
async fn the_companion_for_streams_is_named_after_the_other() {
    #[fan_out(stream, companion = everywhere)]
    #[allow(clippy::unused_async)]
    async fn double(item: u32) -> u32 {
        item * 2
    }

    assert_eq!(everywhere([1]).await, everywhere_stream(futures_util::stream::iter([1])).await);
}

#[tokio::test(start_paused = true)]
async fn equal_items_run_once_and_all_have_the_outcome() {
    #[fan_out(dedup, stream)]
    async fn fetch(runs: &AtomicU32, #[each] word: &str) -> Result<String, Error> {
        runs.fetch_add(1, Ordering::SeqCst);
        sleep(ms(10)).await;
        if word == "down" { Err(Error::Down) } else { Ok(word.to_uppercase()) }
    }
    let runs = AtomicU32::new(0);
    let (a, b, down) = (Ok("A".to_owned()), Ok("B".to_owned()), Err(Error::Down));

    let fetched = fetch_all(&runs, ["a", "down", "a", "b", "down", "a"]).limit(2).await;

    assert_eq!(fetched, [a.clone(), down.clone(), a.clone(), b.clone(), down.clone(), a.clone()]);
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    let words = futures_util::stream::iter(["b", "b"]);
    assert_eq!(fetch_stream(&runs, words).await, [b.clone(), b]);
    assert_eq!(runs.load(Ordering::SeqCst), 4);
}

struct Shared {
    threads: Mutex<HashSet<ThreadId>>,
    running: AtomicU32,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self { threads: Mutex::default(), running: AtomicU32::new(0) })
    }

    #[fan_out(executor = "spawn")]
    #[timeout("1h")]
    async fn spawned(self: Arc<Self>, millis: u64) -> Result<u64, Error> {
        let _running = Alive::new(&self.running);
        sleep(ms(millis)).await;
        self.threads.lock().unwrap().insert(std::thread::current().id());
        Ok(millis)
    }

    #[fan_out(executor = "blocking", limit = 4)]
    #[allow(clippy::unused_async)]
    #[timeout("1h")]
    async fn blocking(self: Arc<Self>, #[each] millis: u64, name: &'static str) -> Result<u64, Error> {
        std::thread::sleep(ms(millis));
        self.threads.lock().unwrap().insert(std::thread::current().id());
        Ok(millis + name.len() as u64)
    }
}

#[tokio::test(start_paused = true)]
async fn on_spawn_runs_tasks_that_are_aborted_when_it_is_dropped() {
    let shared = Shared::new();

    assert_eq!(Arc::clone(&shared).spawned_all([30, 10]).await, [Ok(30), Ok(10)]);
    let dropped = tokio::time::timeout(ms(5), Arc::clone(&shared).spawned_all([10; 9])).await;

    assert!(dropped.is_err());
    tokio::task::yield_now().await;
    assert_eq!((shared.running.load(Ordering::SeqCst), Arc::strong_count(&shared)), (0, 1));
}

#[tokio::test]
async fn on_blocking_runs_on_threads_that_may_block() {
    let shared = Shared::new();

    assert_eq!(Arc::clone(&shared).blocking_all([3, 1, 2], "ab").await, [Ok(5), Ok(3), Ok(4)]);

    assert!(!shared.threads.lock().unwrap().contains(&std::thread::current().id()));
}

#[tokio::test(start_paused = true)]
async fn on_task_is_what_it_does_anyway() {
    #[fan_out(executor = "task")]
    async fn here(_item: u32) -> Option<tokio::task::Id> {
        sleep(ms(1)).await;
        tokio::task::try_id()
    }

    assert_eq!(here_all([1]).await, [tokio::task::try_id()]);
}

#[tokio::test(start_paused = true)]
async fn tasks_inherit_the_deadline_and_that_retries_are_off() {
    #[fan_out(executor = "spawn")]
    #[retry(max = 3, backoff = "none")]
    async fn attempts(script: Arc<Script>, #[each] _item: u32) -> Result<Option<std::time::Duration>, Error> {
        script.next()?;
        Ok(Deadline::current().map(Deadline::remaining))
    }
    #[timeout("50ms")]
    async fn all() -> Result<Vec<Result<Option<std::time::Duration>, Error>>, Error> {
        Ok(attempts_all(Arc::new(Script::fine()), [1, 2]).await)
    }
    let failing = Arc::new(Script::failing(10));

    assert_eq!(all().await, Ok(vec![Ok(Some(ms(50))); 2]));
    let tried = resilient::without_retries(attempts_all(Arc::clone(&failing), [1, 2]).into_future()).await;
    assert_eq!(tried, [Err(Error::Down), Err(Error::Down)]);
    assert_eq!(failing.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_begins_at_twenty_and_follows_the_outcomes() {
    struct Busy {
        running: AtomicU32,
        most: AtomicU32,
    }
    macro_rules! with_limit {
        ($limit:literal) => {{
            #[fan_out(limit = $limit)]
            async fn call(busy: &Busy, #[each] refused: bool) -> Result<(), Error> {
                let _running = Alive::new(&busy.running);
                busy.most.fetch_max(busy.running.load(Ordering::SeqCst), Ordering::SeqCst);
                sleep(ms(100)).await;
                if refused { Err(Error::Busy { after: None }) } else { Ok(()) }
            }
            let most = async |count: usize, refused: bool| {
                let busy = Busy { running: AtomicU32::new(0), most: AtomicU32::new(0) };
                let outcomes = call_all(&busy, vec![refused; count]).await;
                assert_eq!(outcomes.len(), count);
                busy.most.into_inner()
            };
            assert_eq!(most(100, false).await, 20, "{}", $limit);
            most(2_000, true).await;
            assert!(most(40, false).await < 18, "{}", $limit);
        }};
    }

    with_limit!("adaptive");
    with_limit!("gradient");
    with_limit!("vegas");
    with_limit!("aimd");
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_stays_within_its_bounds() {
    const MOST: u32 = 6;

    #[fan_out(limit = "aimd", min_limit = 3, max_limit = MOST, initial_limit = 5)]
    async fn call(running: &AtomicU32, #[each] refused: bool) -> Result<u32, Error> {
        let _running = Alive::new(running);
        let at_once = running.load(Ordering::SeqCst);
        sleep(ms(100)).await;
        if refused { Err(Error::Busy { after: None }) } else { Ok(at_once) }
    }
    let most = async |count: usize| {
        let outcomes = call_all(&AtomicU32::new(0), vec![false; count]).await;
        outcomes.into_iter().flatten().max().unwrap()
    };

    assert_eq!(most(5).await, 5);
    assert_eq!(most(1_000).await, MOST);
    call_all(&AtomicU32::new(0), vec![true; 1_000]).await;
    let after = call_all(&AtomicU32::new(0), [false; 6]).try_all().await.unwrap();
    assert_eq!(after[..3], [1, 2, 3], "never fewer than three at once");
}

#[tokio::test(start_paused = true)]
async fn the_functions_own_limits_are_shared_by_all_items() {
    #[fan_out]
    #[bulkhead(limit = 2, queue = 100, max_wait = "1h")]
    async fn work(running: &AtomicU32, #[each] _item: u32) -> Result<u32, Error> {
        let _running = Alive::new(running);
        sleep(ms(10)).await;
        Ok(running.load(Ordering::SeqCst))
    }

    let most = work_all(&AtomicU32::new(0), 0..10).await.into_iter().flatten().max();

    assert_eq!(most, Some(2));
}
