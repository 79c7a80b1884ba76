//! `#[rate_limit]`: each argument's effect. The tests beside the limit cover the limit itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use resilient::shared::InMemory;
use resilient::{
    Class, ClassifyValue, Mode, PerKey, Quota, RateLimit, Reason, circuit_breaker, rate_limit, retry, timeout,
};
use resilient_tests::{Alive, Error, Script, Stopwatch, assert_send, ms};
use tokio::time::{advance, sleep};

/// Makes the given number of calls at once, and counts those that the limit lets through.
macro_rules! admitted {
    ($call:expr, $times:expr) => {{
        let mut admitted = 0;
        for _ in 0..$times {
            admitted += u32::from(!matches!($call.await, Err(Error::Refused(_))));
        }
        admitted
    }};
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Reason {
    outcome.unwrap_err().reason()
}

#[tokio::test(start_paused = true)]
async fn a_rate_lets_a_second_of_calls_through_and_says_when_the_next_may_come() {
    #[rate_limit("20/s")]
    async fn function() -> Result<(), Error> {
        Ok(())
    }

    assert_eq!(admitted!(function(), 50), 20);
    let Err(Error::Refused(rejection)) = function().await else { panic!("refused") };
    assert_eq!(rejection.reason(), Reason::RateLimited { retry_after: ms(50) });
    assert_eq!(rejection.to_string(), "rate limit `function` is used up, try again in 50ms");
    advance(ms(50)).await;
    assert_eq!(admitted!(function(), 5), 1);
}

#[tokio::test(start_paused = true)]
async fn per_gives_a_rate_in_numbers_its_period() {
    const PERIOD: Duration = ms(200);
    #[rate_limit(10, per = PERIOD, burst = 1)]
    async fn function() -> Result<(), Error> {
        Ok(())
    }
    function().await.unwrap();

    assert_eq!(refusal(function().await), Reason::RateLimited { retry_after: ms(20) });
}

#[tokio::test(start_paused = true)]
async fn burst_says_how_many_come_at_once() {
    #[rate_limit("100/s", burst = 7)]
    async fn function() -> Result<(), Error> {
        Ok(())
    }

    assert_eq!(admitted!(function(), 50), 7);
    advance(Duration::from_secs(864_000)).await;
    assert_eq!(admitted!(function(), 50), 7, "after ten idle days too");
}

#[tokio::test(start_paused = true)]
async fn max_wait_lets_those_wait_whose_turn_comes_in_time() {
    #[rate_limit("10/s", burst = 1, max_wait = "250ms")]
    async fn function() -> Result<(), Error> {
        Ok(())
    }
    let watch = Stopwatch::start();

    let outcomes = join_all((0..6).map(|_| function())).await;

    let admitted: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(admitted, [true, true, true, false, false, false]);
    assert_eq!(watch.elapsed(), 200);
    assert_eq!(refusal(outcomes[3].clone()), Reason::RateLimited { retry_after: ms(300) });
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_not_begun() {
    #[timeout("150ms")]
    #[rate_limit("10/s", burst = 1, max_wait = "10s")]
    async fn function() -> Result<(), Error> {
        Ok(())
    }
    function().await.unwrap();
    function().await.unwrap();
    let watch = Stopwatch::start();

    let outcomes = join_all((0..3).map(|_| function())).await;

    assert!(outcomes[0].is_ok());
    assert_eq!(refusal(outcomes[1].clone()), Reason::RateLimited { retry_after: ms(200) });
    assert_eq!(watch.elapsed(), 100, "refused at once, and not by the time-out");
}

#[tokio::test(start_paused = true)]
async fn one_callers_throttle_pauses_every_other() {
    #[rate_limit("100/s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let told = Script::of([Error::Busy { after: Some(ms(800)) }]);
    let other = Script::fine();

    assert_eq!(function(&told).await, Err(Error::Busy { after: Some(ms(800)) }));

    let Reason::Paused { retry_after } = refusal(function(&other).await) else { panic!("paused") };
    assert!((ms(800)..=ms(880)).contains(&retry_after), "{retry_after:?}");
    advance(ms(799)).await;
    assert_eq!(admitted!(function(&other), 10), 0);
    advance(ms(81)).await;
    assert!(admitted!(function(&other), 100) <= 10, "no burst after the pause");
    assert_eq!(told.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_without_a_time_halves_the_rate() {
    #[rate_limit("10/s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    function(&Script::of([Error::Busy { after: None }])).await.unwrap_err();
    let script = Script::fine();

    assert_eq!(admitted!(function(&script), 10), 1);
    assert_eq!(refusal(function(&script).await), Reason::RateLimited { retry_after: ms(200) });
}

#[tokio::test(start_paused = true)]
async fn max_pause_is_the_longest_that_the_server_can_ask_for() {
    #[rate_limit("100/s", max_pause = "2s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::of([Error::Busy { after: Some(Duration::MAX) }]);
    function(&script).await.unwrap_err();

    let Reason::Paused { retry_after } = refusal(function(&script).await) else { panic!("paused") };

    assert!((ms(1_800)..=ms(2_000)).contains(&retry_after), "{retry_after:?}");
    advance(ms(2_000)).await;
    assert_eq!(function(&script).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn no_herd_comes_back_after_a_pause() {
    #[rate_limit("100/s", burst = 20, max_wait = "5s")]
    async fn function(script: &Script, watch: &Stopwatch) -> Result<(), Error> {
        watch.lap();
        script.next()
    }
    let told = Script::of([Error::Busy { after: Some(ms(1_000)) }]);
    function(&told, &Stopwatch::start()).await.unwrap_err();
    let (fine, watch) = (Script::fine(), Stopwatch::start());

    let outcomes = join_all((0..80).map(|_| function(&fine, &watch))).await;

    assert!(outcomes.iter().all(Result::is_ok));
    let gaps = watch.between_laps();
    let first_hundred = gaps.iter().scan(0, |sum, gap| {
        *sum += gap;
        (*sum < 100).then_some(())
    });
    assert!(first_hundred.count() < 20, "at most twice the mean: {gaps:?}");
    assert!((1_700..=2_000).contains(&watch.elapsed()), "{}", watch.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_retry_outside_waits_as_long_as_the_refusal_says() {
    #[retry(max = 1, backoff = "none")]
    #[rate_limit("1/s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::fine();
    function(&script).await.unwrap();
    let watch = Stopwatch::start();

    function(&script).await.unwrap();

    assert!((1_000..=1_101).contains(&watch.elapsed()), "{}", watch.elapsed());
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_outside_waits_for_the_end_of_the_pause() {
    #[retry(max = 1, backoff = "none")]
    #[rate_limit("100/s")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::of([Error::Busy { after: Some(ms(500)) }]);
    let watch = Stopwatch::start();

    assert_eq!(function(&script).await, Ok(()));

    assert!((500..=551).contains(&watch.elapsed()), "{}", watch.elapsed());
}

#[tokio::test(start_paused = true)]
async fn mode_observe_counts_and_lets_through() {
    #[rate_limit("1/s", mode = "observe")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::of([Error::Busy { after: Some(ms(800)) }]);

    assert_eq!(admitted!(function(&script), 10), 10);
}

#[tokio::test(start_paused = true)]
async fn mode_off_does_nothing() {
    #[rate_limit("1/s", mode = "off")]
    async fn function() -> Result<(), Error> {
        Ok(())
    }

    assert_eq!(admitted!(function(), 10), 10);
}

#[tokio::test(start_paused = true)]
async fn when_decides_what_is_throttled() {
    #[rate_limit("100/s", when = |error| match error {
        Error::Gone => Class::Throttled { after: Some(ms(500)) },
        _ => Class::Permanent,
    })]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::of([Error::Busy { after: Some(ms(900)) }, Error::Gone]);

    function(&script).await.unwrap_err();
    assert_eq!(function(&script).await, Err(Error::Gone));
    assert!(matches!(refusal(function(&script).await), Reason::Paused { .. }));
}

#[tokio::test(start_paused = true)]
async fn name_is_in_the_refusal_and_shared() {
    #[rate_limit("1/min", name = "behaviour: shared")]
    async fn reads() -> Result<(), Error> {
        Ok(())
    }
    #[rate_limit("1/min", name = "behaviour: shared")]
    async fn writes() -> Result<(), Error> {
        Ok(())
    }
    reads().await.unwrap();

    let Err(Error::Refused(rejection)) = writes().await else { panic!("used up by the other") };

    assert_eq!(rejection.name(), "behaviour: shared");
}

#[tokio::test(start_paused = true)]
async fn key_gives_each_tenant_a_rate_of_its_own() {
    #[rate_limit("1/min", key = tenant)]
    async fn function(tenant: &str, script: &Script) -> Result<(), Error> {
        let _ = tenant;
        script.next()
    }
    let busy = Script::of([Error::Busy { after: Some(ms(500)) }]);

    function("a", &busy).await.unwrap_err();

    assert!(matches!(refusal(function("a", &busy).await), Reason::Paused { .. }));
    assert_eq!(function("b", &busy).await, Ok(()), "what `a` was told is its own affair");
}

#[tokio::test(start_paused = true)]
async fn with_uses_a_limit_of_ones_own() {
    struct Client {
        limit: Arc<RateLimit>,
    }
    impl Client {
        #[rate_limit(with = self.limit)]
        async fn call(&self) -> Result<(), Error> {
            Ok(())
        }
    }
    static HOSTS: PerKey<RateLimit> = PerKey::new(RateLimit::named("hosts").rate(1, ms(1_000)));
    #[rate_limit(with = HOSTS.of(host))]
    async fn by_host(host: &str) -> Result<(), Error> {
        let _ = host;
        Ok(())
    }
    let client = Client { limit: Arc::new(RateLimit::named("field").rate(2, ms(1_000))) };

    assert_eq!(admitted!(client.call(), 5), 2);
    assert_eq!(client.limit.counts().limited, 3);
    client.limit.set_mode(Mode::Off);
    assert_eq!(admitted!(client.call(), 5), 5);
    assert_eq!((admitted!(by_host("a"), 3), admitted!(by_host("b"), 3)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_of_ones_own_that_heeds_a_quota_counts_for_all() {
    static LIMIT: RateLimit = RateLimit::named("heeds");
    #[rate_limit(with = LIMIT)]
    async fn function(remaining: u64) -> Result<(), Error> {
        LIMIT.heed(Quota::of(remaining, ms(2_000)));
        Ok(())
    }

    function(0).await.unwrap();

    assert!(matches!(refusal(function(9).await), Reason::Paused { .. }));
}

/// A response whose headers say what remains of the quota, and whose status may be a 429.
#[derive(Debug)]
struct SearchResponse {
    remaining: u64,
    refused: bool,
}

impl ClassifyValue for SearchResponse {
    fn class_of_value(&self) -> Class {
        if self.refused { Class::Throttled { after: Some(ms(700)) } } else { Class::Success }
    }

    fn quota_of_value(&self) -> Quota {
        Quota::of(self.remaining, ms(2_000))
    }
}

#[tokio::test(start_paused = true)]
async fn a_responses_headers_are_heeded_also_inside_other_policies_and_beside_when() {
    #[rate_limit("100/s", max_wait = "5s")]
    #[circuit_breaker]
    async fn inside(remaining: u64) -> Result<SearchResponse, Error> {
        Ok(SearchResponse { remaining, refused: false })
    }
    #[rate_limit("100/s", when = |_| Class::Permanent)]
    async fn beside_when(remaining: u64) -> Result<SearchResponse, Error> {
        Ok(SearchResponse { remaining, refused: true })
    }
    let watch = Stopwatch::start();

    inside(4).await.unwrap();
    inside(4).await.unwrap();
    inside(4).await.unwrap();
    assert_eq!(watch.elapsed(), 500, "four in two seconds, the first of them at once");
    beside_when(0).await.unwrap();
    assert!(matches!(refusal(beside_when(5).await), Reason::Paused { retry_after } if retry_after >= ms(2_000)));
}

#[tokio::test(start_paused = true)]
async fn a_responses_status_counts_as_well() {
    #[rate_limit("100/s")]
    async fn function(refused: bool) -> Result<SearchResponse, Error> {
        Ok(SearchResponse { remaining: 1_000, refused })
    }

    assert!(function(true).await.unwrap().refused, "it is the caller's");

    assert!(matches!(refusal(function(false).await), Reason::Paused { .. }));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_anywhere_gives_its_place_to_the_next() {
    static LIMIT: RateLimit = RateLimit::named("dropped").rate(10, ms(1_000)).burst(1).max_wait(ms(500));
    #[rate_limit(with = LIMIT)]
    async fn function(count: &AtomicU32) -> Result<(), Error> {
        let _alive = Alive::new(count);
        sleep(ms(50)).await;
        Ok(())
    }
    let count = AtomicU32::new(0);

    for time in 0..180 {
        advance(Duration::from_secs(1)).await;
        // the limit lets one call through, makes one wait for 100 ms and run for 50, and one wait behind it
        let others = async { tokio::join!(function(&count), function(&count)) };
        let dropped = tokio::time::timeout(ms(time), async { tokio::join!(others, function(&count)) }).await;

        assert_eq!(count.load(Ordering::SeqCst), 0, "after {time} ms: {dropped:?}");
        assert_eq!(LIMIT.counts().waiting, 0, "after {time} ms");
    }
    advance(Duration::from_secs(1)).await;
    let watch = Stopwatch::start();
    for _ in 0..3 {
        function(&count).await.unwrap();
    }
    assert_eq!(watch.elapsed(), 250, "nothing was lost");
}

#[tokio::test(start_paused = true)]
async fn the_future_can_be_sent() {
    #[rate_limit("100/s", max_wait = "1s", key = tenant)]
    async fn function(tenant: u32) -> Result<u32, Error> {
        Ok(tenant)
    }

    assert_eq!(assert_send(function(1)).await, Ok(1));
}

/// The answer of a language model, and what it has cost.
#[derive(Debug)]
struct Answer {
    tokens: u64,
}

/// Returns when there is room again, if there is none now.
macro_rules! wait_of {
    ($call:expr) => {
        match refusal($call.await.map(drop)) {
            Reason::RateLimited { retry_after } => retry_after,
            other => panic!("{other:?}"),
        }
    };
}

#[tokio::test(start_paused = true)]
async fn weight_says_how_much_a_call_takes_and_makes_the_burst_a_period_long() {
    fn estimate(prompt: &str) -> u64 {
        prompt.len() as u64 * 1_000
    }
    #[rate_limit("90000/m", weight = estimate(prompt) + answer)]
    async fn ask(prompt: &str, answer: u64) -> Result<(), Error> {
        Ok(())
    }

    ask("twenty letters long.", 50_000).await.unwrap();
    ask("twenty letters long.", 0).await.unwrap();

    assert_eq!(
        wait_of!(ask("a", 0)),
        Duration::from_nanos(666_666_750),
        "a thousand, to an eighth of a nanosecond each"
    );
}

#[tokio::test(start_paused = true)]
async fn weight_is_evaluated_once_a_call_and_taken_by_each_attempt_below_a_retry() {
    #[retry(max = 3, backoff = "none")]
    #[rate_limit("1000/s", weight = { estimates.fetch_add(1, Ordering::SeqCst); 300 })]
    async fn below(script: &Script, estimates: &AtomicU32) -> Result<(), Error> {
        script.next()
    }
    #[rate_limit("1000/s", weight = 300)]
    #[retry(max = 3, backoff = "none")]
    async fn above(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let estimates = AtomicU32::new(0);

    above(&Script::failing(2)).await.unwrap();
    assert_eq!(admitted!(above(&Script::fine()), 3), 2, "300");

    below(&Script::failing(2), &estimates).await.unwrap();
    assert_eq!(estimates.load(Ordering::SeqCst), 1);
    let watch = Stopwatch::start();
    below(&Script::fine(), &estimates).await.unwrap();
    assert!((200..=221).contains(&watch.elapsed()), "three times 300 were taken: {}", watch.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_weight_beyond_the_burst_is_refused_for_good_with_both_figures() {
    #[retry(max = 3)]
    #[rate_limit("90000/m", burst = 8_000, weight = tokens, max_wait = "1h")]
    async fn ask(tokens: u64) -> Result<(), Error> {
        Ok(())
    }

    let Err(Error::Refused(rejection)) = ask(8_001).await else { panic!("refused") };

    assert_eq!(rejection.reason(), Reason::TooHeavy { weight: 8_001, burst: 8_000 });
    assert_eq!(
        rejection.to_string(),
        "rate limit `ask` never lets a call of weight 8001 through, since its burst is 8000"
    );
    ask(8_000).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn cost_settles_what_weight_has_taken() {
    #[rate_limit("100/s", weight = estimate, cost = |answer| answer.tokens)]
    async fn ask(estimate: u64, tokens: u64) -> Result<Answer, Error> {
        Ok(Answer { tokens })
    }

    ask(90, 20).await.unwrap();
    ask(70, 75).await.unwrap();
    assert_eq!(wait_of!(ask(6, 6)), ms(10), "95 of 100");
    ask(5, 25).await.unwrap();
    assert_eq!(wait_of!(ask(1, 1)), ms(210), "20 in debt");
}

#[tokio::test(start_paused = true)]
async fn cost_is_a_function_too_and_may_not_know() {
    fn used(answer: &Answer) -> Option<u64> {
        (answer.tokens > 0).then_some(answer.tokens)
    }
    fn by_outcome(outcome: &Result<Answer, Error>) -> u64 {
        outcome.as_ref().map_or(3, |answer| answer.tokens)
    }
    #[rate_limit("100/s", weight = 40, cost = used)]
    async fn ask(tokens: u64) -> Result<Answer, Error> {
        Ok(Answer { tokens })
    }
    #[rate_limit("100/s", weight = 40, cost = by_outcome)]
    async fn fail() -> Result<Answer, Error> {
        Err(Error::Gone)
    }

    ask(0).await.unwrap();
    ask(50).await.unwrap();
    assert_eq!(wait_of!(ask(1)), ms(300), "40 and 50");
    for _ in 0..21 {
        assert_eq!(fail().await.unwrap_err(), Error::Gone);
    }
    assert_eq!(wait_of!(fail()), ms(30), "three each");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_is_dropped_or_panics_has_cost_its_estimate() {
    #[rate_limit("100/s", weight = 30, cost = |answer| answer.tokens)]
    async fn ask(how: &str) -> Result<Answer, Error> {
        match how {
            "fails" => Err(Error::Gone),
            "hangs" => std::future::pending().await,
            "panics" => panic!("on purpose"),
            _ => Ok(Answer { tokens: 1 }),
        }
    }

    ask("fails").await.unwrap_err();
    tokio::time::timeout(ms(0), ask("hangs")).await.unwrap_err();
    tokio::spawn(ask("panics")).await.unwrap_err();

    assert_eq!(wait_of!(ask("well")), ms(200));
}

#[tokio::test(start_paused = true)]
async fn cost_is_charged_beside_when_below_and_above_other_policies() {
    #[rate_limit("100/s", weight = 60, cost = |answer| answer.tokens, when = |error: &Error| matches!(error, Error::Gone))]
    #[retry(max = 1, backoff = "none")]
    #[circuit_breaker]
    async fn outside(script: &Script) -> Result<Answer, Error> {
        script.next().map(|()| Answer { tokens: 10 })
    }
    #[timeout("1s")]
    #[retry(max = 1, backoff = "none")]
    #[circuit_breaker]
    #[rate_limit("100/s", weight = 60, cost = |answer: &Answer| answer.tokens)]
    async fn inside(script: &Script) -> Result<Answer, Error> {
        script.next().map(|()| Answer { tokens: 10 })
    }

    for _ in 0..5 {
        outside(&Script::fine()).await.unwrap();
        inside(&Script::fine()).await.unwrap();
    }

    assert_eq!(wait_of!(outside(&Script::fine())), ms(100), "50 of 100");
    let watch = Stopwatch::start();
    inside(&Script::fine()).await.unwrap();
    assert!((100..=111).contains(&watch.elapsed()), "{}", watch.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_policy_further_in_refuses_takes_nothing_of_the_limits_above() {
    static REQUESTS: RateLimit = RateLimit::named("requests").rate(10, ms(1_000));
    static TOKENS: RateLimit = RateLimit::named("tokens").rate(100, ms(1_000));
    #[rate_limit(with = REQUESTS)]
    #[rate_limit(with = TOKENS, weight = tokens)]
    async fn ask(tokens: u64) -> Result<(), Error> {
        Ok(())
    }
    static CALLS: RateLimit = RateLimit::named("calls").rate(10, ms(1_000));
    #[rate_limit(with = CALLS)]
    #[circuit_breaker(consecutive = 1)]
    async fn broken() -> Result<(), Error> {
        Err(Error::Down)
    }

    ask(90).await.unwrap();
    for _ in 0..50 {
        assert!(matches!(refusal(ask(20).await), Reason::RateLimited { .. }), "of the tokens, not of the requests");
    }
    assert!(matches!(refusal(ask(101).await), Reason::TooHeavy { .. }));
    assert_eq!(std::iter::from_fn(|| REQUESTS.try_acquire().ok()).count(), 9);

    for _ in 0..50 {
        broken().await.unwrap_err();
    }
    assert_eq!(std::iter::from_fn(|| CALLS.try_acquire().ok()).count(), 9, "one call ran");
}

#[tokio::test(start_paused = true)]
async fn what_has_run_stays_taken_whatever_refuses_a_later_attempt() {
    static CALLS: RateLimit = RateLimit::named("calls").rate(10, ms(1_000));
    #[rate_limit(with = CALLS)]
    #[retry(max = 2, backoff = "none")]
    #[circuit_breaker(consecutive = 1)]
    async fn ask() -> Result<(), Error> {
        Err(Error::Down)
    }
    #[rate_limit(with = CALLS)]
    #[timeout("1ms")]
    async fn slow() -> Result<(), Error> {
        std::future::pending().await
    }

    assert!(matches!(refusal(ask().await), Reason::CircuitOpen { .. }), "the second attempt");
    slow().await.unwrap_err();

    assert_eq!(std::iter::from_fn(|| CALLS.try_acquire().ok()).count(), 8);
}

#[tokio::test(start_paused = true)]
async fn each_model_and_organisation_has_a_quota_of_tokens_of_its_own() {
    #[rate_limit("100/s", key = (model, org), weight = tokens, cost = |answer| answer.tokens)]
    async fn ask(model: &str, org: u32, tokens: u64) -> Result<Answer, Error> {
        let _ = (model, org);
        Ok(Answer { tokens: 10 })
    }
    static QUOTAS: PerKey<RateLimit> = PerKey::new(RateLimit::named("by hand").rate(100, ms(1_000)));

    for _ in 0..5 {
        ask("small", 1, 60).await.unwrap();
    }
    assert_eq!(wait_of!(ask("small", 1, 60)), ms(100));
    ask("large", 1, 100).await.unwrap();
    ask("small", 2, 100).await.unwrap();

    let quota = QUOTAS.of(&("small", 1));
    let mut permit = quota.acquire_many(60).await.unwrap();
    permit.charge(10);
    permit.abandon();
    assert!(QUOTAS.of(&("small", 1)).try_acquire_many(91).is_err());
    assert!(QUOTAS.of(&("small", 1)).try_acquire_many(90).is_ok());
    assert!(QUOTAS.of(&("small", 2)).try_acquire_many(100).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_response_of_a_call_that_says_its_weight_is_heeded_by_a_dialect_only() {
    #[rate_limit("100/s", weight = 10)]
    async fn function(remaining: u64) -> Result<SearchResponse, Error> {
        Ok(SearchResponse { remaining, refused: false })
    }
    #[rate_limit("100/s", weight = 10)]
    async fn refused() -> Result<SearchResponse, Error> {
        Ok(SearchResponse { remaining: 5, refused: true })
    }

    function(0).await.unwrap();
    function(0).await.unwrap();
    refused().await.unwrap();

    assert!(matches!(refusal(refused().await), Reason::Paused { .. }), "the status counts");
}

#[tokio::test(start_paused = true)]
async fn the_list_shows_the_weight_and_the_cost() {
    #[rate_limit("90000/m", weight = words * 2, cost = |answer| answer.tokens)]
    async fn listed_ask(words: u64) -> Result<Answer, Error> {
        Ok(Answer { tokens: words })
    }
    listed_ask(3).await.unwrap();

    let listed = resilient::policies();
    let function = listed.functions.iter().find(|function| function.function == "listed_ask").unwrap();
    let policy = function.stack[0].policy.as_ref().unwrap();
    let setting = |key| policy.settings.iter().find(|setting| setting.key == key).unwrap().value.as_str();
    assert_eq!(
        (setting("burst"), setting("weight"), setting("cost")),
        ("90000", "words * 2", "|answer| answer.tokens")
    );
    let count = |name| policy.counts.iter().find(|count| count.name == name).unwrap().value;
    assert_eq!((count("units reserved"), count("units charged"), count("units returned")), (6.0, 0.0, 3.0));
}

#[tokio::test(start_paused = true)]
async fn shared_is_one_limit_for_all_that_use_the_store_and_the_name() {
    static FLEET: InMemory = InMemory::new();
    #[rate_limit("20/s", shared = FLEET, name = "shared by two")]
    async fn function() -> Result<(), Error> {
        Ok(())
    }
    static MACHINE: RateLimit =
        RateLimit::named("shared by two").rate(20, Duration::from_secs(1)).shared_through(&FLEET);
    function().await.unwrap();
    sleep(ms(2_000)).await;

    assert_eq!(admitted!(function(), 50), 15);
    assert!(MACHINE.acquire().await.is_err());
    assert_eq!(FLEET.granted("shared by two"), 16);
}

#[tokio::test(start_paused = true)]
async fn when_down_is_the_rule_without_the_store() {
    static FLEET: InMemory = InMemory::new();
    #[rate_limit("20/s", shared = FLEET, name = "open", when_down = "open")]
    async fn open() -> Result<(), Error> {
        Ok(())
    }
    #[rate_limit("20/s", shared = FLEET, name = "local", when_down = "local")]
    async fn local() -> Result<(), Error> {
        Ok(())
    }
    #[rate_limit("20/s", shared = FLEET, name = "closed", when_down = "closed")]
    async fn closed() -> Result<(), Error> {
        Ok(())
    }
    FLEET.set_machines(10);
    FLEET.set_down(true);

    let mut served = [0; 3];
    for _ in 0..1_000 {
        served[0] += admitted!(open(), 1);
        served[1] += admitted!(local(), 1);
        served[2] += admitted!(closed(), 1);
        sleep(ms(1)).await;
    }

    assert!((20..=21).contains(&served[0]) && (2..=3).contains(&served[1]) && served[2] == 0, "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn shared_with_a_key_is_one_limit_for_each_key() {
    static FLEET: InMemory = InMemory::new();
    #[rate_limit("20/s", shared = FLEET, name = "tenants", key = tenant, log_key)]
    async fn function(tenant: &str) -> Result<(), Error> {
        let _ = tenant;
        Ok(())
    }
    for tenant in ["acme", "umbrella"] {
        function(tenant).await.unwrap();
    }
    sleep(ms(2_000)).await;

    assert_eq!((admitted!(function("acme"), 50), admitted!(function("umbrella"), 50)), (15, 15));
    assert_eq!(FLEET.granted("tenants:\"acme\""), 16);
}
