//! `profile!`: a stack by name does the same as the stack written out.

use std::sync::Mutex;

use resilient::{Reason, circuit_breaker, profile, resilient, retry, timeout};
use resilient_tests::{Error, Script, Stopwatch, ms};
use tokio::time::sleep;

mod policies {
    use std::time::Duration;

    use resilient::profile;

    pub(crate) const ATTEMPT: Duration = Duration::from_millis(50);

    profile! {
        /// The stack for servers that search.
        pub(crate) search =
            timeout(total = "400ms"),
            retry(max = 3, backoff = "fixed", base = "20ms"),
            circuit_breaker(consecutive = 4),
            timeout(attempt = crate::profile::policies::ATTEMPT)
    }

    profile!(pub(in crate::profile) patient = retry(max = 9, backoff = "fixed", base = "1ms", when = |error: &crate::profile::Error| *error == resilient_tests::Error::Gone));

    // neither a function of the same name nor a nested profile gets in the way
    #[expect(dead_code, reason = "only its name matters")]
    pub(crate) fn search() {}

    pub(super) mod nested {
        resilient::profile! { pub(crate) search = retry(max = 1, backoff = "none") }
    }
}

macro_rules! retries {
    ($name:ident, $max:expr) => {
        profile! { $name = retry(max = $max, backoff = "none") }
    };
}

retries!(twice, 2);
retries!(computed, 1 + 2);

profile! { by_key = circuit_breaker(key = host, consecutive = 2), retry(max = 1, backoff = "none", number = n) }

/// The time of each attempt since the start, in milliseconds, and the outcome of the call.
type Course = (Vec<u128>, Result<u32, Error>);

/// Fails as the script says. Of the attempts that the script lets succeed, the second and the third hang.
async fn attempt(script: &Script, watch: &Stopwatch, attempts: &Mutex<Vec<u128>>) -> Result<u32, Error> {
    attempts.lock().unwrap().push(watch.elapsed());
    match script.attempts() {
        1 | 2 => {
            script.next()?;
            sleep(ms(1_000)).await;
        }
        _ => script.next()?,
    }
    Ok(script.attempts())
}

