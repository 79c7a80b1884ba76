//! `#[coalesce]`: each argument's effect, and its place in a stack. The tests beside the policy cover coalescing itself.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use resilient::{Coalesce, Mode, Reason, bulkhead, cancel, coalesce, fallback, fan_out, retry, timeout};
use resilient_tests::{Error, Script, Stopwatch, assert_send, ms};
use tokio::time::{Instant, sleep};

fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Counts runs. Each run takes ten milliseconds and returns its number.
#[derive(Debug, Default)]
struct Runs(AtomicU32);

impl Runs {
    async fn next(&self) -> u32 {
        let run = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        sleep(ms(10)).await;
        run
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn callers_of_an_equal_key_share_one_run() {
    #[coalesce(key = (query, page))]
    async fn search(query: &str, page: u32, runs: &Runs) -> Result<(String, u32), Error> {
        let run = runs.next().await;
        Ok((format!("{query} {page}"), run))
    }
    let runs = Runs::default();

    let (one, two, other) = tokio::join!(search("tide", 1, &runs), search("tide", 1, &runs), search("tide", 2, &runs));

    assert_eq!(one, Ok(("tide 1".to_owned(), 1)));
    assert_eq!((one, other), (two, Ok(("tide 2".to_owned(), 2))));
    assert_eq!(runs.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn bare_has_one_key_for_a_function_without_arguments() {
    static RUNS: Runs = Runs(AtomicU32::new(0));
    #[coalesce]
    async fn settings() -> u32 {
        RUNS.next().await
    }

    assert_eq!(tokio::join!(settings(), settings()), (1, 1));
    assert_eq!(settings().await, 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_shared_too() {
    #[coalesce]
    async fn failing() -> Result<(), Error> {
        sleep(ms(1)).await;
        Err(Error::Gone)
    }

    assert_eq!(tokio::join!(failing(), failing()), (Err(Error::Gone), Err(Error::Gone)));
}

#[tokio::test(start_paused = true)]
async fn the_key_is_borrowed_and_the_body_owns_its_arguments() {
    #[derive(Debug, Hash)]
    struct Query {
        words: Vec<String>,
    }
    #[coalesce(key = (query.words, page))]
    async fn search(query: Query, page: Box<u32>) -> Vec<String> {
        sleep(ms(1)).await;
        drop(page);
        query.words
    }
    let query = || Query { words: vec!["tide".to_owned()] };

    let (one, two) = tokio::join!(search(query(), Box::new(1)), search(query(), Box::new(1)));

    assert_eq!((one.len(), two.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_dropped_or_panics_leaves_its_callers_with_an_outcome() {
    #[coalesce(key = id)]
    async fn load(id: u32, fails: bool) -> Result<u32, Error> {
        sleep(ms(10)).await;
        assert!(!fails, "as it should");
        Ok(id)
    }
    {
        let mut dropped = pin!(load(7, false));
        assert!(poll(dropped.as_mut()).is_none());
    }
    let leader = tokio::spawn(load(7, true));
    tokio::task::yield_now().await;
    let followers = [tokio::spawn(load(7, false)), tokio::spawn(load(7, false))];

    assert!(leader.await.unwrap_err().is_panic());
    for follower in followers {
        assert_eq!(follower.await.unwrap(), Ok(7));
    }
}

#[tokio::test(start_paused = true)]
async fn hold_keeps_the_outcome_for_those_who_come_late() {
    static RUNS: Runs = Runs(AtomicU32::new(0));
    #[coalesce(key = id, hold = "100ms")]
    async fn load(id: u32) -> u32 {
        RUNS.next().await * 10 + id
    }

    assert_eq!(load(7).await, 17);
    sleep(ms(99)).await;
    assert_eq!(load(7).await, 17);
    sleep(ms(1)).await;
    assert_eq!(load(7).await, 27);
}

#[tokio::test(start_paused = true)]
async fn max_wait_bounds_the_wait_for_a_run_that_hangs() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[coalesce(key = id, max_wait = "2s")]
    async fn load(id: u32) -> u32 {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        sleep(if run == 0 { ms(60_000) } else { ms(10) }).await;
        id + run
    }
    let began = Instant::now();
    let followers = async {
        let outcomes = tokio::join!(load(40), load(40));
        (outcomes, began.elapsed())
    };

    assert_eq!(tokio::join!(load(40), followers), (40, ((41, 41), ms(2_010))));
}

#[tokio::test(start_paused = true)]
async fn clones_of_one_arc_are_one_object() {
    struct Shop(AtomicU32);
    impl Shop {
        #[coalesce(key = id)]
        async fn price(self: &Arc<Self>, id: u32) -> u32 {
            sleep(ms(1)).await;
            id + self.0.fetch_add(1, Ordering::Relaxed)
        }
    }
    let (shop, other) = (Arc::new(Shop(0.into())), Arc::new(Shop(10.into())));
    let clone = shop.clone();

    assert_eq!(tokio::join!(shop.price(7), clone.price(7), other.price(7)), (7, 7, 17));
}

#[tokio::test(start_paused = true)]
async fn hold_may_be_a_constant() {
    const HOLD: std::time::Duration = ms(50);
    static RUNS: Runs = Runs(AtomicU32::new(0));
    #[coalesce(hold = HOLD)]
    async fn load() -> u32 {
        RUNS.next().await
    }

    load().await;
    sleep(ms(49)).await;
    assert_eq!(load().await, 1);
}

#[tokio::test(start_paused = true)]
async fn modes_that_do_not_enforce_let_each_run() {
    #[coalesce(key = id, mode = "observe")]
    async fn observed(id: u32, runs: &Runs) -> u32 {
        runs.next().await + id
    }
    #[coalesce(key = id, mode = "off")]
    async fn off(id: u32, runs: &Runs) -> u32 {
        runs.next().await + id
    }
    let runs = Runs::default();

    assert_eq!(tokio::join!(observed(0, &runs), observed(0, &runs)), (1, 2));
    assert_eq!(tokio::join!(off(0, &runs), off(0, &runs)), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn with_uses_a_policy_that_counts_for_all_its_functions_and_joins_none_of_them() {
    static FLIGHTS: Coalesce = Coalesce::named("flights");
    #[coalesce(key = id, with = FLIGHTS)]
    async fn name(id: u32) -> String {
        sleep(ms(1)).await;
        format!("name {id}")
    }
    #[coalesce(key = id, with = FLIGHTS)]
    async fn address(id: u32) -> String {
        sleep(ms(1)).await;
        format!("address {id}")
    }

    let (a, b, c) = tokio::join!(name(1), name(1), address(1));

    assert_eq!([a.as_str(), b.as_str(), c.as_str()], ["name 1", "name 1", "address 1"]);
    assert_eq!((FLIGHTS.counts().leaders, FLIGHTS.counts().followers, FLIGHTS.counts().keys), (2, 1, 0));
    FLIGHTS.set_mode(Mode::Off);
    tokio::join!(name(1), name(1));
    assert_eq!(FLIGHTS.counts().leaders, 2);
}

#[derive(Debug)]
struct Api {
    tenant: &'static str,
    flights: Coalesce,
    runs: Runs,
}

impl Api {
    fn new(tenant: &'static str) -> Self {
        Self { tenant, flights: Coalesce::named("api"), runs: Runs::default() }
    }

    #[coalesce(key = id)]
    async fn load(&self, id: u32) -> String {
        format!("{} {id} {}", self.tenant, self.runs.next().await)
    }

    #[coalesce(key = (self.tenant, id), hold = "1s")]
    async fn by_tenant(&self, id: u32) -> String {
        format!("{} {id} {}", self.tenant, self.runs.next().await)
    }

    #[coalesce(key = id, shared_across(self))]
    async fn for_all(&self, id: u32) -> String {
        format!("{} {id} {}", self.tenant, self.runs.next().await)
    }

    #[coalesce(key = id, with = self.flights)]
    async fn by_field(&self, id: u32) -> String {
        format!("{} {id} {}", self.tenant, self.runs.next().await)
    }

    #[coalesce]
    async fn whole(&self) -> String {
        format!("{} {}", self.tenant, self.runs.next().await)
    }

    #[coalesce(key = id)]
    async fn counted(self: Arc<Self>, id: u32) -> String {
        format!("{} {id} {}", self.tenant, self.runs.next().await)
    }

    #[coalesce(key = (self.tenant, id))]
    async fn exclusive(&mut self, id: u32) -> String {
        format!("{} {id} {}", self.tenant, self.runs.next().await)
    }
}

#[tokio::test(start_paused = true)]
async fn all_calls_are_joined_where_no_argument_makes_a_difference() {
    #[coalesce(shared_across(runs, asker))]
    async fn settings(runs: &Runs, asker: &str) -> String {
        format!("{} for {asker}", runs.next().await)
    }

    let runs = Runs::default();
    let (one, other) = tokio::join!(settings(&runs, "one"), settings(&runs, "other"));

    assert_eq!((&one, one.ends_with("for one")), (&other, true));
}

#[tokio::test(start_paused = true)]
async fn calls_on_two_objects_are_joined_only_where_that_is_said() {
    let (a, b) = (Api::new("a"), Api::new("b"));

    let (one, two, other) = tokio::join!(a.load(1), a.load(1), b.load(1));
    assert_eq!([one, two, other], ["a 1 1", "a 1 1", "b 1 1"]);
    let (one, two, other) = tokio::join!(a.by_tenant(1), a.by_tenant(1), b.by_tenant(1));
    assert_eq!([one, two, other], ["a 1 2", "a 1 2", "b 1 2"]);
    let (one, two, other) = tokio::join!(a.by_field(1), a.by_field(1), b.by_field(1));
    assert_eq!([one, two, other], ["a 1 3", "a 1 3", "b 1 3"]);
    let (one, two, other) = tokio::join!(a.whole(), a.whole(), b.whole());
    assert_eq!([one, two, other], ["a 4", "a 4", "b 4"]);
    let (one, other) = tokio::join!(a.for_all(1), b.for_all(1));
    assert_eq!([one, other], ["a 1 5", "a 1 5"]);

    let (a, mut b) = (Arc::new(a), b);
    let (one, two) = tokio::join!(a.clone().counted(1), a.clone().counted(1));
    assert_eq!([one, two], ["a 1 6", "a 1 6"]);
    assert_eq!(b.exclusive(1).await, "b 1 5");
}

#[tokio::test(start_paused = true)]
async fn a_generic_function_is_another_for_each_type() {
    #[coalesce(key = id)]
    async fn name_of<T: Debug + Default>(id: u32, runs: &Runs) -> String {
        format!("{:?} {id} {}", T::default(), runs.next().await)
    }
    let runs = Runs::default();

    let (one, two, three) = tokio::join!(name_of::<u8>(1, &runs), name_of::<bool>(1, &runs), name_of::<u8>(1, &runs));

    assert_eq!([one, two, three], ["0 1 1", "false 1 2", "0 1 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_impl_of_a_generic_type_is_another_for_each_type() {
    struct Table<T>(PhantomData<T>);
    impl<T: Debug + Default> Table<T> {
        #[coalesce(key = id)]
        async fn first(id: u32) -> String {
            sleep(ms(1)).await;
            format!("{:?} {id}", T::default())
        }
    }

    let (one, two) = tokio::join!(Table::<u8>::first(1), Table::<bool>::first(1));

    assert_eq!([one, two], ["0 1", "false 1"]);
    let _ = Table(PhantomData::<u8>);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_generic_function_may_be_of_its_type() {
    #[coalesce(key = value)]
    async fn same<T: Clone + std::hash::Hash + Send + Sync + 'static>(value: T) -> T {
        sleep(ms(1)).await;
        value
    }

    assert_eq!(tokio::join!(same(7), same("text"), same(7)), (7, "text", 7));
}

#[async_trait]
trait Load {
    async fn load(&self, id: u32) -> Result<u32, Error>;
}

#[async_trait]
impl Load for Api {
    #[coalesce(key = id)]
    async fn load(&self, id: u32) -> Result<u32, Error> {
        Ok(self.runs.next().await + id)
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_async_trait_it_goes_by_the_object_too() {
    let (a, b) = (Api::new("a"), Api::new("b"));
    b.runs.next().await;

    let (one, two, other) = tokio::join!(Load::load(&a, 0), Load::load(&a, 0), Load::load(&b, 0));

    assert_eq!((one, two, other), (Ok(1), Ok(1), Ok(2)));
}

#[tokio::test(start_paused = true)]
async fn above_a_retry_a_call_is_shared_with_all_its_attempts() {
    #[coalesce(key = id)]
    #[timeout(total = "1s")]
    #[retry(max = 2, backoff = "none")]
    async fn load(id: u32, script: &Script) -> Result<u32, Error> {
        sleep(ms(1)).await;
        script.next()?;
        Ok(id)
    }
    let script = Script::failing(2);

    let outcomes = tokio::join!(load(7, &script), load(7, &script));

    assert_eq!((outcomes, script.attempts()), ((Ok(7), Ok(7)), 3));
}

#[tokio::test(start_paused = true)]
async fn below_a_retry_each_attempt_joins() {
    #[retry(max = 2, backoff = "none")]
    #[coalesce(key = id)]
    async fn load(id: u32, script: &Script) -> Result<u32, Error> {
        sleep(ms(1)).await;
        script.next()?;
        Ok(id)
    }
    let script = Script::failing(2);

    let outcomes = tokio::join!(load(7, &script), load(7, &script));

    assert_eq!((outcomes, script.attempts()), ((Ok(7), Ok(7)), 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_inside_is_refused_to_all_who_share() {
    #[coalesce(key = id)]
    #[timeout("5ms")]
    async fn slow(id: u32, runs: &Runs) -> Result<u32, Error> {
        Ok(runs.next().await + id)
    }
    let runs = Runs::default();

    let (one, two) = tokio::join!(slow(7, &runs), slow(7, &runs));

    assert_eq!(one.unwrap_err().reason(), Reason::TimedOut { limit: ms(5) });
    assert_eq!((two.unwrap_err().reason(), runs.count()), (Reason::TimedOut { limit: ms(5) }, 1));
}

#[tokio::test(start_paused = true)]
async fn a_time_out_above_ends_the_wait_of_its_own_caller_only() {
    #[coalesce(key = 1 + 1)]
    async fn shared(runs: &Runs) -> Result<u32, Error> {
        Ok(runs.next().await)
    }
    #[timeout("5ms")]
    async fn hurried(runs: &Runs) -> Result<u32, Error> {
        shared(runs).await
    }
    let (runs, watch) = (Runs::default(), Stopwatch::start());

    let (leader, follower, hurried_too) = tokio::join!(hurried(&runs), shared(&runs), hurried(&runs));

    assert_eq!(leader.unwrap_err().reason(), Reason::TimedOut { limit: ms(5) });
    assert_eq!(hurried_too.unwrap_err().reason(), Reason::TimedOut { limit: ms(5) });
    assert_eq!((follower, watch.elapsed()), (Ok(2), 15), "it took over when the leader's time was up");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_leaders_caller_is_not_the_followers_outcome() {
    #[coalesce(key = 1 + 1)]
    #[timeout("1s")]
    async fn shared(runs: &Runs) -> Result<u32, Error> {
        Ok(runs.next().await)
    }
    let runs = Runs::default();
    let hurried = resilient::Deadline::after(ms(5)).scope(shared(&runs));

    let (leader, follower) = tokio::join!(hurried, shared(&runs));

    assert_eq!(leader.unwrap_err().reason(), Reason::DeadlineExceeded);
    assert_eq!(follower, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn whole_stacks_stand_around_it() {
    #[fan_out(limit = 8)]
    #[fallback(value = 0)]
    #[cancel(on = never())]
    #[coalesce(key = id)]
    #[timeout(total = "1s", attempt = "100ms")]
    #[retry(max = 1, backoff = "none")]
    #[bulkhead(limit = 1)]
    async fn load(id: u32) -> Result<u32, Error> {
        sleep(ms(1)).await;
        if id == 3 { Err(Error::Down) } else { Ok(id) }
    }

    assert_eq!(assert_send(load_all([1, 2, 2, 3, 3, 1]).into_future()).await, [1, 2, 2, 0, 0, 1].map(Ok));
}

fn never() -> tokio_util::sync::CancellationToken {
    tokio_util::sync::CancellationToken::new()
}

/// An output that cannot be cloned, like its error.
#[derive(Debug, PartialEq)]
struct Hits(u32);
#[derive(Debug, PartialEq)]
struct Failure(u32);

impl From<resilient::Error> for Failure {
    fn from(_: resilient::Error) -> Self {
        Self(0)
    }
}

#[tokio::test(start_paused = true)]
async fn share_gives_all_callers_the_same() {
    #[fan_out]
    #[coalesce(key = id, share)]
    async fn search(id: u32) -> Result<Hits, Failure> {
        sleep(ms(1)).await;
        if id == 0 { Err(Failure(7)) } else { Ok(Hits(id)) }
    }

    let (one, two) = tokio::join!(search(1), search(1));
    assert!(Arc::ptr_eq(&one.unwrap(), &two.unwrap()));
    let (one, two) = tokio::join!(search(0), search(0));
    assert!(Arc::ptr_eq(&one.unwrap_err(), &two.unwrap_err()));
    let all: Vec<Result<Arc<Hits>, Arc<Failure>>> = search_all([2, 2]).await;
    assert_eq!(all, [Ok(Arc::new(Hits(2))), Ok(Arc::new(Hits(2)))]);
}

#[tokio::test(start_paused = true)]
async fn share_works_over_policies_that_refuse_and_on_what_is_no_result() {
    #[coalesce(key = id, share)]
    #[timeout("5ms")]
    async fn slow(id: u32, runs: &Runs) -> Result<Hits, Failure> {
        Ok(Hits(runs.next().await + id))
    }
    #[coalesce(share)]
    async fn table() -> HashMap<u32, Hits> {
        sleep(ms(1)).await;
        HashMap::from([(1, Hits(1))])
    }
    type IoResult<T> = std::io::Result<T>;
    #[coalesce(share)]
    async fn aliased() -> IoResult<Hits> {
        sleep(ms(1)).await;
        Err(std::io::ErrorKind::NotFound.into())
    }
    let runs = Runs::default();

    let (one, two) = tokio::join!(slow(1, &runs), slow(1, &runs));
    assert_eq!((one, two, runs.count()), (Err(Arc::new(Failure(0))), Err(Arc::new(Failure(0))), 1));
    let (one, two): (Arc<HashMap<u32, Hits>>, _) = tokio::join!(table(), table());
    assert!(Arc::ptr_eq(&one, &two));
    assert_eq!(aliased().await.unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_several_threads_share() {
    #[coalesce(key = id)]
    async fn load(id: u32) -> Result<u32, Error> {
        tokio::task::yield_now().await;
        Ok(id)
    }

    let tasks: Vec<_> = (0..1_000).map(|call| tokio::spawn(load(call % 3))).collect();

    for (call, task) in (0..).zip(tasks) {
        assert_eq!(task.await.unwrap(), Ok(call % 3));
    }
}

#[tokio::test(start_paused = true)]
async fn the_crate_may_be_named() {
    #[coalesce(crate = ::resilient, name = "named")]
    async fn renamed() -> u32 {
        7
    }

    assert_eq!(renamed().await, 7);
}
