//! `#[retry]`.

use std::cell::Cell;
use std::time::Duration;

use resilient::{Backoff, Budget, Class, Retry, Retrying, circuit_breaker, hedge, retry, timeout};
use resilient_tests::{Error, Script, Stopwatch, ms};
use tokio::time::sleep;

#[retry]
async fn bare(script: &Script) -> Result<u32, Error> {
    script.next()?;
    Ok(script.attempts())
}

#[tokio::test(start_paused = true)]
async fn a_first_success_is_returned_without_a_wait() {
    let watch = Stopwatch::start();

    assert_eq!(bare(&Script::fine()).await, Ok(1));

    assert_eq!(watch.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn bare_means_three_retries() {
    assert_eq!(bare(&Script::failing(3)).await, Ok(4));

    let script = Script::failing(4);
    assert_eq!(bare(&script).await, Err(Error::Down));
    assert_eq!(script.attempts(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_ends_the_call() {
    let script = Script::of([Error::Gone]);

    assert_eq!(bare(&script).await, Err(Error::Gone));

    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_after_a_transient_one_ends_the_call() {
    let script = Script::of([Error::Down, Error::Gone]);

    assert_eq!(bare(&script).await, Err(Error::Gone));

    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_default_wait_doubles_and_carries_up_to_one_base_of_jitter() {
    #[retry]
    async fn measured(watch: &Stopwatch) -> Result<(), Error> {
        watch.lap();
        Err(Error::Down)
    }
    let mut first_waits = Vec::new();
    for seed in 0..20 {
        resilient::test::seed(seed);
        let watch = Stopwatch::start();

        measured(&watch).await.unwrap_err();

        let waits = watch.between_laps();
        for (wait, least) in waits.iter().zip([100, 200, 400]) {
            assert!((least..=least + 101).contains(wait), "{waits:?}");
        }
        first_waits.push(waits[0]);
    }
    first_waits.dedup();
    assert!(first_waits.len() > 10, "jitter spreads: {first_waits:?}");
}

macro_rules! waits {
    ($($test:ident: $arguments:tt => $waits:expr;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            async fn run(watch: &Stopwatch) -> Result<(), Error> {
                waits!(@attribute $arguments watch)
            }
            let watch = Stopwatch::start();

            run(&watch).await.unwrap_err();

            assert_eq!(watch.between_laps(), $waits);
        }
    )*};
    (@attribute { $($arguments:tt)* } $watch:ident) => {{
        #[retry($($arguments)*)]
        async fn attempt(watch: &Stopwatch) -> Result<(), Error> {
            watch.lap();
            Err(Error::Down)
        }
        attempt($watch).await
    }};
}

fn tens(retry: u32) -> Duration {
    ms(10 * u64::from(retry + 1))
}

const SIX: Backoff = Backoff::fixed(ms(6));

waits! {
    none_does_not_wait: { backoff = "none" } => [0, 0, 0];
    fixed_waits_the_same_each_time: { backoff = "fixed", base = "20ms" } => [20, 20, 20];
    linear_grows_by_the_base: { backoff = "linear", base = "20ms" } => [20, 40, 60];
    fibonacci_adds_the_last_two: { max = 6, backoff = "fibonacci", base = "10ms" } => [10, 10, 20, 30, 50, 80];
    exp_doubles: { max = 4, backoff = "exp", base = "10ms" } => [10, 20, 40, 80];
    factor_changes_the_growth: { backoff = "exp", base = "10ms", factor = 3 } => [10, 30, 90];
    a_factor_may_have_a_fraction: { backoff = "exp", base = "100ms", factor = 1.5 } => [100, 150, 225];
    cap_limits_the_growth: { max = 4, backoff = "exp", base = "10ms", cap = "25ms" } => [10, 20, 25, 25];
    jitter_of_its_own: { backoff = "exp_jitter", base = "10ms", jitter = "0s" } => [10, 20, 40];
    base_alone_keeps_the_default_formula: { base = "10ms", jitter = "0s" } => [10, 20, 40];
    max_counts_retries: { max = 1, backoff = "fixed", base = "10ms" } => [10];
    durations_may_be_constant_expressions: { backoff = "fixed", base = ms(5) } => [5, 5, 5];
    max_may_be_a_constant_expression: { max = Retry::DEFAULT_MAX - 1, backoff = "none" } => [0, 0];
    a_function_may_say_the_wait: { backoff = tens } => [10, 20, 30];
    a_closure_may_say_the_wait: { backoff = |retry| ms(u64::from(retry)) } => [0, 1, 2];
    a_backoff_value_may_be_given: { backoff = SIX } => [6, 6, 6];
}

macro_rules! jittered {
    ($($test:ident: $arguments:tt in $ranges:expr;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            let mut all = Vec::new();
            for seed in 0..40 {
                resilient::test::seed(seed);
                let watch = &Stopwatch::start();

                let outcome: Result<(), Error> = waits!(@attribute $arguments watch);

                outcome.unwrap_err();
                let waits = watch.between_laps();
                for (wait, range) in waits.iter().zip($ranges) {
                    assert!(range.contains(wait), "{waits:?}");
                }
                all.push(waits);
            }
            all.sort();
            all.dedup();
            assert!(all.len() > 20, "jitter spreads: {all:?}");
        }
    )*};
}

jittered! {
    full_jitter_is_anything_up_to_the_whole: { backoff = "full_jitter", base = "100ms" } in [0..=101, 0..=201, 0..=401];
    equal_jitter_is_at_least_half: { backoff = "equal_jitter", base = "100ms" } in [50..=101, 100..=201, 200..=401];
    decorrelated_is_up_to_three_times_the_last: { backoff = "decorrelated", base = "100ms" } in [100..=301, 100..=901, 100..=2701];
    decorrelated_v2_follows_its_curve: { backoff = "decorrelated_v2", base = "100ms" } in [0..=138, 0..=284, 0..=571];
    the_cap_comes_before_the_jitter: { max = 2, backoff = "exp_jitter", base = "100ms", cap = "100ms" } in [100..=201, 100..=201];
}

#[tokio::test(start_paused = true)]
async fn question_mark_and_return_end_the_attempt_and_not_the_call() {
    #[retry(backoff = "none")]
    async fn either(script: &Script, by_return: bool) -> Result<u32, Error> {
        if by_return {
            let Ok(()) = script.next() else { return Err(Error::Down) };
            return Ok(script.attempts());
        }
        script.next()?;
        Ok(script.attempts())
    }

    assert_eq!(either(&Script::failing(2), true).await, Ok(3));
    assert_eq!(either(&Script::failing(2), false).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn the_body_can_read_the_number_of_the_attempt() {
    #[retry(backoff = "none", number = n)]
    async fn numbered(seen: &Cell<Vec<u32>>) -> Result<u32, Error> {
        let mut numbers = seen.take();
        numbers.push(n);
        seen.set(numbers);
        if n < 2 { Err(Error::Down) } else { Ok(n) }
    }
    let seen = Cell::default();

    assert_eq!(numbered(&seen).await, Ok(2));

    assert_eq!(seen.take(), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn clone_borrows_the_arguments_that_cannot_be_cloned() {
    struct Connection(std::cell::Cell<u32>);
    struct Request {
        words: Vec<String>,
        connection: Connection,
    }

    impl Request {
        #[retry(backoff = "none", clone)]
        async fn send(self, words: Vec<String>, script: &Script) -> Result<usize, Error> {
            self.connection.0.set(self.connection.0.get() + 1);
            script.next()?;
            Ok(drain(words) + self.words.len() + self.connection.0.get() as usize)
        }
    }

    fn drain(mut words: Vec<String>) -> usize {
        words.drain(..).count()
    }

    #[hedge(idempotent, clone)]
    async fn ask(connection: Connection, words: Vec<String>) -> Result<usize, Error> {
        Ok(drain(words) + connection.0.get() as usize)
    }

    let words = || vec!["tide".to_owned()];
    let request = Request { words: words(), connection: Connection(0.into()) };

    assert_eq!(request.send(words(), &Script::failing(2)).await, Ok(5));
    assert_eq!(ask(Connection(1.into()), words()).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_cloned_argument_is_fresh_in_each_attempt() {
    #[retry(backoff = "none", clone(words))]
    async fn consumes(script: &Script, mut words: Vec<String>) -> Result<Vec<String>, Error> {
        words.push("more".to_owned());
        script.next()?;
        Ok(words)
    }

    let words = consumes(&Script::failing(2), vec!["some".to_owned()]).await.unwrap();

    assert_eq!(words, ["some", "more"]);
}

#[tokio::test(start_paused = true)]
async fn when_decides_on_the_error() {
    #[derive(Debug)]
    struct Unclassified(u16);
    #[retry(backoff = "none", when = |error| error.0 == 503)]
    async fn statuses(seen: &Cell<u32>, status: u16) -> Result<(), Unclassified> {
        seen.set(seen.get() + 1);
        Err(Unclassified(status))
    }
    let seen = Cell::new(0);

    statuses(&seen, 503).await.unwrap_err();
    assert_eq!(seen.replace(0), 4);

    statuses(&seen, 404).await.unwrap_err();
    assert_eq!(seen.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_decides_on_the_error_of_an_alias() {
    type IoResult<T> = Result<T, std::fmt::Error>;
    #[retry(backoff = "none", when = |error| error.to_string().is_empty())]
    async fn aliased(seen: &Cell<u32>) -> IoResult<()> {
        seen.set(seen.get() + 1);
        Err(std::fmt::Error)
    }
    let seen = Cell::new(0);

    aliased(&seen).await.unwrap_err();

    assert_eq!(seen.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_may_be_a_function_that_returns_a_class() {
    fn class(error: &Error) -> Class {
        match error {
            Error::Gone => Class::Transient,
            _ => Class::Permanent,
        }
    }
    #[retry(backoff = "none", when = class)]
    async fn inverted(script: &Script) -> Result<(), Error> {
        script.next()
    }

    assert_eq!(inverted(&Script::of([Error::Gone])).await, Ok(()));
    assert_eq!(inverted(&Script::of([Error::Down])).await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn when_may_decide_on_the_whole_outcome() {
    #[retry(backoff = "none", when = |outcome: &Result<u32, Error>| matches!(outcome, Ok(0)))]
    async fn not_ready(seen: &Cell<u32>) -> Result<u32, Error> {
        Ok(seen.replace(seen.get() + 1))
    }

    assert_eq!(not_ready(&Cell::new(0)).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn when_makes_a_function_without_a_result_retryable() {
    #[retry(backoff = "none", when = |lines| lines.is_empty())]
    async fn poll(seen: &Cell<u32>) -> Vec<u32> {
        seen.set(seen.get() + 1);
        (2..seen.get()).collect()
    }

    assert_eq!(poll(&Cell::new(0)).await, [2]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_error_waits_for_the_time_the_server_named() {
    #[retry(backoff = "fixed", base = "10ms")]
    async fn throttled(script: &Script, watch: &Stopwatch) -> Result<(), Error> {
        watch.lap();
        script.next()
    }
    let hints = [Some(ms(1_000)), None, Some(ms(1))];
    let script = Script::of(hints.map(|after| Error::Busy { after }));
    let watch = Stopwatch::start();

    throttled(&script, &watch).await.unwrap();

    let waits = watch.between_laps();
    assert!((1_000..=1_101).contains(&waits[0]), "at least the hint, and a tenth of spread: {waits:?}");
    assert_eq!(waits[1..], [10, 10], "no hint, or one that the back-off exceeds");
}

#[tokio::test(start_paused = true)]
async fn a_throttle_without_a_time_waits_longer_than_another_failure() {
    #[retry(max = 9, backoff = "exp", base = "10ms", cap = "40ms", throttled_base = "1s", throttled_cap = "3s", budget = none)]
    async fn ask(script: &Script, watch: &Stopwatch) -> Result<(), Error> {
        watch.lap();
        script.next()
    }
    let (busy, told) = (Error::Busy { after: None }, Error::Busy { after: Some(Duration::ZERO) });
    let script = Script::of([Error::Down, busy.clone(), Error::Down, busy.clone(), busy, told, Error::Down]);
    let watch = Stopwatch::start();

    ask(&script, &watch).await.unwrap();

    // the exponent is the number of the retry; a server that names a time is believed
    assert_eq!(watch.between_laps(), [10, 2_000, 40, 3_000, 3_000, 40, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_base_of_its_own_for_throttles_brings_its_jitter_and_keeps_below_no_cap() {
    #[retry(max = 1, throttled_base = "8s")]
    async fn jittered(script: &Script, watch: &Stopwatch) -> Result<(), Error> {
        watch.lap();
        script.next()
    }
    static SHORTER: Retry =
        Retry::named("shorter").max(1).backoff(Backoff::exp(ms(20))).throttled_base(ms(1)).throttled_cap(ms(2));
    let busy = || Script::of([Error::Busy { after: None }]);
    let watch = Stopwatch::start();

    jittered(&busy(), &watch).await.unwrap();

    assert!((8_000..=16_000).contains(&watch.between_laps()[0]), "{:?}", watch.between_laps());
    let mut shorter = SHORTER.begin();
    let verdict = shorter.settle(busy().next());
    let resilient::Verdict::Retry(delay) = verdict else { panic!("it may retry") };
    assert_eq!(delay.duration(), ms(20), "no sooner than after another failure");
}

#[tokio::test(start_paused = true)]
async fn a_hint_of_more_than_a_minute_ends_the_call() {
    let busy = Error::Busy { after: Some(Duration::MAX) };
    let script = Script::of([busy.clone()]);
    let watch = Stopwatch::start();

    assert_eq!(bare(&script).await, Err(busy));

    assert_eq!((script.attempts(), watch.elapsed()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn no_retry_begins_after_the_deadline() {
    #[timeout(total = "250ms")]
    #[retry(backoff = "fixed", base = "100ms", max = 10)]
    async fn limited(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(10);
    let watch = Stopwatch::start();

    assert_eq!(limited(&script).await, Err(Error::Down), "the outcome in hand, not a time-out");

    assert_eq!((script.attempts(), watch.elapsed()), (3, 200));
}

#[tokio::test(start_paused = true)]
async fn a_hint_beyond_the_deadline_ends_the_call_at_once() {
    #[timeout(total = "1s")]
    #[retry]
    async fn limited(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let busy = Error::Busy { after: Some(ms(5_000)) };
    let watch = Stopwatch::start();

    assert_eq!(limited(&Script::of([busy.clone()])).await, Err(busy));

    assert_eq!(watch.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_timed_out_is_tried_again() {
    #[retry(backoff = "none", number = n)]
    #[timeout(attempt = "10ms")]
    async fn slow_at_first() -> Result<u32, Error> {
        if n == 0 {
            sleep(ms(1_000)).await;
        }
        Ok(n)
    }
    let watch = Stopwatch::start();

    assert_eq!(slow_at_first().await, Ok(1));

    assert_eq!(watch.elapsed(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_policy_value_can_be_shared_and_borrowed_from_self() {
    static SHARED: Retry = Retry::named("shared").max(1).backoff(Backoff::none());
    struct Api {
        retry: Retry,
        script: Script,
    }
    impl Api {
        #[retry(with = self.retry)]
        async fn own(&self) -> Result<(), Error> {
            self.script.next()
        }
    }
    #[retry(with = SHARED)]
    async fn shared(script: &Script) -> Result<(), Error> {
        script.next()
    }

    let api = Api { retry: Retry::named("api").max(2).backoff(Backoff::none()), script: Script::failing(2) };
    assert_eq!(api.own().await, Ok(()));
    assert_eq!(shared(&Script::failing(1)).await, Ok(()));
    assert_eq!(shared(&Script::failing(2)).await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_body_passes_through() {
    #[retry(backoff = "none")]
    async fn panics(script: &Script) -> Result<(), Error> {
        let _ = script.next();
        panic!("on purpose")
    }
    let script = std::sync::Arc::new(Script::fine());
    let counted = script.clone();

    let joined = tokio::spawn(async move { panics(&counted).await }).await;

    assert!(joined.unwrap_err().is_panic());
    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn max_elapsed_ends_the_retries_and_not_the_attempt() {
    #[retry(max = 10, backoff = "fixed", base = "100ms", max_elapsed = "250ms")]
    async fn function(script: &Script) -> Result<(), Error> {
        sleep(ms(20)).await;
        script.next()
    }
    let script = Script::failing(10);
    let watch = Stopwatch::start();

    assert_eq!(function(&script).await, Err(Error::Down));

    assert_eq!((script.attempts(), watch.elapsed()), (3, 260));
}

#[tokio::test(start_paused = true)]
async fn max_elapsed_of_days_ends_after_days() {
    #[retry(max = unlimited, backoff = "fixed", base = "1h", max_elapsed = "101h", budget = none)]
    async fn four_days(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 10, backoff = "fixed", base = "1s", max_elapsed = "90m")]
    async fn a_long_attempt(script: &Script) -> Result<(), Error> {
        sleep(Duration::from_secs(79 * 3_600)).await;
        script.next()
    }

    let script = Script::failing(1_000);
    assert_eq!(four_days(&script).await, Err(Error::Down));
    assert!((101..=102).contains(&script.attempts()), "{}", script.attempts());

    let script = Script::failing(10);
    assert_eq!(a_long_attempt(&script).await, Err(Error::Down));
    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unlimited_retry_goes_on_until_its_bound() {
    #[retry(max = unlimited, backoff = "fixed", base = "1s", max_elapsed = "1h")]
    async fn bounded_by_itself(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[timeout(total = "1m")]
    #[retry(max = unlimited, backoff = "none", budget = none)]
    async fn bounded_from_outside(script: &Script) -> Result<(), Error> {
        tokio::task::yield_now().await;
        sleep(ms(1)).await;
        script.next()
    }

    let script = Script::failing(100);
    assert_eq!(bounded_by_itself(&script).await, Ok(()));
    assert_eq!(script.attempts(), 101);

    let script = Script::failing(u32::from(u16::MAX));
    let watch = Stopwatch::start();
    bounded_from_outside(&script).await.unwrap_err();
    assert!(script.attempts() > 10_000, "{}", script.attempts());
    assert!(watch.elapsed() <= 60_000, "{}", watch.elapsed());
}

#[tokio::test]
async fn a_retry_without_a_wait_lets_others_run() {
    #[retry(max = 10_000, backoff = "none", budget = none)]
    async fn spins(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let (script, seen) = (Script::failing(100_000), Cell::new(0));

    let other = async {
        tokio::task::yield_now().await;
        seen.set(script.attempts());
    };
    let (outcome, ()) = tokio::join!(spins(&script), other);

    outcome.unwrap_err();
    assert!(seen.get() < 10_000, "the other ran in between: {}", seen.get());
}

#[tokio::test(start_paused = true)]
async fn max_hint_says_how_long_a_server_may_make_it_wait() {
    #[retry(max_hint = "2m")]
    async fn patient(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let asks_for = |millis| Script::of([Error::Busy { after: Some(ms(millis)) }]);
    let watch = Stopwatch::start();

    assert_eq!(patient(&asks_for(120_000)).await, Ok(()));
    assert!((120_000..=132_001).contains(&watch.elapsed()), "{}", watch.elapsed());

    patient(&asks_for(120_001)).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_budget_runs_out_and_fills_again() {
    #[retry(max = 1, backoff = "none")]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let down = Script::failing(u32::from(u16::MAX));

    for _ in 0..1_000 {
        function(&down).await.unwrap_err();
    }
    // the reserve of a hundred retries, and one for every five of a thousand calls
    assert!((1_299..=1_300).contains(&down.attempts()), "{}", down.attempts());

    tokio::time::advance(ms(1_000)).await;
    let before = down.attempts();
    for _ in 0..100 {
        function(&down).await.unwrap_err();
    }
    assert!((129..=131).contains(&(down.attempts() - before)), "{}", down.attempts() - before);
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_budget_returns_the_outcome_in_hand() {
    static EMPTY: Budget = Budget::new().reserve(0).ratio(0.0);
    #[retry(budget = EMPTY)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(5);

    assert_eq!(function(&script).await, Err(Error::Down));

    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_costs_two_a_throttle_half() {
    static OF_FAILURES: Budget = Budget::new().ratio(0.0);
    static OF_THROTTLES: Budget = Budget::new().ratio(0.0);
    static OF_TIMEOUTS: Budget = Budget::new().ratio(0.0);
    #[retry(max = 1, backoff = "none", budget = OF_FAILURES)]
    async fn fails() -> Result<(), Error> {
        Err(Error::Down)
    }
    #[retry(max = 1, backoff = "none", budget = OF_THROTTLES)]
    async fn throttled() -> Result<(), Error> {
        Err(Error::Busy { after: None })
    }
    #[retry(max = 1, backoff = "none", budget = OF_TIMEOUTS)]
    #[timeout(attempt = "1ns")]
    async fn times_out() -> Result<(), Error> {
        std::future::pending().await
    }

    fails().await.unwrap_err();
    throttled().await.unwrap_err();
    times_out().await.unwrap_err();

    assert!((OF_FAILURES.balance() - 99.0).abs() < 0.1, "{}", OF_FAILURES.balance());
    assert!((OF_THROTTLES.balance() - 99.5).abs() < 0.1, "{}", OF_THROTTLES.balance());
    assert!((OF_TIMEOUTS.balance() - 98.0).abs() < 0.1, "{}", OF_TIMEOUTS.balance());
}

#[tokio::test(start_paused = true)]
async fn retries_of_one_name_share_a_budget_and_others_do_not() {
    #[retry(max = 1, backoff = "none", name = "shared budget")]
    async fn one(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 1, backoff = "none", name = "shared budget")]
    async fn two(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 1, backoff = "none")]
    async fn other(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let down = || Script::failing(u32::from(u16::MAX));
    for _ in 0..200 {
        one(&down()).await.unwrap_err();
    }

    let (script, fresh) = (down(), down());
    for _ in 0..4 {
        two(&script).await.unwrap_err();
        other(&fresh).await.unwrap_err();
    }

    assert!(script.attempts() <= 5, "four calls pay for one retry at the most: {}", script.attempts());
    assert_eq!(fresh.attempts(), 8);
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_every_call_retries() {
    #[retry(max = 1, backoff = "none", budget = none)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let down = Script::failing(u32::from(u16::MAX));

    for _ in 0..1_000 {
        function(&down).await.unwrap_err();
    }

    assert_eq!(down.attempts(), 2_000);
}

#[tokio::test(start_paused = true)]
async fn on_retry_is_told_what_happened_and_what_comes_next() {
    static TOLD: std::sync::Mutex<Vec<Retrying>> = std::sync::Mutex::new(Vec::new());
    fn tell(retrying: &Retrying) {
        TOLD.lock().unwrap().push(*retrying);
    }
    #[retry(backoff = "exp", base = "10ms", on_retry = tell)]
    async fn function(script: &Script) -> Result<(), Error> {
        script.next()
    }

    function(&Script::of([Error::Down, Error::Busy { after: None }])).await.unwrap();

    let told = TOLD.lock().unwrap();
    let seen: Vec<_> = told.iter().map(|retrying| (retrying.retry, retrying.class, retrying.delay)).collect();
    assert_eq!(seen, [(0, Class::Transient, ms(10)), (1, Class::Throttled { after: None }, ms(20))]);
    assert_eq!(told[0].policy, "function");
}

#[tokio::test(start_paused = true)]
async fn nested_retries_multiply_unless_they_are_suppressed() {
    #[retry(backoff = "none")]
    async fn inner(script: &Script) -> Result<(), Error> {
        tokio::task::yield_now().await;
        script.next()
    }
    #[retry(backoff = "none")]
    async fn multiplies(script: &Script) -> Result<(), Error> {
        inner(script).await
    }
    #[retry(backoff = "none", nested = "suppress")]
    #[circuit_breaker]
    async fn suppresses(script: &Script) -> Result<(), Error> {
        inner(script).await
    }
    let down = || Script::failing(u32::from(u16::MAX));

    let script = down();
    multiplies(&script).await.unwrap_err();
    assert_eq!(script.attempts(), 16);

    let script = down();
    suppresses(&script).await.unwrap_err();
    assert_eq!(script.attempts(), 4);

    let script = down();
    inner(&script).await.unwrap_err();
    assert_eq!(script.attempts(), 4, "it is as before outside");
}

#[tokio::test(start_paused = true)]
async fn no_retry_begins_that_would_hardly_end_before_the_deadline() {
    static RETRY: Retry = Retry::named("paced").max(10).backoff(Backoff::none());
    #[timeout(total = "100ms")]
    #[retry(with = RETRY)]
    async fn function(script: &Script) -> Result<(), Error> {
        sleep(ms(30)).await;
        script.next()
    }
    let (script, watch) = (Script::failing(10), Stopwatch::start());

    assert_eq!(function(&script).await, Err(Error::Down));

    assert_eq!((script.attempts(), watch.elapsed()), (3, 90), "ten milliseconds are not enough for a fourth");
}
