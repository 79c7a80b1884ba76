//! `#[retry]`.

use std::cell::Cell;
use std::time::Duration;

use resilient::{Backoff, Class, Retry, retry, timeout};
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
    #[retry(backoff = "none", attempt = n)]
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
    #[retry(backoff = "none", attempt = n)]
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
