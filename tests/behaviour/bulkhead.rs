//! `#[bulkhead]`: each argument's effect. The tests beside the bulkhead cover the bulkhead itself.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use resilient::{Bulkhead, Mode, PerKey, Priority, Reason, bulkhead, circuit_breaker, retry, timeout};
use resilient_tests::{Alive, Error, Script, Stopwatch, assert_send, ms};
use tokio::time::sleep;

fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Makes the given number of calls at once, and returns how many of them were refused at once.
macro_rules! crowd {
    ($calls:expr, $call:expr) => {{
        let calls = (0..$calls).map(|_| Box::pin($call));
        let mut calls: Vec<_> = calls.collect();
        let refused = calls.iter_mut().filter_map(|call| poll(call.as_mut())).filter(Result::is_err).count();
        refused
    }};
}

#[bulkhead(limit = 2, queue = 1)]
async fn few(time: u64) -> Result<u64, Error> {
    sleep(ms(time)).await;
    Ok(time)
}

#[tokio::test(start_paused = true)]
async fn the_third_waits_and_the_fourth_is_refused() {
    let watch = Stopwatch::start();

    let (one, two, three, four) = tokio::join!(few(10), few(10), few(10), few(10));

    assert_eq!((one, two, three), (Ok(10), Ok(10), Ok(10)));
    assert_eq!(four.unwrap_err().reason(), Reason::QueueFull);
    assert_eq!(watch.elapsed(), 20);
}

#[tokio::test(start_paused = true)]
async fn bare_lets_64_in_and_as_many_wait() {
    #[bulkhead]
    async fn bare() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }

    assert_eq!(crowd!(64 + 64 + 3, bare()), 3);
}

#[tokio::test(start_paused = true)]
async fn limit_may_be_a_constant() {
    const LIMIT: u32 = 3;
    #[bulkhead(limit = LIMIT, queue = LIMIT - 3)]
    async fn constant() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }

    assert_eq!(crowd!(5, constant()), 2);
}

