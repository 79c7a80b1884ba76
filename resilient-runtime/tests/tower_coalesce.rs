//! The layer of coalescing: who calls the service, what becomes of those who wait, and what they are given.

use std::error::Error as StdError;
use std::future::{Future, pending};
use std::io::{Error as IoError, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use resilient::http::CallError;
use resilient::tower::{coalesce, policies, retry};
use resilient::{Backoff, Class, Classify, Coalesce, Deadline, Mode, Reason, Retry, Timeout, counts::CoalesceCounts};
use tokio::sync::Semaphore;
use tokio::time::{Instant, advance, sleep};
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Classify)]
enum Error {
    #[transient]
    Down,
    #[transparent(from)]
    Refused(resilient::Error),
}

type Answer = Result<u32, Error>;

/// A service of seconds: it answers a request after as long as it says, with the number of the call. It panics if it is called without
/// having been polled ready.
#[derive(Default)]
struct Clock {
    is_ready: bool,
    calls: Arc<AtomicU32>,
    /// The number of calls that fail before one succeeds.
    failures: u32,
}

impl Clone for Clock {
    /// A clone is not ready, whatever the original is.
    fn clone(&self) -> Self {
        Self { is_ready: false, calls: self.calls.clone(), ..*self }
    }
}

impl Service<u64> for Clock {
    type Response = u32;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, seconds: u64) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without having been polled ready");
        let (number, failures) = (self.calls.fetch_add(1, SeqCst) + 1, self.failures);
        Box::pin(async move {
            sleep(Duration::from_secs(seconds)).await;
            if number <= failures { Err(Error::Down) } else { Ok(number) }
        })
    }
}

impl Clock {
    fn failing(failures: u32) -> Self {
        Self { failures, ..Self::default() }
    }
}

/// Joins requests for the same number of seconds, below a thousand.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "a layer makes the key of a reference")]
fn seconds(request: &u64) -> Option<u64> {
    (*request < 1_000).then_some(*request)
}

fn leaders_and_followers(counts: CoalesceCounts) -> (u64, u64) {
    (counts.leaders, counts.followers)
}

