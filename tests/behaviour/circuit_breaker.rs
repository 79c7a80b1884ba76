//! `#[circuit_breaker]`: each argument's effect. The tests beside the breaker cover the breaker itself.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use resilient::shared::{InMemory, SharedState};
use resilient::{
    Backoff, CircuitBreaker, CircuitBreakerState, Class, Mode, PerKey, Reason, Retry, Timeout, circuit_breaker,
    fallback, retry, timeout,
};
use resilient_tests::{Error, Script, assert_send, ms};
use tokio::time::{advance, sleep};

/// Calls until the breaker refuses, and returns the number of calls that it let through.
macro_rules! calls_until_open {
    ($function:ident, $script:expr) => {{
        let script: Script = $script;
        loop {
            match $function(&script).await {
                Err(Error::Refused(_)) => break script.attempts(),
                _ => assert!(script.attempts() < 1_000, "never opened"),
            }
        }
    }};
}

#[circuit_breaker]
async fn bare(script: &Script) -> Result<(), Error> {
    script.next()
}

#[tokio::test(start_paused = true)]
async fn bare_opens_after_five_failures_in_a_row() {
    assert_eq!(calls_until_open!(bare, Script::failing(100)), 5);
}

#[tokio::test(start_paused = true)]
async fn the_rejection_says_when_to_come_back_and_what_the_last_failure_was() {
    #[circuit_breaker(consecutive = 1, open_for = "10s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(1);
    function(&script).await.unwrap_err();
    advance(ms(1_000)).await;

    let Err(Error::Refused(rejection)) = function(&script).await else { panic!("refused") };

    let Reason::CircuitOpen { retry_after: Some(retry_after), last } = rejection.reason() else {
        panic!("{rejection:?}")
    };
    assert!((ms(8_000)..=ms(10_000)).contains(&retry_after), "nine seconds and a tenth of jitter: {retry_after:?}");
    assert_eq!(last, Some(Class::Transient));
    assert_eq!(rejection.name(), "function");
    assert_eq!(rejection.retry_after(), Some(retry_after));
}

