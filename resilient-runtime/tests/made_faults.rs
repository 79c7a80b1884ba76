//! Chaos: every policy of a function reacts to faults that are ordered as it would to real ones.

#![expect(clippy::await_holding_lock, reason = "one test after the other")]

use std::collections::HashMap;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use resilient::chaos::{Chaos, Faulty};
use resilient::config::{self, Changes};
use resilient::test::{assert_delays, record, reset, seed, skip_waits};
use resilient::{
    Batch, CircuitBreaker, CircuitBreakerState, Class, Classify, Event, Reason, batch, bulkhead, circuit_breaker,
    coalesce, fallback, fan_out, hedge, measure, retry, timeout,
};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Debug, Clone, PartialEq, Classify)]
enum Error {
    #[transient]
    Down,
    #[throttled(after = after)]
    Busy { after: Option<Duration> },
    #[permanent]
    Unknown,
    #[transparent(from)]
    Refused(resilient::Error),
}

impl Faulty for Error {
    fn faulty(class: Class) -> Self {
        match class {
            Class::Throttled { after } => Self::Busy { after },
            Class::Permanent => Self::Unknown,
            _ => Self::Down,
        }
    }
}

/// Chaos is the process's, so that one test after the other has it for itself.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    config::forget_all();
    reset();
    guard
}

