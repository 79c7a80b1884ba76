//! `#[fan_out]`: the companion function. What the set itself does is tested beside it.

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use resilient::{Deadline, fan_out, retry, timeout};
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

    /// Takes as many milliseconds as it says; every third fails.
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
    #[fan_out(name = everywhere)]
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