#[tokio::test(start_paused = true)]
async fn permanent_and_throttled_errors_do_not_open_it() {
    #[circuit_breaker]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::of((0..100).map(|n| if n % 2 == 0 { Error::Gone } else { Error::Busy { after: None } }));

    for _ in 0..100 {
        let outcome = function(&script).await;

        assert!(!matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn consecutive_changes_how_many_failures_in_a_row_open_it() {
    #[circuit_breaker(consecutive = 2)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 2);
}

#[tokio::test(start_paused = true)]
async fn consecutive_off_leaves_the_rate() {
    #[circuit_breaker(consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 20);
}

#[tokio::test(start_paused = true)]
async fn min_calls_changes_from_when_on_the_rate_counts() {
    #[circuit_breaker(min_calls = 8, consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 8);
}

#[tokio::test(start_paused = true)]
async fn failure_rate_changes_how_many_failures_are_too_many() {
    #[circuit_breaker(failure_rate = "20%", min_calls = 10)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let one_in_four = (0..100).map(|n| if n % 4 == 3 { Error::Down } else { Error::Gone });

    assert_eq!(calls_until_open!(function, Script::of(one_in_four)), 12);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_time_forgets() {
    #[circuit_breaker(window = "1s", min_calls = 4, consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(100);
    for _ in 0..10 {
        assert_eq!(function(&script).await, Err(Error::Down));
        advance(ms(400)).await;
    }

    assert_eq!(calls_until_open!(function, Script::failing(100)), 2, "two of the last second are remembered");
}

#[tokio::test(start_paused = true)]
async fn a_window_of_calls_forgets() {
    #[circuit_breaker(window = 4, failure_rate = "75%", consecutive = off)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let alternating = (0..40).map(|n| if n % 2 == 0 { Error::Down } else { Error::Gone });
    let then_down = std::iter::repeat_n(Error::Down, 10);

    assert_eq!(calls_until_open!(function, Script::of(alternating.chain(then_down))), 41 + 1);
}

#[tokio::test(start_paused = true)]
async fn open_for_says_how_long_it_stays_open() {
    #[circuit_breaker(consecutive = 1, open_for = "5s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(1);
    function(&script).await.unwrap_err();

    advance(ms(4_400)).await;
    assert!(matches!(function(&script).await, Err(Error::Refused(_))));
    advance(ms(1_200)).await;
    assert_eq!(function(&script).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn open_max_limits_how_long_it_grows() {
    #[circuit_breaker(consecutive = 1, open_for = "1s", open_max = "2s", probes = 1)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(100);
    for _ in 0..30 {
        function(&script).await.unwrap_err();
        advance(ms(2_250)).await;
    }

    assert_eq!(script.attempts(), 30, "each time it is half-open again after at most two seconds and a tenth");
}

#[tokio::test(start_paused = true)]
async fn probes_says_how_many_may_try_and_must_succeed() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("probes").consecutive(1).probes(2);
    #[circuit_breaker(with = BREAKER)]
    async fn slow(script: &Script) -> Result<(), Error> {
        tokio::time::sleep(ms(10)).await;
        script.next()
    }
    #[circuit_breaker(consecutive = 1, probes = 2)]
    async fn by_attribute(script: &Script) -> Result<(), Error> {
        tokio::time::sleep(ms(10)).await;
        script.next()
    }
    let script = Script::failing(1);
    slow(&script).await.unwrap_err();
    by_attribute(&Script::failing(1)).await.unwrap_err();
    advance(ms(1_200)).await;

    let admitted = |outcomes: (Result<(), Error>, Result<(), Error>, Result<(), Error>)| {
        [outcomes.0, outcomes.1, outcomes.2].iter().filter(|outcome| outcome.is_ok()).count()
    };

    assert_eq!(admitted(tokio::join!(slow(&script), slow(&script), slow(&script))), 2);
    assert_eq!(BREAKER.state(), CircuitBreakerState::Closed);
    let fine = Script::fine();
    assert_eq!(admitted(tokio::join!(by_attribute(&fine), by_attribute(&fine), by_attribute(&fine))), 2);
}

#[tokio::test(start_paused = true)]
async fn without_probes_one_goes_first_and_two_more_after_it() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("one first").consecutive(1);
    #[circuit_breaker(with = BREAKER)]
    async fn slow(script: &Script) -> Result<(), Error> {
        tokio::time::sleep(ms(10)).await;
        script.next()
    }
    let script = Script::failing(2);
    slow(&script).await.unwrap_err();

    advance(ms(1_200)).await;
    let _ = tokio::join!(slow(&script), slow(&script), slow(&script));
    assert_eq!((script.attempts(), BREAKER.state()), (2, CircuitBreakerState::Open));

    advance(ms(1_200)).await;
    let _ = tokio::join!(slow(&script), slow(&script), slow(&script));
    assert_eq!((script.attempts(), BREAKER.state()), (3, CircuitBreakerState::HalfOpen));
    let _ = tokio::join!(slow(&script), slow(&script), slow(&script));
    assert_eq!((script.attempts(), BREAKER.state()), (5, CircuitBreakerState::Closed));
}

#[tokio::test(start_paused = true)]
async fn probe_timeout_says_when_a_probe_that_hangs_has_failed() {
    #[circuit_breaker(consecutive = 1, probes = 1, open_for = "1s", probe_timeout = "3s")]
    async fn function(time: Duration) -> Result<(), Error> {
        tokio::time::sleep(time).await;
        Err(Error::Down)
    }
    function(ms(0)).await.unwrap_err();
    advance(ms(1_150)).await;
    let hanging = tokio::spawn(function(ms(1_000_000)));
    tokio::task::yield_now().await;

    advance(ms(2_900)).await;
    let Err(Error::Refused(before)) = function(ms(0)).await else { panic!("the probe is out") };
    advance(ms(200)).await;
    let Err(Error::Refused(after)) = function(ms(0)).await else { panic!("reopened") };

    assert!(before.retry_after().unwrap() <= ms(200), "{before:?}");
    assert!(after.retry_after().unwrap() > ms(800), "open again: {after:?}");
    hanging.abort();
}

#[tokio::test(start_paused = true)]
async fn when_decides_what_is_a_failure() {
    #[circuit_breaker(consecutive = 1, when = |error| matches!(error, Error::Gone))]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::of([Error::Down, Error::Down, Error::Gone])), 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_counts_as_a_failure_and_goes_on() {
    static BREAKER: CircuitBreaker = CircuitBreaker::named("panics").consecutive(1);
    #[circuit_breaker(with = BREAKER, when = |_| false)]
    async fn function(panics: bool) -> Result<(), Error> {
        assert!(!panics, "on purpose");
        Ok(())
    }

    let joined = tokio::spawn(function(true)).await;

    assert!(joined.unwrap_err().is_panic());
    assert_eq!(BREAKER.state(), CircuitBreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_policy_behind_an_arc_can_be_used() {
    struct Client {
        breaker: Arc<CircuitBreaker>,
        retry: Arc<Retry>,
        timeout: Box<Timeout>,
    }
    impl Client {
        #[timeout(with = self.timeout)]
        #[retry(with = self.retry)]
        #[circuit_breaker(with = self.breaker)]
        async fn call(&self) -> Result<(), Error> {
            Err(Error::Down)
        }
    }
    let client = Client {
        breaker: Arc::new(CircuitBreaker::named("behind an arc")),
        retry: Arc::new(Retry::named("behind an arc").max(2).backoff(Backoff::none())),
        timeout: Box::new(Timeout::named("behind a box", ms(10))),
    };

    client.call().await.unwrap_err();

    assert_eq!(client.breaker.counts().failures, 3);
    assert!(client.retry.budget_balance() < 99.0, "{}", client.retry.budget_balance());
}

#[tokio::test(start_paused = true)]
async fn instances_share_a_breaker_through_with() {
    struct Client<'a> {
        breaker: &'a CircuitBreaker,
        calls: Cell<u32>,
    }
    impl Client<'_> {
        #[circuit_breaker(with = self.breaker)]
        async fn call(&self) -> Result<(), Error> {
            self.calls.set(self.calls.get() + 1);
            Err(Error::Down)
        }
    }
    let breaker = CircuitBreaker::named("shared");
    let clients: Vec<_> = (0..50).map(|_| Client { breaker: &breaker, calls: Cell::new(0) }).collect();

    for client in &clients {
        client.call().await.unwrap_err();
    }

    assert_eq!(clients.iter().map(|client| client.calls.get()).sum::<u32>(), 5);
}

#[tokio::test(start_paused = true)]
async fn slow_call_says_what_is_slow_and_slow_rate_how_much_is_too_much() {
    #[circuit_breaker(slow_call = "100ms", slow_rate = "50%", min_calls = 4)]
    async fn half(time: Duration) -> Result<(), Error> {
        tokio::time::sleep(time).await;
        Ok(())
    }
    #[circuit_breaker(slow_call = "100ms", min_calls = 4)]
    async fn by_default(time: Duration) -> Result<(), Error> {
        tokio::time::sleep(time).await;
        Ok(())
    }

    for millis in [99, 99, 100, 100] {
        half(ms(millis)).await.unwrap();
        by_default(ms(millis)).await.unwrap();
    }

    assert!(matches!(half(ms(0)).await, Err(Error::Refused(_))), "two of four");
    assert_eq!(by_default(ms(0)).await, Ok(()), "not four of five");
}

#[tokio::test(start_paused = true)]
async fn recover_lets_more_and_more_through_after_the_probes() {
    #[circuit_breaker(consecutive = 1, probes = 1, open_for = "1s", recover = "100s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    resilient::test::seed(1);
    let script = Script::failing(1);
    function(&script).await.unwrap_err();
    advance(ms(1_150)).await;
    function(&script).await.unwrap();

    let mut admitted = Vec::new();
    for _ in 0..2 {
        let before = script.attempts();
        for _ in 0..200 {
            let _ = function(&script).await;
        }
        admitted.push(script.attempts() - before);
        advance(ms(100_000)).await;
    }

    assert!((5..60).contains(&admitted[0]), "a tenth: {admitted:?}");
    assert_eq!(admitted[1], 200, "all of them");
}

#[tokio::test(start_paused = true)]
async fn throttled_fail_makes_it_open_on_throttled_errors() {
    #[circuit_breaker(throttled = "fail")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(calls_until_open!(function, Script::of(std::iter::repeat_n(Error::Busy { after: None }, 100))), 5);
}

#[tokio::test(start_paused = true)]
async fn a_mode_that_observes_or_is_off_refuses_nothing() {
    #[circuit_breaker(mode = "observe", consecutive = 1)]
    async fn observing(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[circuit_breaker(mode = "off", consecutive = 1)]
    async fn off(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[circuit_breaker(mode = "enforce", consecutive = 1)]
    async fn enforcing(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let log = resilient::test::record();

    for _ in 0..10 {
        assert_eq!(observing(&Script::failing(1)).await, Err(Error::Down));
        assert_eq!(off(&Script::failing(1)).await, Err(Error::Down));
    }

    assert_eq!(
        log.transitions("observing"),
        [(CircuitBreakerState::Closed, CircuitBreakerState::Open)],
        "it decides all the same"
    );
    assert_eq!(log.transitions("off"), []);
    assert_eq!(calls_until_open!(enforcing, Script::failing(9)), 1);
}

#[tokio::test(start_paused = true)]
async fn one_key_that_fails_leaves_the_others_alone() {
    #[circuit_breaker(key = host, consecutive = 2)]
    async fn fetch(host: &str, script: &Script) -> Result<(), Error> {
        script.next()
    }
    let (down, fine) = (Script::failing(100), Script::fine());

    for _ in 0..10 {
        let _ = fetch("a.example", &down).await;
        assert_eq!(fetch("b.example", &fine).await, Ok(()));
    }

    assert_eq!((down.attempts(), fine.attempts()), (2, 10));
    let Err(Error::Refused(rejection)) = fetch("a.example", &fine).await else { panic!("refused") };
    assert_eq!(rejection.name(), "fetch");
}

#[tokio::test(start_paused = true)]
async fn a_key_may_be_any_expression_over_the_arguments() {
    struct Request {
        url: String,
    }
    impl Request {
        fn host(&self) -> &str {
            self.url.split('/').next().unwrap_or_default()
        }
    }
    struct Client {
        tenant: u32,
        region: String,
    }
    impl Client {
        #[circuit_breaker(key = (self.tenant, self.region, request.host()), consecutive = 1)]
        async fn send(&self, request: Request) -> Result<(), Error> {
            drop(request);
            Err(Error::Down)
        }
    }
    // the key only borrows its parts, so that the body can have them
    #[circuit_breaker(key = (tenant, (region, n % 2 + 1)), consecutive = 1)]
    async fn owned(tenant: String, region: String, n: u32) -> Result<(), Error> {
        drop((tenant, region, n));
        Err(Error::Down)
    }
    let client = |tenant, region: &str| Client { tenant, region: region.to_owned() };
    let request = |url: &str| Request { url: url.to_owned() };

    assert_eq!(client(1, "north").send(request("a/1")).await, Err(Error::Down));
    assert!(matches!(client(1, "north").send(request("a/2")).await, Err(Error::Refused(_))), "the host is the same");
    assert_eq!(client(1, "north").send(request("b/1")).await, Err(Error::Down));
    assert_eq!(client(1, "south").send(request("a/1")).await, Err(Error::Down));
    assert_eq!(client(2, "north").send(request("a/1")).await, Err(Error::Down));

    assert_eq!(owned("t".into(), "north".into(), 1).await, Err(Error::Down));
    assert!(matches!(owned("t".into(), "north".into(), 3).await, Err(Error::Refused(_))));
    assert_eq!(owned("t".into(), "north".into(), 2).await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_evaluated_once_a_call_and_its_policy_is_shared_by_the_attempts() {
    #[fallback(function = rescue)]
    #[retry(max = 9, backoff = "none")]
    #[timeout("1s")]
    #[circuit_breaker(key = key(), consecutive = 3)]
    async fn fetch(key: &impl Fn() -> u32, script: &Script) -> Result<(), Error> {
        script.next()
    }
    fn rescue(_: &impl Fn() -> u32, _: &Script, error: &Error) -> Result<(), Error> {
        Err(error.clone())
    }
    let keys = Cell::new(0);
    let key = || {
        keys.set(keys.get() + 1);
        keys.get() / 100
    };
    let script = Script::failing(100);

    fetch(&key, &script).await.unwrap_err();

    assert_eq!((keys.get(), script.attempts()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_sent_does_not_keep_the_future_from_being_sent() {
    #[retry(max = 1)]
    #[circuit_breaker(key = std::rc::Rc::new(host.len()))]
    #[timeout("1s")]
    async fn fetch(host: String) -> Result<(), Error> {
        tokio::task::yield_now().await;
        drop(host.clone());
        Ok(())
    }

    assert_send(fetch("a.example".into())).await.unwrap();
    tokio::spawn(fetch("a.example".into())).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_in_a_method_of_an_async_trait() {
    #[async_trait::async_trait]
    trait Fetch {
        async fn fetch(&self, host: String) -> Result<(), Error>;
    }
    struct Client;
    #[async_trait::async_trait]
    impl Fetch for Client {
        #[circuit_breaker(key = host, consecutive = 1)]
        async fn fetch(&self, host: String) -> Result<(), Error> {
            if host == "down" { Err(Error::Down) } else { Ok(()) }
        }
    }

    assert_eq!(Client.fetch("down".into()).await, Err(Error::Down));
    assert!(matches!(Client.fetch("down".into()).await, Err(Error::Refused(_))));
    assert_eq!(Client.fetch("up".into()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn with_takes_the_policy_of_a_key() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("hosts").consecutive(1));
    #[retry(max = 3, backoff = "none")]
    #[timeout("1s")]
    #[circuit_breaker(with = HOSTS.of(host))]
    async fn fetch(host: &str, script: &Script) -> Result<(), Error> {
        script.next()
    }

    let down = Script::failing(9);
    fetch("a", &down).await.unwrap_err();

    assert_eq!(down.attempts(), 1);
    assert_eq!(
        (HOSTS.of("a").state(), HOSTS.of("b").state()),
        (CircuitBreakerState::Open, CircuitBreakerState::Closed)
    );
    assert_send(fetch("b", &Script::fine())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_and_its_host_have_a_breaker_each() {
    #[circuit_breaker(name = "behaviour: endpoint", consecutive = 4)]
    #[circuit_breaker(name = "behaviour: host", key = host, consecutive = 2)]
    async fn price(host: &str, script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(100);
    let refused_by = async |host: &str| match price(host, &script).await {
        Err(Error::Refused(rejection)) => Some(rejection.name()),
        _ => None,
    };

    assert_eq!([refused_by("a").await, refused_by("a").await], [None; 2]);
    assert_eq!(refused_by("a").await, Some("behaviour: host"), "two failures of the host");
    assert_eq!([refused_by("b").await, refused_by("b").await], [None; 2], "of the other host nothing is known");
    assert_eq!(refused_by("c").await, Some("behaviour: endpoint"), "four failures, and the refusal was none of them");
    assert_eq!(script.attempts(), 4);
}

#[tokio::test(start_paused = true)]
async fn functions_with_the_same_explicit_name_share_a_breaker() {
    #[circuit_breaker(name = "behaviour: archive", consecutive = 2)]
    async fn read(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[circuit_breaker(name = "behaviour: archive", consecutive = 2)]
    async fn write(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(100);
    read(&script).await.unwrap_err();
    write(&script).await.unwrap_err();

    assert!(matches!(read(&script).await, Err(Error::Refused(_))));
    assert!(matches!(write(&script).await, Err(Error::Refused(_))));
    assert_eq!(script.attempts(), 2);
    assert!(resilient::conflicts().iter().all(|conflict| conflict.name() != "behaviour: archive"));
}

#[tokio::test(start_paused = true)]
async fn functions_of_one_name_share_the_breakers_of_all_keys() {
    #[circuit_breaker(name = "behaviour: hosts", key = host, consecutive = 1)]
    async fn read(host: &str, script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[circuit_breaker(name = "behaviour: hosts", key = host, consecutive = 1)]
    async fn write(host: String, script: &Script) -> Result<(), Error> {
        script.next()
    }
    read("a", &Script::failing(1)).await.unwrap_err();

    assert!(matches!(write("a".into(), &Script::fine()).await, Err(Error::Refused(_))));
    assert_eq!(write("b".into(), &Script::fine()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn functions_of_one_name_with_other_settings_are_apart_and_a_conflict_at_both_attributes() {
    #[circuit_breaker(name = "behaviour: differ", consecutive = 1)]
    async fn one(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[circuit_breaker(name = "behaviour: differ", consecutive = 1, mode = "observe")]
    async fn other(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let line = line!() - 4;
    one(&Script::failing(1)).await.unwrap_err();

    assert_eq!(other(&Script::fine()).await, Ok(()));
    assert!(matches!(one(&Script::fine()).await, Err(Error::Refused(_))));

    let conflicts = resilient::conflicts();
    let conflicts: Vec<_> = conflicts.iter().filter(|conflict| conflict.name() == "behaviour: differ").collect();
    let [conflict] = conflicts[..] else { panic!("{conflicts:?}") };
    assert_eq!((conflict.first().line(), conflict.second().line()), (line - 4, line));
    assert!(conflict.second().file().ends_with("behaviour/circuit_breaker.rs"));
}

#[tokio::test(start_paused = true)]
async fn functions_that_only_happen_to_have_one_name_are_apart() {
    mod one {
        #[resilient::circuit_breaker(consecutive = 1)]
        pub(super) async fn fetch(script: &super::Script) -> Result<(), super::Error> {
            script.next()
        }
    }
    mod other {
        #[resilient::circuit_breaker(consecutive = 1)]
        pub(super) async fn fetch(script: &super::Script) -> Result<(), super::Error> {
            script.next()
        }
    }
    one::fetch(&Script::failing(1)).await.unwrap_err();

    assert_eq!(other::fetch(&Script::fine()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_breaker_of_a_key_can_be_changed_by_hand() {
    static HOSTS: PerKey<CircuitBreaker> = PerKey::new(CircuitBreaker::named("by hand"));
    #[circuit_breaker(with = HOSTS.of(&host))]
    async fn fetch(host: u8) -> Result<(), Error> {
        Err(Error::Down)
    }
    HOSTS.of(&1_u8).set_mode(Mode::Off);
    HOSTS.of(&2_u8).force_open();

    for _ in 0..20 {
        assert_eq!(fetch(1).await, Err(Error::Down));
        assert!(matches!(fetch(2).await, Err(Error::Refused(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn shared_is_one_state_for_all_that_use_the_store_and_the_name() {
    static FLEET: InMemory = InMemory::new();
    #[circuit_breaker(shared = FLEET, name = "shared by two", consecutive = 2)]
    async fn function() -> Result<(), Error> {
        Err(Error::Down)
    }
    static MACHINE: CircuitBreaker = CircuitBreaker::named("shared by two").shared_through(&FLEET);
    MACHINE.acquire().unwrap().abandon();

    for _ in 0..2 {
        function().await.unwrap_err();
    }
    sleep(ms(300)).await;

    let refused = MACHINE.acquire().unwrap_err();
    assert!(matches!(refused.reason(), Reason::CircuitOpen { retry_after: Some(_), .. }));
    assert_eq!(MACHINE.state(), CircuitBreakerState::Open);
    assert_eq!(FLEET.view("shared by two").state, SharedState::Open);
}