#[tokio::test(start_paused = true)]
async fn max_wait_ends_the_wait() {
    #[bulkhead(limit = 1, max_wait = "50ms")]
    async fn slow() -> Result<(), Error> {
        sleep(ms(1_000)).await;
        Ok(())
    }
    let watch = Stopwatch::start();
    let mut first = pin!(slow());
    assert!(poll(first.as_mut()).is_none());

    let refused = slow().await;

    assert_eq!(refused.unwrap_err().reason(), Reason::WaitedTooLong { limit: ms(50) });
    assert_eq!(watch.elapsed(), 50);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_around_it_ends_the_wait() {
    #[timeout("30ms")]
    #[bulkhead(limit = 1, max_wait = "10s")]
    async fn slow(time: u64) -> Result<(), Error> {
        sleep(ms(time)).await;
        Ok(())
    }
    let mut first = pin!(slow(25));
    assert!(poll(first.as_mut()).is_none());
    let mut second = pin!(slow(25));
    assert!(poll(second.as_mut()).is_none());
    let watch = Stopwatch::start();

    let (first, second) = tokio::join!(first, second);

    assert!(first.is_ok());
    assert!(matches!(second.unwrap_err().reason(), Reason::DeadlineExceeded | Reason::TimedOut { .. }));
    assert_eq!(watch.elapsed(), 30);
}

#[tokio::test(start_paused = true)]
async fn weight_takes_so_many_places() {
    #[bulkhead(limit = 4, queue = 0, weight = items.len() as u32)]
    async fn load(items: Vec<u8>) -> Result<usize, Error> {
        sleep(ms(10)).await;
        Ok(items.len())
    }
    let mut three = pin!(load(vec![0; 3]));
    assert!(poll(three.as_mut()).is_none());

    assert!(load(vec![0; 2]).await.is_err());
    assert_eq!(load(vec![0; 1]).await, Ok(1));
    assert_eq!(three.await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn low_priority_gives_way() {
    #[bulkhead(limit = 1, queue = 1, priority = if urgent { Priority::High } else { Priority::Low })]
    async fn call(urgent: bool) -> Result<bool, Error> {
        sleep(ms(10)).await;
        Ok(urgent)
    }
    let mut inside = pin!(call(true));
    let mut low = pin!(call(false));
    assert!(poll(inside.as_mut()).is_none() && poll(low.as_mut()).is_none());

    let mut high = pin!(call(true));
    assert!(poll(high.as_mut()).is_none());

    assert_eq!(poll(low).unwrap().unwrap_err().reason(), Reason::QueueFull);
    let (inside, high) = tokio::join!(inside, high);
    assert_eq!((inside, high), (Ok(true), Ok(true)));
}

#[tokio::test(start_paused = true)]
async fn low_may_be_a_word() {
    #[bulkhead(name = "behaviour: words", limit = 1, queue = 1, priority = "low")]
    async fn low() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }
    #[bulkhead(name = "behaviour: words", limit = 1, queue = 1, priority = "high")]
    async fn high() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }
    let mut inside = pin!(low());
    let mut waiting = pin!(low());
    assert!(poll(inside.as_mut()).is_none() && poll(waiting.as_mut()).is_none());

    let mut high = pin!(high());

    assert!(poll(high.as_mut()).is_none(), "one name is one bulkhead");
    assert!(poll(waiting).unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn key_gives_each_its_own() {
    #[bulkhead(limit = 1, queue = 0, key = host)]
    async fn fetch(host: &str) -> Result<usize, Error> {
        sleep(ms(10)).await;
        Ok(host.len())
    }
    let mut inside = pin!(fetch("a"));
    assert!(poll(inside.as_mut()).is_none());

    assert!(fetch("a").await.is_err());
    assert_eq!(fetch("bb").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn with_uses_a_bulkhead_of_ones_own() {
    static SHARED: Bulkhead = Bulkhead::named("shared").limit(1).queue(0);
    static HOSTS: PerKey<Bulkhead> = PerKey::new(Bulkhead::named("hosts").limit(1).queue(0));
    #[bulkhead(with = SHARED)]
    async fn one() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }
    #[bulkhead(with = HOSTS.of(host))]
    async fn other(host: &str) -> Result<usize, Error> {
        sleep(ms(10)).await;
        Ok(host.len())
    }
    let mut inside = pin!(one());
    assert!(poll(inside.as_mut()).is_none());
    assert_eq!(SHARED.counts().in_use, 1);

    let hosts = HOSTS.of("a");
    let _permit = hosts.try_acquire().unwrap();

    assert!(other("a").await.is_err());
    assert_eq!(other("bb").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn observing_it_lets_everybody_in() {
    static SHARED: Bulkhead = Bulkhead::named("observed").limit(1).mode(Mode::Observe);
    #[bulkhead(with = SHARED)]
    async fn with() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }
    #[bulkhead(limit = 1, queue = 0, mode = "observe")]
    async fn observed() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }
    #[bulkhead(limit = 1, queue = 0, mode = "off")]
    async fn off() -> Result<(), Error> {
        sleep(ms(10)).await;
        Ok(())
    }

    assert_eq!((crowd!(5, with()), crowd!(5, observed()), crowd!(5, off())), (0, 0, 0));
    assert_eq!(SHARED.counts().observed, 4);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_adapts_shrinks_when_the_server_refuses() {
    static SERVER: Bulkhead = Bulkhead::named("server").aimd(1, 100, 20);
    #[bulkhead(with = SERVER, when = |error: &Error| match error {
        Error::Gone => resilient::Class::Throttled { after: None },
        _ => resilient::Class::Permanent,
    })]
    async fn call() -> Result<(), Error> {
        sleep(ms(10)).await;
        Err(Error::Gone)
    }

    for _ in 0..1_200 {
        let calls: Vec<_> = (0..10).map(|_| tokio::spawn(call())).collect();
        for call in calls {
            assert!(call.await.unwrap().is_err());
        }
    }

    assert!(SERVER.counts().limit < 10, "{:?}", SERVER.counts());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_retried_and_no_strike_for_a_breaker() {
    static BREAKER: resilient::CircuitBreaker = resilient::CircuitBreaker::named("breaker").consecutive(1);
    #[retry(max = 3, backoff = "fixed", base = "10ms")]
    #[circuit_breaker(with = BREAKER)]
    #[bulkhead(limit = 1, queue = 0)]
    async fn call(time: u64) -> Result<u64, Error> {
        sleep(ms(time)).await;
        Ok(time)
    }

    let (one, other) = tokio::join!(call(15), call(1));

    assert_eq!((one, other), (Ok(15), Ok(1)));
    assert_eq!(BREAKER.counts().opened, 0);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_comes_in_anew() {
    static PLACES: Bulkhead = Bulkhead::named("places").limit(1).queue(0);
    #[retry(max = 2, backoff = "fixed", base = "10ms")]
    #[bulkhead(with = PLACES)]
    async fn call(script: &Script) -> Result<(), Error> {
        assert_eq!(PLACES.counts().in_use, 1);
        script.next()
    }
    let script = Script::failing(1);
    let mut call = pin!(call(&script));
    assert!(poll(call.as_mut()).is_none());

    assert_eq!(PLACES.counts().in_use, 0, "between two attempts there is none inside");
    assert_eq!(call.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_it_gives_back_what_it_had() {
    static PLACES: Bulkhead = Bulkhead::named("dropped").limit(1);
    #[bulkhead(with = PLACES)]
    async fn call(alive: Alive<'_>) -> Result<(), Error> {
        let _alive = alive;
        sleep(ms(10)).await;
        sleep(ms(10)).await;
        Ok(())
    }
    let alive = AtomicU32::new(0);

    for at in 0..40 {
        let calls = async {
            let (one, other) = tokio::join!(call(Alive::new(&alive)), call(Alive::new(&alive)));
            one.and(other)
        };
        let ended = tokio::time::timeout(ms(at), calls).await;
        assert!(ended.is_err(), "{at}");
        let counts = PLACES.counts();
        assert_eq!((counts.in_use, counts.waiting, alive.load(Ordering::SeqCst)), (0, 0, 0), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_body_gives_the_place_back() {
    static PLACES: Bulkhead = Bulkhead::named("panics").limit(1).queue(0);
    #[bulkhead(with = PLACES)]
    async fn panics() -> Result<(), Error> {
        panic!("the body's")
    }

    assert!(tokio::spawn(panics()).await.unwrap_err().is_panic());

    assert_eq!(PLACES.counts().in_use, 0);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_calls_itself_is_told_so() {
    #[bulkhead(limit = 1)]
    async fn outer(depth: u32) -> Result<u32, Error> {
        if depth == 0 { Ok(0) } else { Box::pin(outer(depth - 1)).await }
    }

    assert_eq!(outer(1).await.unwrap_err().reason(), Reason::Reentrant);
    assert_eq!(outer(0).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_travels_between_threads() {
    #[bulkhead(limit = 2, max_wait = "60s")]
    async fn call(time: u64) -> Result<u64, Error> {
        sleep(ms(time)).await;
        Ok(time)
    }
    drop(assert_send(call(1)));
    let calls: Vec<_> = (0..3).map(|_| tokio::spawn(call(1))).collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(1));
    }
}