macro_rules! courses {
    ($($(#[$attribute:meta])+ fn $name:ident;)+) => {$(
        async fn $name(failures: u32) -> Course {
            $(#[$attribute])+
            async fn function(script: &Script, watch: &Stopwatch, attempts: &Mutex<Vec<u128>>) -> Result<u32, Error> {
                attempt(script, watch, attempts).await
            }
            let (script, watch, attempts) = (Script::failing(failures), Stopwatch::start(), Mutex::default());
            let outcome = function(&script, &watch, &attempts).await;
            (attempts.into_inner().unwrap(), outcome)
        }
    )+};
}

courses! {
    #[resilient(profile = policies::search)]
    fn by_name;

    #[timeout(total = "400ms")]
    #[retry(max = 3, backoff = "fixed", base = "20ms")]
    #[circuit_breaker(consecutive = 4)]
    #[timeout(attempt = policies::ATTEMPT)]
    fn spelled_out;

    #[resilient(profile = policies::search, retry(max = 1))]
    fn with_one_retry;

    #[resilient(profile = policies::search, timeout(attempt = "10ms"), retry(base = "5ms"))]
    fn with_shorter_attempts;

    #[resilient(profile = policies::search, without(retry, timeout))]
    fn without_retries;

    #[resilient(profile = policies::nested::search)]
    fn nested;
}

#[tokio::test(start_paused = true)]
async fn a_profile_does_what_its_stack_does_spelled_out() {
    for failures in 0..5 {
        resilient::test::seed(1);
        let course = by_name(failures).await;
        resilient::test::seed(1);

        assert_eq!(course, spelled_out(failures).await);
    }
}

#[tokio::test(start_paused = true)]
async fn arguments_are_replaced_in_place_and_the_others_stay() {
    let (attempts, outcome) = with_one_retry(2).await;
    assert_eq!(attempts, [0, 20]);
    assert!(outcome.is_err());

    let (attempts, outcome) = with_shorter_attempts(1).await;
    assert_eq!(attempts, [0, 5, 20, 35]);
    assert_eq!(outcome, Ok(4));
}

#[tokio::test(start_paused = true)]
async fn a_policy_can_be_left_out() {
    let (attempts, outcome) = without_retries(1).await;

    assert_eq!((attempts, outcome), (vec![0], Err(Error::Down)));
}

#[tokio::test(start_paused = true)]
async fn profiles_of_one_name_in_several_modules_are_several() {
    let (attempts, _) = nested(9).await;

    assert_eq!(attempts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_added_stands_outside_or_inside_as_it_is_written() {
    #[resilient(fallback(value = 7), profile = policies::nested::search)]
    async fn outside(script: &Script) -> Result<u32, Error> {
        script.next().map(|()| 1)
    }
    #[resilient(profile = policies::nested::search, timeout("10ms"))]
    async fn inside(watch: &Stopwatch) -> Result<(), Error> {
        watch.lap();
        sleep(ms(20)).await;
        Ok(())
    }
    #[resilient(timeout("15ms"), profile = policies::nested::search)]
    async fn around(watch: &Stopwatch) -> Result<(), Error> {
        watch.lap();
        sleep(ms(20)).await;
        Ok(())
    }
    let script = Script::failing(9);
    let (attempts, call) = (Stopwatch::start(), Stopwatch::start());

    assert_eq!(outside(&script).await, Ok(7));
    assert_eq!(script.attempts(), 2);
    inside(&attempts).await.unwrap_err();
    assert_eq!(attempts.between_laps(), [10]);
    around(&call).await.unwrap_err();
    assert!(call.between_laps().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_attributes_beside_a_profile_nest_around_it() {
    #[timeout(total = "10ms")]
    #[resilient(profile = policies::patient)]
    async fn above(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[resilient(profile = policies::patient)]
    #[circuit_breaker(consecutive = 3)]
    async fn below(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let gone = || Script::of(std::iter::repeat_n(Error::Gone, 20));
    let (one, other) = (gone(), Script::failing(20));

    // the call tries `Error::Gone` again, and nothing else
    above(&one).await.unwrap_err();
    assert_eq!(one.attempts(), 10);
    below(&other).await.unwrap_err();
    assert_eq!(other.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn names_in_a_profile_are_those_of_the_function() {
    #[resilient(profile = by_key)]
    async fn function(host: &str, script: &Script) -> Result<u32, Error> {
        script.next().map(|()| n)
    }
    let script = Script::failing(3);

    assert_eq!(function("a", &script).await, Err(Error::Down));
    assert_eq!(function("b", &script).await, Ok(1));
    assert_eq!(function("b", &Script::fine()).await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_profile_can_be_made_by_a_macro() {
    #[resilient(profile = twice)]
    async fn two(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[resilient(profile = computed)]
    async fn three(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let (one, other) = (Script::failing(9), Script::failing(9));

    two(&one).await.unwrap_err();
    three(&other).await.unwrap_err();

    assert_eq!((one.attempts(), other.attempts()), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn policies_that_share_or_repeat_a_run_can_be_in_a_profile() {
    profile! { shared = coalesce(key = id), hedge(idempotent, after = "10ms", ratio = "100%") }
    #[resilient(profile = shared)]
    async fn function(id: u32, watch: &Stopwatch) -> Result<u32, Error> {
        watch.lap();
        sleep(ms(15)).await;
        Ok(id)
    }
    let watch = Stopwatch::start();

    let outcomes = tokio::join!(function(7, &watch), function(7, &watch));

    assert_eq!(outcomes, (Ok(7), Ok(7)));
    assert_eq!(watch.between_laps(), [10]);
}

#[tokio::test(start_paused = true)]
async fn each_function_has_policies_of_its_own() {
    profile! { fragile = circuit_breaker(consecutive = 1) }
    #[resilient(profile = fragile)]
    async fn one() -> Result<(), Error> {
        Err(Error::Down)
    }
    #[resilient(profile = fragile)]
    async fn other() -> Result<(), Error> {
        Err(Error::Down)
    }

    assert_eq!(one().await, Err(Error::Down));
    assert!(matches!(one().await.unwrap_err().reason(), Reason::CircuitOpen { .. }));
    assert_eq!(other().await, Err(Error::Down));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_made_once_leaves_out_the_retry_and_has_one_time_out() {
    #[resilient(profile = policies::search, without(retry, timeout), timeout("300ms"))]
    async fn pay(script: &Script) -> Result<u32, Error> {
        if script.next().is_ok() {
            sleep(ms(1_000)).await;
        }
        Err(Error::Down)
    }

    let script = Script::failing(1);
    assert_eq!(pay(&script).await, Err(Error::Down));
    assert_eq!(script.attempts(), 1);
    let watch = Stopwatch::start();
    assert!(
        matches!(pay(&script).await, Err(Error::Refused(error)) if matches!(error.reason(), Reason::TimedOut { .. }))
    );
    assert_eq!(watch.elapsed(), 300);
}

mod lower_case_constants {
    #![allow(non_upper_case_globals)]

    use resilient::{enforce, fan_out, retry, timeout};
    use resilient_tests::Error;

    const limit: u32 = 4;
    const at_once: usize = 4;
    const seconds: std::time::Duration = std::time::Duration::from_secs(2);

    #[enforce(retry(max <= 5, budget != none), timeout(total <= "10s"), fan_out(limit <= 8))]
    #[fan_out(limit = at_once)]
    #[timeout(total = seconds)]
    #[retry(max = limit)]
    async fn bounded(n: u32) -> Result<u32, Error> {
        Ok(n)
    }

    #[tokio::test(start_paused = true)]
    async fn are_constants_to_a_rule_too() {
        assert_eq!(bounded_all([1]).await, [Ok(1)]);
    }
}
