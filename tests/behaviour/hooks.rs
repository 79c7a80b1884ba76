//! `on_retry` and `on_give_up`: what a retry's hooks are told, and what they can see.

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use resilient::{
    Backoff, Bulkhead, Class, GaveUp, GivingUp, Reason, Retry, Retrying, Settled, Verdict, circuit_breaker, hedge,
    profile, resilient, retry, timeout,
};
use resilient_tests::{Error, Script, ms};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn both_see_the_error_and_the_arguments() {
    #[retry(
        max = 1,
        backoff = "none",
        on_retry = |retrying, error| seen.borrow_mut().push(format!("{word}: {error:?}, {}", retrying.retry)),
        on_give_up = |given_up, error| seen.borrow_mut().push(format!("{word}: {error:?}, {:?}", given_up.why)),
    )]
    async fn look(script: &Script, word: String, seen: &RefCell<Vec<String>>) -> Result<(), Error> {
        script.next()
    }
    let seen = RefCell::default();

    look(&Script::failing(2), "tide".to_owned(), &seen).await.unwrap_err();
    look(&Script::failing(1), "moon".to_owned(), &seen).await.unwrap();
    look(&Script::fine(), "sun".to_owned(), &seen).await.unwrap();
    look(&Script::of([Error::Gone]), "star".to_owned(), &seen).await.unwrap_err();

    assert_eq!(seen.into_inner(), ["tide: Down, 0", "tide: Down, NoRetriesLeft", "moon: Down, 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_function_may_ask_for_the_error_or_not() {
    thread_local!(static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });
    fn bare(retrying: &Retrying) {
        TOLD.with_borrow_mut(|told| told.push(format!("{} after {:?}", retrying.policy, retrying.class)));
    }
    fn with_error(given_up: &GivingUp, error: &Error) {
        TOLD.with_borrow_mut(|told| told.push(format!("{} {} {error:?}", given_up.policy, given_up.retries)));
    }
    #[retry(max = 1, backoff = "none", on_retry = bare, on_give_up = with_error)]
    async fn ask(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 1, backoff = "none", on_retry = |_| TOLD.with_borrow_mut(Vec::clear))]
    async fn clears(script: &Script) -> Result<(), Error> {
        script.next()
    }

    ask(&Script::failing(2)).await.unwrap_err();

    assert_eq!(TOLD.with_borrow(Clone::clone), ["ask after Transient", "ask 1 Down"]);
    clears(&Script::failing(1)).await.unwrap();
    assert_eq!(TOLD.take(), [""; 0]);
}

/// A policy further in refuses: the hooks see the error that the caller would get.
#[tokio::test(start_paused = true)]
async fn a_rejection_is_shown_as_the_error_that_holds_it() {
    #[retry(
        max = 1,
        backoff = "none",
        on_retry = |_, error| seen.borrow_mut().push(error.clone()),
        on_give_up = |given_up, error| {
            assert_eq!(given_up.why, GaveUp::Refused);
            seen.borrow_mut().push(error.clone());
        },
    )]
    #[circuit_breaker(consecutive = 1)]
    #[timeout("10ms")]
    async fn slow(seen: &RefCell<Vec<Error>>) -> Result<(), Error> {
        sleep(ms(20)).await;
        Ok(())
    }
    let seen = RefCell::default();

    slow(&seen).await.unwrap_err();

    let reasons: Vec<bool> = seen
        .into_inner()
        .iter()
        .map(|error| matches!(error, Error::Refused(refused) if matches!(refused.reason(), Reason::TimedOut { .. })))
        .collect();
    assert_eq!(reasons, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn under_a_total_time_out_and_around_a_hedge() {
    #[timeout(total = "1s")]
    #[retry(max = 1, backoff = "none", on_retry = |_, error| { told.set(told.get() + 1); assert_eq!(*error, Error::Down) })]
    async fn watched(script: &Script, told: &Cell<u32>) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 1, backoff = "none", on_give_up = |_, error| { told.set(told.get() + 10); assert_eq!(*error, Error::Down) })]
    #[hedge(after = "1s", idempotent)]
    async fn hedged(script: &Script, told: &Cell<u32>) -> Result<(), Error> {
        script.next()
    }
    let told = Cell::new(0);

    watched(&Script::failing(1), &told).await.unwrap();
    hedged(&Script::failing(2), &told).await.unwrap_err();

    assert_eq!(told.get(), 11);
}

#[tokio::test(start_paused = true)]
async fn with_a_when_and_over_whole_outcomes() {
    #[retry(
        max = 1,
        backoff = "none",
        when = |outcome: &Result<u32, u16>| if *outcome == Ok(0) { Class::Transient } else { Class::Success },
        on_retry = |_, outcome: &Result<u32, u16>| told.borrow_mut().push(*outcome),
        on_give_up = |_, status| told.borrow_mut().push(Err(*status)),
    )]
    async fn page(told: &RefCell<Vec<Result<u32, u16>>>) -> Result<u32, u16> {
        Ok(0)
    }
    #[retry(max = 1, backoff = "none", when = |status| *status == 503, on_retry = |_, status| told.set(*status))]
    async fn status(told: &Cell<u16>) -> Result<u32, u16> {
        if told.get() == 0 { Err(503) } else { Ok(1) }
    }
    let (told, code) = (RefCell::default(), Cell::new(0));

    assert_eq!(page(&told).await, Ok(0));
    assert_eq!(status(&code).await, Ok(1));

    assert_eq!(told.into_inner(), [Ok(0)], "a good value is no error, so that the other hook is not called");
    assert_eq!(code.get(), 503);
}

