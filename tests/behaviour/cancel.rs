//! `#[cancel]`.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use resilient::{CircuitBreaker, CircuitBreakerState, Reason, cancel, circuit_breaker, fallback, retry};
use resilient_tests::{Alive, Error, Stopwatch, ms};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

struct Worker {
    stop: CancellationToken,
    running: AtomicU32,
}

impl Worker {
    fn new() -> Self {
        Self { stop: CancellationToken::new(), running: AtomicU32::new(0) }
    }

    #[cancel(on = self.stop)]
    async fn work_alone(self: Arc<Self>) -> Result<u32, Error> {
        sleep(ms(100)).await;
        Ok(self.running.load(Ordering::Relaxed))
    }

    #[cancel(on = self.stop)]
    async fn work(&self) -> Result<(), Error> {
        let _running = Alive::new(&self.running);
        sleep(ms(100)).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_signal_may_be_in_what_the_body_owns() {
    let worker = Arc::new(Worker::new());
    assert!(tokio::spawn(worker.clone().work_alone()).await.unwrap().is_ok());
    worker.stop.cancel();
    assert_eq!(worker.work_alone().await.err().unwrap().reason(), Reason::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_signal_ends_by_itself() {
    assert_eq!(Worker::new().work().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_signal_ends_the_call_and_drops_the_body_first() {
    let worker = Worker::new();
    let watch = Stopwatch::start();

    let stop = async {
        sleep(ms(30)).await;
        worker.stop.cancel();
    };
    let (outcome, ()) = tokio::join!(worker.work(), stop);

    assert_eq!(outcome.unwrap_err().reason(), Reason::Cancelled);
    assert_eq!((worker.running.load(Ordering::SeqCst), watch.elapsed()), (0, 30));
}

#[tokio::test(start_paused = true)]
async fn a_signal_before_the_call_keeps_the_body_from_starting() {
    #[cancel(stop)]
    async fn starts(stop: &CancellationToken, started: &AtomicU32) -> Result<(), Error> {
        started.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    let (stop, started) = (CancellationToken::new(), AtomicU32::new(0));
    stop.cancel();

    let error = starts(&stop, &started).await.unwrap_err();

    assert_eq!((error.reason(), started.load(Ordering::SeqCst)), (Reason::Cancelled, 0));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_not_retried_no_strike_and_does_not_fall_back() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("cancelled").consecutive(1);
    #[fallback(value = ())]
    #[retry(backoff = "none")]
    #[circuit_breaker(with = BREAKER)]
    #[cancel(on = stop, name = "the work")]
    async fn hangs(stop: CancellationToken, attempts: &AtomicU32) -> Result<(), Error> {
        attempts.fetch_add(1, Ordering::SeqCst);
        pending().await
    }
    let (stop, attempts) = (CancellationToken::new(), AtomicU32::new(0));

    let later = async {
        sleep(ms(10)).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(hangs(stop.clone(), &attempts), later);

    let Err(Error::Refused(refusal)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.to_string(), "`the work` was cancelled");
    assert_eq!((attempts.load(Ordering::SeqCst), BREAKER.state()), (1, CircuitBreakerState::Closed));
}

#[test]
fn the_list_says_which_token_stops_it() {
    #[cancel(on = token, name = "cancel: listed")]
    async fn listed_with_its_token(token: &CancellationToken) -> Result<(), Error> {
        Ok(())
    }
    let _ = listed_with_its_token;

    let functions = resilient::policies().functions;
    let function =
        functions.iter().find(|function| function.function == "listed_with_its_token").expect("it is listed");

    let policy = function.stack[0].policy.as_ref().expect("its own");
    assert_eq!((policy.settings[0].key, policy.settings[0].value.as_str()), ("on", "token"));
}