#[tokio::test]
async fn one_request_of_many_reaches_the_service() {
    static POLICY: Coalesce = Coalesce::named("layer: one");
    let (mock, mut handle) = tower_test::mock::pair::<&'static str, u32>();
    let service =
        ServiceBuilder::new().layer(coalesce(&POLICY, |word: &&'static str| Some(*word)).boxed()).service(mock);
    let callers: Vec<_> =
        ["tide", "tide", "ebb", "tide"].map(|word| tokio::spawn(service.clone().oneshot(word))).into();

    let (first, respond_first) = handle.next_request().await.unwrap();
    let (second, respond_second) = handle.next_request().await.unwrap();
    assert_eq!((first, second), ("tide", "ebb"));
    respond_second.send_response(3);
    respond_first.send_response(4);

    let answers: Vec<_> = join_all(callers).await.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
    assert_eq!(answers, [4, 4, 3, 4]);
    assert_eq!(leaders_and_followers(POLICY.counts()), (2, 2));
    assert!(handle.next_request().now_or_never().is_none(), "nothing else came");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_follows_reserves_nothing_in_the_service() {
    static POLICY: Coalesce = Coalesce::named("layer: reserves nothing");
    let clock = Clock::default();
    let calls = clock.calls.clone();
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(ConcurrencyLimit::new(clock, 1));

    // nine of ten would wait for the one place, and then call
    let began = Instant::now();
    let answers = join_all((0..10).map(|_| service.clone().oneshot(3))).await;

    assert_eq!((answers, began.elapsed()), (vec![Ok(1); 10], 3 * SECOND));
    assert_eq!(service.clone().oneshot(1).await, Ok(2), "the place is free again");
    assert_eq!(calls.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_follower_leads_wherever_the_leader_is_dropped() {
    static POLICY: Coalesce = Coalesce::named("layer: dropped");
    let places = Arc::new(Semaphore::new(1));
    let limited = ConcurrencyLimit::with_semaphore(Clock::default(), places.clone());
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(limited);
    let call = || Box::pin(service.clone().oneshot(2));

    // before it was polled: nobody led
    drop(call());
    assert_eq!((POLICY.counts().keys, places.available_permits()), (0, 1));

    // while it waits until the service is ready
    let taken = places.clone().acquire_owned().await.unwrap();
    let (mut leader, mut follower, mut other) = (call(), call(), call());
    assert!(poll!(&mut leader).is_pending() && poll!(&mut follower).is_pending() && poll!(&mut other).is_pending());
    drop(leader);
    drop(taken);
    assert_eq!(follower.await, Ok(1), "it leads, and takes the place");
    assert_eq!((other.await, places.available_permits()), (Ok(1), 1));

    // while the service works
    let (mut leader, mut follower, mut other) = (call(), call(), call());
    assert!(poll!(&mut leader).is_pending() && poll!(&mut follower).is_pending() && poll!(&mut other).is_pending());
    advance(SECOND).await;
    assert!(poll!(&mut leader).is_pending());
    assert_eq!(places.available_permits(), 0);
    drop(leader);
    assert_eq!(places.available_permits(), 1, "its place is free before somebody else leads");
    // one that waits and goes away leaves no trace
    drop(other);
    assert!(poll!(&mut follower).is_pending());
    assert_eq!((follower.await, places.available_permits(), POLICY.counts().keys), (Ok(3), 1, 0));
    assert_eq!(POLICY.counts().handed_over, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_stays_with_its_caller_and_a_follower_leads() {
    static POLICY: Coalesce = Coalesce::named("layer: panic");
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(service_fn(move |seconds: u64| {
        let number = seen.fetch_add(1, SeqCst);
        async move {
            sleep(Duration::from_secs(seconds)).await;
            assert!(number > 0, "the first call panics");
            Ok::<_, Error>(number)
        }
    }));

    let callers: Vec<_> = (0..3).map(|_| tokio::spawn(service.clone().oneshot(1))).collect();
    let ends = join_all(callers).await;

    assert_eq!(ends.iter().filter(|end| end.is_err()).count(), 1);
    assert!(ends.into_iter().flatten().all(|answer| answer == Ok(1)));
    assert_eq!((calls.load(SeqCst), POLICY.counts().keys), (2, 0));
}

#[tokio::test]
async fn a_service_that_fails_to_become_ready_fails_all_that_wait() {
    static POLICY: Coalesce = Coalesce::named("layer: never ready");
    let (mock, mut handle) = tower_test::mock::pair::<u64, u32>();
    handle.allow(0);
    let mut service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds).boxed()).service(mock);
    assert!(service.ready().now_or_never().is_some(), "the layer is ready at once");
    let callers: Vec<_> = (0..3).map(|_| tokio::spawn(service.clone().oneshot(1))).collect();
    tokio::task::yield_now().await;

    handle.send_error(BoxError::from("gone"));

    let errors = join_all(callers).await.into_iter().map(|end| end.unwrap().unwrap_err().to_string());
    assert_eq!(errors.collect::<Vec<_>>(), ["gone"; 3]);
    assert_eq!(leaders_and_followers(POLICY.counts()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_buffer_has_one_message_for_all() {
    static POLICY: Coalesce = Coalesce::named("layer: buffer");
    let clock = Clock::default();
    let calls = clock.calls.clone();
    let service =
        ServiceBuilder::new().layer(coalesce(&POLICY, seconds).boxed()).service(Buffer::new(clock_boxed(clock), 1));

    let began = Instant::now();
    let answers = join_all((0..20).map(|_| service.clone().oneshot(2))).await;

    assert!(answers.into_iter().all(|answer| answer.unwrap() == 1));
    assert_eq!((calls.load(SeqCst), began.elapsed()), (1, 2 * SECOND));
}

/// With an error that a buffer takes.
fn clock_boxed(
    clock: Clock,
) -> impl Service<u64, Response = u32, Error = BoxError, Future: Send + 'static> + Send + 'static {
    clock.map_err(|error| BoxError::from(format!("{error:?}")))
}

#[tokio::test(start_paused = true)]
async fn errors_in_boxes_keep_what_policies_above_look_for() {
    static POLICY: Coalesce = Coalesce::named("layer: boxes");
    static RETRY: Retry = Retry::named("layer: boxes").max(2).backoff(Backoff::none()).without_budget();
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let fails = service_fn(move |kind: ErrorKind| {
        seen.fetch_add(1, SeqCst);
        async move {
            sleep(SECOND).await;
            Err::<u32, _>(IoError::from(kind))
        }
    });
    let shared = ServiceBuilder::new().layer(coalesce(&POLICY, |kind: &ErrorKind| Some(*kind)).boxed()).service(fails);
    let retried = ServiceBuilder::new().layer(retry(&RETRY)).service(shared.clone());

    let both = join_all((0..2).map(|_| shared.clone().oneshot(ErrorKind::BrokenPipe))).await;
    for error in both.into_iter().map(Result::unwrap_err) {
        assert_eq!((error.class(), error.to_string()), (Class::Transient, "broken pipe".to_owned()));
        let inside = error.downcast::<Arc<dyn StdError + Send + Sync>>().unwrap();
        assert_eq!(inside.downcast_ref::<IoError>().unwrap().kind(), ErrorKind::BrokenPipe);
    }
    assert_eq!(calls.swap(0, SeqCst), 1);

    let both = join_all((0..2).map(|_| retried.clone().oneshot(ErrorKind::BrokenPipe))).await;
    assert!(both.iter().all(Result::is_err));
    assert_eq!(calls.swap(0, SeqCst), 3, "an attempt of both is one call");
    retried.oneshot(ErrorKind::NotFound).await.unwrap_err();
    assert_eq!(calls.load(SeqCst), 1, "permanent");
}

#[tokio::test(start_paused = true)]
async fn a_hint_and_a_rejection_are_found_in_the_error_of_each() {
    static POLICY: Coalesce = Coalesce::named("layer: hints");
    static ATTEMPT: Timeout = Timeout::named("layer: hints", SECOND);
    let busy = |after: &'static str| {
        service_fn(move |seconds: u64| async move {
            sleep(Duration::from_secs(seconds)).await;
            let response = http::Response::builder().status(502).header("retry-after", after).body(()).unwrap();
            resilient::http::check(response).map_err(CallError::from)?;
            Ok::<(), CallError>(())
        })
    };
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds).boxed()).service(busy("7"));
    for error in join_all((0..2).map(|_| service.clone().oneshot(1))).await {
        let error = error.unwrap_err();
        assert_eq!((error.class(), error.hint()), (Class::Transient, Some(7 * SECOND)));
    }

    let layers = ServiceBuilder::new().layer(coalesce(&POLICY, seconds).boxed()).layer(policies((&ATTEMPT,)).boxed());
    let service = layers.service(Clock::default().map_err(|_| IoError::other("no")));
    for error in join_all((0..2).map(|_| service.clone().oneshot(9))).await {
        let error = error.unwrap_err();
        assert!(matches!(error.rejection().unwrap().reason(), Reason::TimedOut { .. }), "{error}");
    }
    assert_eq!(leaders_and_followers(POLICY.counts()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn the_leaders_own_deadline_is_told_to_nobody_else() {
    static POLICY: Coalesce = Coalesce::named("layer: deadline");
    static ATTEMPT: Timeout = Timeout::named("layer: deadline", Duration::from_secs(60));
    let clock = Clock::default();
    let calls = clock.calls.clone();
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).layer(policies((&ATTEMPT,))).service(clock);
    let in_a_hurry = Deadline::after(SECOND).scope(service.clone().oneshot(5));

    let (hurried, patient) = tokio::join!(in_a_hurry, service.clone().oneshot(5));

    let Err(Error::Refused(rejection)) = hurried else { panic!("{hurried:?}") };
    assert_eq!(rejection.reason(), Reason::DeadlineExceeded);
    assert_eq!((patient, calls.load(SeqCst)), (Ok(2), 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_given_out_and_a_failure_too() {
    static POLICY: Coalesce = Coalesce::named("layer: holds").hold(Duration::from_secs(10));
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(Clock::failing(1));
    let call = || service.clone().oneshot(0);

    assert_eq!(call().await, Err(Error::Down));
    advance(9 * SECOND).await;
    assert_eq!(call().await, Err(Error::Down));
    advance(2 * SECOND).await;
    assert_eq!(call().await, Ok(2));
    advance(9 * SECOND).await;
    assert_eq!(call().await, Ok(2));
    assert_eq!(leaders_and_followers(POLICY.counts()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_old_response_is_renewed_behind_the_call_that_finds_it() {
    static POLICY: Coalesce =
        Coalesce::named("layer: renews").hold(SECOND).stale_while_revalidate(Duration::from_secs(60));
    let clock = Clock::default();
    let calls = clock.calls.clone();
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(ConcurrencyLimit::new(clock, 1));
    let call = || service.clone().oneshot(3);

    assert_eq!(call().await, Ok(1));
    advance(5 * SECOND).await;
    let began = Instant::now();
    assert_eq!((call().await, call().await), (Ok(1), Ok(1)), "at once");
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(Duration::from_millis(3_500)).await;
    assert_eq!((call().await, calls.load(SeqCst)), (Ok(2), 2), "the service was polled ready and called by the task");
    assert_eq!((POLICY.counts().renewals, POLICY.counts().stale), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_hangs_is_overtaken() {
    static POLICY: Coalesce = Coalesce::named("layer: hangs").max_wait(SECOND);
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(service_fn(move |_: u64| {
        let number = seen.fetch_add(1, SeqCst);
        async move {
            if number == 0 {
                pending::<()>().await;
            }
            Ok::<_, Error>(number)
        }
    }));
    let mut hangs = Box::pin(service.clone().oneshot(1));
    assert!(poll!(&mut hangs).is_pending());

    let began = Instant::now();
    assert_eq!(service.clone().oneshot(1).await, Ok(1));

    assert_eq!((began.elapsed(), POLICY.counts().handed_over), (SECOND, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_key_is_a_call_of_its_own() {
    static POLICY: Coalesce = Coalesce::named("layer: keys").hold(Duration::from_secs(60));
    let clock = Clock::default();
    let calls = clock.calls.clone();
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(clock);

    join_all((0..4).map(|_| service.clone().oneshot(1_000))).await;

    assert_eq!((calls.load(SeqCst), POLICY.counts()), (4, CoalesceCounts::default()));
}

#[tokio::test(start_paused = true)]
async fn two_services_under_one_policy_keep_their_answers_apart() {
    static POLICY: Coalesce = Coalesce::named("layer: two").hold(Duration::from_secs(60));
    let layer = coalesce(&POLICY, seconds);
    let (one, other) = (Clock::default(), Clock::default());
    other.calls.store(100, SeqCst);
    let layered = |clock: &Clock| ServiceBuilder::new().layer(layer.clone()).service(clock.clone());
    let (one, other) = (layered(&one), layered(&other));

    assert_eq!(tokio::join!(one.clone().oneshot(1), other.clone().oneshot(1)), (Ok(1), Ok(101)));
    assert_eq!(tokio::join!(one.clone().oneshot(1), other.clone().oneshot(1)), (Ok(1), Ok(101)), "held");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_off_joins_nobody_and_is_listed() {
    static POLICY: Coalesce = Coalesce::named("layer: off").hold(Duration::from_millis(100)).mode(Mode::Off);
    let clock = Clock::default();
    let calls = clock.calls.clone();
    let service = ServiceBuilder::new().layer(coalesce(&POLICY, seconds)).service(clock);

    join_all((0..3).map(|_| service.clone().oneshot(1))).await;

    assert_eq!(calls.load(SeqCst), 3);
    let all = resilient::policies().others;
    let listed = all.iter().find(|policy| policy.name == "layer: off").expect("it is listed");
    assert!(listed.settings.iter().any(|setting| setting.key == "hold"), "{listed:?}");
}