/// An argument that each attempt gets a clone of is still there for the hooks, as it was.
#[tokio::test(start_paused = true)]
async fn arguments_that_are_cloned_are_as_they_were() {
    #[retry(max = 1, backoff = "none", clone(words), on_retry = |_, _| told.set(words.len()))]
    async fn join(script: &Script, mut words: Vec<&str>, told: &Cell<usize>) -> Result<usize, Error> {
        words.push("more");
        script.next()?;
        Ok(words.len())
    }
    let told = Cell::new(0);

    assert_eq!(join(&Script::failing(1), vec!["one"], &told).await, Ok(2));

    assert_eq!(told.get(), 1);
}

struct Client {
    policy: Retry,
    failures: Cell<u32>,
    script: Script,
}

impl Client {
    #[retry(with = self.policy, on_retry = |retrying, error| self.note(*retrying, error))]
    async fn ask(&self) -> Result<(), Error> {
        self.script.next()
    }

    fn note(&self, retrying: Retrying, error: &Error) {
        assert_eq!((retrying.policy, error), ("client", &Error::Down));
        self.failures.set(self.failures.get() + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_ones_own_has_both_hooks() {
    thread_local!(static OWN: Cell<u32> = const { Cell::new(0) });
    let policy = Retry::named("client").backoff(Backoff::none()).on_retry(|_| OWN.set(OWN.get() + 1));
    let client = Client { policy, failures: Cell::new(0), script: Script::failing(2) };

    client.ask().await.unwrap();

    assert_eq!((client.failures.get(), OWN.get()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_leaves_everything_in_order() {
    #[retry(
        name = "hooks: panics",
        max = 3,
        backoff = "none",
        on_retry = |_, _| panic!("on purpose"),
        on_give_up = |_, _| panic!("a retry could be paid for"),
    )]
    async fn panics(script: &Script) -> Result<(), Error> {
        script.next()
    }
    for call in 0..200 {
        let failed = AssertUnwindSafe(panics(&Script::failing(4))).catch_unwind().await;
        assert!(failed.is_err(), "the budget has as much as before, call {call}");
    }

    let all = resilient::metrics::collect();
    let of = |family: &str, own: &str| {
        let mut found = all.iter().filter(|sample| {
            sample.family.name == family
                && sample.own == own
                && sample.labels.is_some_and(|labels| labels.policy == "hooks: panics")
        });
        found.next().expect("it is there").value
    };
    assert!((of("resilient_calls_total", "abandoned") - 200.0).abs() < 0.1);
    assert!(of("resilient_retries_total", "") < 0.1);
}

#[tokio::test(start_paused = true)]
async fn in_a_profile_and_in_one_attribute() {
    profile! {
        loud = retry(max = 1, backoff = "none", on_give_up = |given_up, _| assert_eq!(given_up.why, GaveUp::NoRetriesLeft))
    }
    #[resilient(profile = loud, retry(on_retry = |_, error| told.set(Some(error.clone()))))]
    async fn ask(script: &Script, told: &Cell<Option<Error>>) -> Result<(), Error> {
        script.next()
    }
    let told = Cell::new(None);

    ask(&Script::failing(2), &told).await.unwrap_err();

    assert_eq!(told.take(), Some(Error::Down));
}

/// In a stack by hand, the hooks are told where it decides.
#[tokio::test(start_paused = true)]
async fn by_hand_in_a_stack() {
    static RETRY: Retry = Retry::named("by hand").max(1).backoff(Backoff::none());
    let told = Cell::new(0);
    let hook = |_: &Retrying, error: &Error| {
        assert_eq!(*error, Error::Down);
        told.set(told.get() + 1);
    };
    let mut call = RETRY.begin();

    let settled = resilient::run((call.on_retry_settled(hook),), async { Err::<u32, Error>(Error::Down) }).await;

    assert!(matches!(settled, Settled::Outcome(Err(Error::Down))));
    assert!(matches!(call.verdict(settled), Verdict::Retry(_)));
    assert_eq!(told.get(), 1);
}

/// The hooks are told as well where the end of a stack is settled outside of it: of a rejection as the error that the caller would get.
#[tokio::test(start_paused = true)]
async fn by_hand_around_a_stack() {
    static RETRY: Retry = Retry::named("by hand around").max(2).backoff(Backoff::none());
    static FULL: Bulkhead = Bulkhead::named("by hand around").limit(1).queue(0);
    let told = RefCell::new(Vec::new());
    let hook = |_: &Retrying, error: &Error| told.borrow_mut().push(error.clone());
    let _permit = FULL.try_acquire().unwrap();
    let mut call = RETRY.begin();

    let refused = FULL.run(async { Ok::<u32, Error>(1) }).await;
    let Settled::Rejected(rejection) = refused.clone() else { panic!("it is full") };
    assert!(matches!(call.on_retry_settled(hook).settle(refused), Verdict::Retry(_)));
    let failed = Settled::Outcome(Err::<u32, Error>(Error::Down));
    assert!(matches!(call.on_retry_settled(hook).settle(failed), Verdict::Retry(_)));

    assert_eq!(told.take(), [Error::from(rejection), Error::Down]);
}