#[timeout(total = "10s")]
#[retry(max = 3, backoff = "none", budget = none)]
#[timeout(attempt = "1s")]
async fn fetch(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_attempts_fails_and_the_retry_mends_it() {
    let _alone = alone();
    let chaos = Chaos::on("fetch").fail(0.3).seed(1).begin().unwrap();

    let mut failed = 0;
    for id in 0..1_000 {
        failed += u32::from(fetch(id).await.is_err());
    }

    let counts = chaos.counts();
    assert!((1_300..1_550).contains(&counts.attempts), "{counts:?}");
    let share = counts.failed as f64 / counts.attempts as f64;
    assert!((0.27..0.33).contains(&share), "{share}");
    assert!((1..20).contains(&failed), "0.3^4 of the calls: {failed}");
    assert_eq!((counts.delayed, counts.hung, counts.panicked, counts.spared), (0, 0, 0, 0));

    drop(chaos);
    for id in 0..100 {
        assert_eq!(fetch(id).await, Ok(id));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_ended_by_its_time_out() {
    let _alone = alone();
    let chaos = Chaos::on("fetch").hang(1.0).begin().unwrap();
    let began = Instant::now();

    let Err(Error::Refused(rejection)) = fetch(1).await else { panic!("nothing answers") };

    assert_eq!((rejection.reason(), began.elapsed()), (Reason::TimedOut { limit: SECOND }, 4 * SECOND));
    assert_eq!((chaos.counts().attempts, chaos.counts().hung), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_begins_later_by_a_time_of_the_range() {
    let _alone = alone();
    let _chaos = Chaos::on("fetch").delay(1.0, ms(100)..=ms(300)).seed(3).begin().unwrap();
    let mut times = Vec::new();
    for id in 0..200 {
        let began = Instant::now();
        assert_eq!(fetch(id).await, Ok(id));
        times.push(began.elapsed());
    }

    // timers tick in milliseconds
    assert!(times.iter().all(|time| (ms(100)..=ms(301)).contains(time)), "{times:?}");
    let mean = times.iter().sum::<Duration>() / 200;
    assert!((ms(190)..ms(210)).contains(&mean), "{mean:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_panics_as_its_body_would() {
    #[bulkhead(limit = 1)]
    async fn load() -> Result<(), Error> {
        Ok(())
    }
    let _alone = alone();
    let chaos = Chaos::on("load").panic(1.0).begin().unwrap();

    let panicked = AssertUnwindSafe(load()).catch_unwind().await.unwrap_err();

    let message = panicked.downcast_ref::<String>().unwrap();
    assert_eq!(message, "chaos: an attempt of `made_faults::load` panics on purpose");
    drop(chaos);
    load().await.expect("the permit was given back");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_and_a_fallback_answers() {
    static PAYMENTS: CircuitBreaker = CircuitBreaker::named("payments").consecutive(3);
    #[fallback(value = 0)]
    #[circuit_breaker(with = PAYMENTS)]
    async fn pay(amount: u32) -> Result<u32, Error> {
        Ok(amount)
    }
    let _alone = alone();
    assert_eq!(pay(7).await, Ok(7));
    // by the name of a policy that comes from elsewhere
    let chaos = Chaos::on("payments").fail(1.0).begin().unwrap();

    for _ in 0..9 {
        assert_eq!(pay(7).await, Ok(0));
    }

    assert_eq!((PAYMENTS.state(), chaos.counts().failed), (CircuitBreakerState::Open, 3), "six were refused");
}

#[tokio::test(start_paused = true)]
async fn a_fault_has_the_class_that_was_asked_for() {
    let _alone = alone();
    for (class, error, attempts) in [
        (Class::Transient, Error::Down, 4),
        (Class::Permanent, Error::Unknown, 1),
        (Class::Throttled { after: Some(SECOND) }, Error::Busy { after: Some(SECOND) }, 4),
    ] {
        let chaos = Chaos::on("made_faults::fetch").fail_as(1.0, class).begin().unwrap();
        assert_eq!(fetch(1).await, Err(error));
        assert_eq!(chaos.counts().attempts, attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_the_faults() {
    let _alone = alone();
    let mut runs = Vec::new();
    for number in [5, 5, 6] {
        seed(1);
        let _chaos = Chaos::on("fetch").fail(0.3).delay(0.3, ms(1)..=ms(900)).seed(number).begin().unwrap();
        let began = Instant::now();
        let mut run = Vec::new();
        for id in 0..50 {
            run.push((fetch(id).await, began.elapsed()));
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test(start_paused = true)]
async fn everywhere_is_every_function_and_the_first_fault_counts() {
    #[coalesce(key = id)]
    async fn shared(id: u32) -> Result<u32, Error> {
        Ok(id)
    }
    #[hedge(after = "10ms", idempotent)]
    async fn hedged(id: u32) -> Result<u32, Error> {
        Ok(id)
    }
    #[fan_out(limit = 2)]
    #[retry(max = 1, backoff = "none", budget = none)]
    async fn each(id: u32) -> Result<u32, Error> {
        Ok(id)
    }
    struct Api;
    impl Api {
        #[timeout("1s")]
        async fn method(&self) -> Result<&str, Error> {
            Ok("fine")
        }
    }
    let _alone = alone();
    let first = Chaos::on("shared").fail_as(1.0, Class::Permanent).begin().unwrap();
    let all = Chaos::everywhere().fail(1.0).begin().unwrap();

    assert_eq!(shared(1).await, Err(Error::Unknown));
    assert_eq!(hedged(1).await, Err(Error::Down));
    assert_eq!(Api.method().await, Err(Error::Down));
    assert_eq!(each_all([1, 2]).await, [Err(Error::Down), Err(Error::Down)]);
    assert_eq!(first.counts().attempts, 1);
    assert!(all.counts().attempts >= 6, "{:?}", all.counts());
}

#[tokio::test(start_paused = true)]
async fn an_error_that_chaos_cannot_make_is_said_once() {
    #[timeout("1s")]
    async fn plain() -> Result<u32, resilient::Error> {
        Ok(1)
    }
    #[timeout("1s")]
    async fn generic<E: From<resilient::Error>>() -> Result<u32, E> {
        Ok(2)
    }
    let _alone = alone();
    let (log, chaos) = (record(), Chaos::everywhere().fail(1.0).begin().unwrap());

    for _ in 0..3 {
        assert_eq!(plain().await.unwrap(), 1);
        assert_eq!(generic::<Error>().await.unwrap(), 2);
    }

    let said: Vec<_> = log.events().into_iter().filter(|event| matches!(event, Event::Unfailing { .. })).collect();
    assert_eq!(said.iter().map(Event::policy).collect::<Vec<_>>(), ["made_faults::plain", "made_faults::generic"]);
    assert_eq!((chaos.counts().failed, chaos.counts().spared), (0, 6));
}

#[tokio::test(start_paused = true)]
async fn events_and_the_list_say_that_it_is_on() {
    let _alone = alone();
    let log = record();
    let listed = || {
        let all = resilient::policies();
        let found = all.functions.iter().find(|listed| listed.function == "fetch").expect("it is listed").clone();
        (found.chaos, all.to_string())
    };
    assert_eq!(listed().0, [""; 0]);

    let chaos = Chaos::on("fetch").fail(0.25).hang(0.05).delay(0.5, ms(1)..=ms(20)).panic(0.001).begin().unwrap();
    let (said, page) = listed();
    assert_eq!(said, ["fails 25 %, hangs 5 %, delays 50 % by 1ms to 20ms, panics 0.1 %"]);
    assert!(page.contains("CHAOS                    fails 25 %"), "{page}");
    drop(chaos);
    assert_eq!(listed().0, [""; 0]);

    let chaos = Chaos::on("fetch").hang(1.0).begin().unwrap();
    fetch(1).await.unwrap_err();
    drop(chaos);
    let of_chaos: Vec<String> = log
        .events()
        .iter()
        .filter(|event| matches!(event, Event::ChaosBegan { .. } | Event::ChaosEnded { .. } | Event::Disturbed { .. }))
        .map(|event| format!("{event:?}"))
        .collect();
    let disturbed = "Disturbed { function: \"made_faults::fetch\", fault: \"hang\" }";
    assert_eq!(
        of_chaos,
        [
            "ChaosBegan { name: \"fetch\" }",
            "ChaosEnded { name: \"fetch\", attempts: 0, faults: 0 }",
            "ChaosBegan { name: \"fetch\" }",
            disturbed,
            disturbed,
            disturbed,
            disturbed,
            "ChaosEnded { name: \"fetch\", attempts: 4, faults: 4 }",
        ]
    );
}

#[test]
fn what_cannot_be_ordered_says_why() {
    let _alone = alone();
    for (chaos, message) in [
        (Chaos::on("fetch"), "there is no fault: add, for instance, `fail(0.1)`"),
        (Chaos::on("fetch").fail(0.0), "a share is above 0 and at most 1, as in `fail(0.1)`, and not 0"),
        (Chaos::on("fetch").hang(f64::NAN), "a share is above 0 and at most 1, as in `fail(0.1)`, and not NaN"),
        (Chaos::on("fetch").panic(20.0), "a share is above 0 and at most 1, as in `fail(0.1)`, and not 20"),
        (
            Chaos::everywhere().fail(0.75).hang(0.5),
            "the shares are 1.25 together, and there is one fault for an attempt: at most 1",
        ),
        (Chaos::on("fetch").delay(0.1, SECOND..=ms(1)), "no time lies between 1s and 1ms: write the shorter one first"),
        (
            Chaos::on("fetsh").fail(0.1),
            "there is no annotated function `fetsh`, and none with a policy of that name: did you mean `fetch`?",
        ),
        (
            Chaos::on("nothing of the kind").fail(0.1),
            "there is no annotated function `nothing of the kind`, and none with a policy of that name: `resilient::policies()` lists all names",
        ),
    ] {
        assert_eq!(chaos.begin().unwrap_err().to_string(), message);
    }
    let _ = Chaos::on("fetch").fail(0.1).hang(0.2).delay(0.7, ms(1)..=ms(1)).begin().expect("all of them together");
}

/// Applies a file without its last line.
fn apply(text: &str) -> Result<config::Applied, config::Refused> {
    config::apply("chaos.toml", &format!("{text}\n[end]\n"))
}

/// The chaos in `fetch`, as the list has it.
fn listed() -> Vec<String> {
    let all = resilient::policies().functions;
    all.into_iter().find(|listed| listed.function == "fetch").expect("it is listed").chaos
}

#[tokio::test(start_paused = true)]
async fn a_file_begins_it_and_ends_it() {
    let _alone = alone();
    let log = record();
    let begun = || log.count(|event| matches!(event, Event::ChaosBegan { .. }));
    let text = "[fetch.chaos]\nfail = \"100%\"\nfail_as = \"permanent\"\nseed = 7\n";

    let applied = apply(text).unwrap();

    assert_eq!(applied.changed(), 1);
    assert_eq!(applied.news(), ["chaos `fetch`: fail = \"100%\", fail_as = \"permanent\", seed = 7"]);
    assert_eq!((fetch(1).await, listed()), (Err(Error::Unknown), vec!["fails 100 %".to_owned()]));
    assert_eq!(apply(&format!("{text}[fetch.retry]\nmax = 1")).unwrap().changed(), 1, "only the retry");
    assert_eq!(begun(), 1, "it goes on");

    let text = "[fetch.chaos]\nhang = 0.5\ndelay = \"50%\"\nmax_delay = \"20ms\"";
    apply(text).unwrap();
    assert_eq!(listed(), ["delays 50 % by 0ns to 20ms, hangs 50 %"]);

    let applied = apply("").unwrap();
    assert_eq!(applied.news(), ["chaos `fetch`: ends"]);
    assert_eq!((fetch(2).await, listed()), (Ok(2), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn code_counts_in_place_of_a_file_and_all_of_it_is_taken_back() {
    let _alone = alone();
    apply("[fetch.chaos]\nfail = \"100%\"").unwrap();
    Changes::new().set("fetch", "chaos", "fail", 0.25).apply().unwrap();
    assert_eq!(listed(), ["fails 25 %"]);
    Changes::new().unset("fetch", "chaos", "fail").apply().unwrap();
    assert_eq!(listed(), ["fails 100 %"]);
    Changes::new().set("*", "chaos", "hang", "1%").apply().unwrap();
    assert_eq!(listed(), ["fails 100 %", "hangs 1 %"]);

    config::forget_all();
    assert_eq!((fetch(1).await, listed()), (Ok(1), Vec::new()));
}

#[test]
fn a_file_with_a_mistake_begins_none() {
    let _alone = alone();
    for (text, message) in [
        ("[fetch.chaos]\nfale = \"1%\"", "chaos.toml:2:1: unknown key `fale`: did you mean `fail`?"),
        ("[fetch.chaos]\nfail = \"0%\"", "chaos.toml:2:8: a share is above 0, or its key is left out, and \"0%\" is 0"),
        (
            "[fetch.chaos]\nhang = \"soon\"",
            "chaos.toml:2:8: `hang` takes a ratio: write `hang = \"50%\"` or `hang = 0.5`",
        ),
        (
            "[fetch.chaos]\nfail_as = \"permanent\"",
            "chaos.toml:2:11: `fail_as` is for attempts that fail: add `fail = \"10%\"`",
        ),
        (
            "[fetch.chaos]\nfail = 0.1\nfail_as = \"permanet\"",
            "chaos.toml:3:11: unknown `fail_as` `\"permanet\"`: did you mean `\"permanent\"`?",
        ),
        (
            "[fetch.chaos]\ndelay = \"10%\"",
            "chaos.toml:2:9: `delay` is a share of the attempts: say by how long, with `max_delay = \"200ms\"`",
        ),
        ("[fetch.chaos]\nmax_delay = \"1s\"", "chaos.toml:2:13: nothing is delayed: add `delay = \"10%\"`"),
        (
            "[fetch.chaos]\nfail = \"75%\"\nhang = \"50%\"",
            "chaos.toml:3:8: the shares are 1.25 together, and there is one fault for an attempt: at most 1",
        ),
    ] {
        assert_eq!(apply(text).unwrap_err().to_string(), message);
    }
    apply("[fetch.chaos]\nfail = \"1%\"").unwrap();
    apply("[fetch.chaos]\nfail = \"1%\"\nhang = \"200%\"").unwrap_err();
    assert_eq!(listed(), ["fails 1 %"], "the last good settings stay");
    let twice = config::apply("other.toml", "[fetch.chaos]\nfail = \"2%\"\n[end]\n").unwrap_err();
    assert_eq!(
        twice.to_string(),
        "other.toml:2:1: `fail` of this chaos is set by chaos.toml already: keep one of the two"
    );
    let waits = config::apply("other.toml", "[fetsh.chaos]\nfail = \"2%\"\n[end]\n").unwrap();
    let said: Vec<String> = waits.waiting().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["1:2: there is no annotated function `fetsh`, and none with a policy of that name: did you mean `fetch`?"]
    );
}

#[retry(max = 3, base = "100ms")]
#[circuit_breaker(consecutive = 3)]
fn read(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[test]
fn a_function_that_blocks_fails_as_well() {
    let _alone = alone();
    let waits = skip_waits();
    let chaos = Chaos::on("read").fail(1.0).begin().unwrap();

    assert!(matches!(read(7), Err(Error::Refused(_))));
    assert_eq!(chaos.counts().failed, 3);
    assert_delays(&waits.all(), [100..=200, 200..=300, 400..=500]);

    drop(chaos);
    reset();
    assert_eq!(read(7), Ok(7));
}

#[test]
fn a_delay_has_the_thread_wait() {
    let _alone = alone();
    let waits = skip_waits();
    let _chaos = Chaos::on("read").delay(1.0, SECOND..=SECOND).begin().unwrap();

    assert_eq!(read(7), Ok(7));
    assert_eq!(waits.all(), [SECOND]);
}

#[test]
fn a_panic_is_one_of_the_body() {
    let _alone = alone();
    let _chaos = Chaos::on("read").panic(1.0).begin().unwrap();

    let panicked = std::panic::catch_unwind(|| read(7)).unwrap_err();
    assert_eq!(
        panicked.downcast_ref::<String>().map(String::as_str),
        Some("chaos: an attempt of `made_faults::read` panics on purpose")
    );
}

#[batch(name = "units", max_wait = "5ms")]
async fn loaded(ids: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
    Ok(ids.into_iter().map(|id| (id, 2 * id)).collect())
}

#[tokio::test(start_paused = true)]
async fn a_run_of_a_batch_fails_once_for_all_its_callers() {
    let _alone = alone();
    // the function, its path, the one beside it, that one's path, and the policy
    for name in ["loaded", "made_faults::loaded", "loaded_one", "made_faults::loaded_one", "units"] {
        let chaos = Chaos::on(name).fail(1.0).begin().unwrap();

        let both = tokio::join!(loaded_one(1), loaded_one(2));

        assert_eq!(both, (Err(Error::Down), Err(Error::Down)), "{name}");
        assert_eq!(loaded(vec![3]).await, Err(Error::Down), "a call of the function itself");
        assert_eq!(chaos.counts().attempts, 2, "{name}: one run, and one call");
        drop(chaos);
    }
    assert_eq!(loaded_one(1).await, Ok(Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_batch_by_hand_and_a_stack_are_found_by_the_names_beside_them() {
    static BY_HAND: Batch = Batch::named("by_hand");
    #[batch(with = BY_HAND, companion = word)]
    #[retry(max = 1, backoff = "none", budget = none)]
    async fn words(ids: Vec<u32>) -> Result<HashMap<u32, String>, Error> {
        Ok(ids.iter().map(|id| (*id, id.to_string())).collect())
    }
    let _alone = alone();
    for name in ["words", "word", "by_hand"] {
        let chaos = Chaos::on(name).fail(1.0).begin().unwrap();

        assert_eq!(word(1).await, Err(Error::Down), "{name}");
        assert_eq!(chaos.counts().failed, 2, "{name}: one fault for each attempt");
    }
}

#[tokio::test(start_paused = true)]
async fn each_item_of_a_fan_out_has_its_own_fault() {
    #[fan_out]
    async fn asked(id: u32) -> Result<u32, Error> {
        const NOTHING: u32 = 0;
        Ok(id + NOTHING)
    }
    let _alone = alone();
    for name in ["asked", "asked_all"] {
        let chaos = Chaos::on(name).fail_as(0.5, Class::Permanent).seed(2).begin().unwrap();

        let failed = asked_all(0..100).await.iter().filter(|outcome| outcome.is_err()).count() as u64;

        assert!((30..70).contains(&failed), "{failed}");
        assert_eq!((chaos.counts().attempts, chaos.counts().failed), (100, failed));
    }
}

#[test]
fn the_list_says_it_beside_the_functions_that_run_others() {
    let _alone = alone();
    let _chaos = Chaos::on("loaded").fail(0.25).begin().unwrap();

    let all = resilient::policies().functions;
    let found = all.iter().find(|listed| listed.function == "loaded_one").expect("it is listed");

    assert_eq!(found.chaos, ["fails 25 %"]);
    let refused = Chaos::on("loadet").fail(0.1).begin().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no annotated function `loadet`, and none with a policy of that name: did you mean `loaded`?"
    );
}

#[tokio::test(start_paused = true)]
async fn an_outcome_without_a_name_can_be_late_and_lost_and_is_not_failed() {
    #[timeout("1s")]
    async fn named() -> Result<impl Display, Error> {
        Ok(7)
    }
    #[measure]
    async fn shown() -> impl Display {
        8
    }
    #[measure]
    fn parsed() -> impl Display {
        9
    }
    let _alone = alone();
    let log = record();

    let chaos = Chaos::on("named").fail(1.0).begin().unwrap();
    assert_eq!(named().await.map(|value| value.to_string()), Err(Error::Down));
    drop(chaos);

    let chaos = Chaos::on("shown").delay(1.0, SECOND..=SECOND).begin().unwrap();
    let began = Instant::now();
    assert_eq!((shown().await.to_string(), began.elapsed()), ("8".to_owned(), SECOND));
    drop(chaos);

    let chaos = Chaos::on("shown").fail(1.0).begin().unwrap();
    assert_eq!(shown().await.to_string(), "8");
    assert_eq!((chaos.counts().failed, chaos.counts().spared), (0, 1));
    assert_eq!(log.count(|event| matches!(event, Event::Unfailing { outcome: "impl Trait", .. })), 1);

    let chaos = Chaos::on("parsed").fail(1.0).begin().unwrap();
    assert_eq!((parsed().to_string(), chaos.counts().spared), ("9".to_owned(), 1));
}
