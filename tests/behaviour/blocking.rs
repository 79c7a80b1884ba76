//! Attributes on functions that block: on plain threads, where no runtime is, with waits that are skipped or tiny.

#![allow(clippy::float_cmp, clippy::items_after_statements, clippy::needless_pass_by_value, clippy::unnecessary_wraps)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use resilient::metrics::collect;
use resilient::test::{assert_delays, record, seed, skip_waits};
use resilient::{
    Budget, Bulkhead, CircuitBreaker, Deadline, GaveUp, RateLimit, Reason, Retry, Settled, Verdict, blocking, bulkhead,
    circuit_breaker, fallback, measure, profile, rate_limit, resilient, retry, throttle,
};
use resilient_tests::{Error, Script, ms};

/// The ends of the calls of all policies of that name, by layer and end, those that are not zero.
fn ends(policy: &str) -> BTreeMap<(&'static str, &'static str), f64> {
    let all = collect();
    let of = all.iter().filter(|sample| {
        ["resilient_calls_total", "resilient_rejections_total"].contains(&sample.family.name)
            && sample.value > 0.0
            && sample.labels.is_some_and(|labels| labels.policy == policy)
    });
    of.map(|sample| ((sample.labels.map_or("", |labels| labels.layer), sample.own), sample.value)).collect()
}

#[test]
fn waits_longer_before_each_attempt() {
    #[retry(max = 3, number = n)]
    fn fetch(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(n)
    }
    let waits = skip_waits();

    assert_eq!(fetch(&Script::failing(2)).unwrap(), 2);
    assert_delays(&waits.all(), [100..=200, 200..=300]);

    fetch(&Script::failing(9)).unwrap_err();
    assert_eq!(waits.all().len(), 5);
}

#[test]
fn really_waits_unless_a_test_skips_it() {
    #[retry(max = 1, backoff = "fixed", base = "2ms")]
    fn fetch(script: &Script) -> Result<(), Error> {
        script.next()
    }

    fetch(&Script::failing(1)).unwrap();
}

#[test]
fn a_server_that_names_a_time_is_obeyed() {
    #[retry(max = 1)]
    fn fetch(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let waits = skip_waits();

    fetch(&Script::of([Error::Busy { after: Some(ms(2_000)) }])).unwrap();

    assert_delays(&waits.all(), [2_000..=2_200]);
}

#[test]
fn permanent_errors_budgets_and_the_time_end_a_call() {
    static NOTHING: Budget = Budget::new().ratio(0.0).reserve(0);
    #[retry(budget = NOTHING)]
    fn poor(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = unlimited, max_elapsed = "1s", backoff = "fixed", base = "300ms", budget = none)]
    fn hasty(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let (waits, log) = (skip_waits(), record());

    assert_eq!(poor(&Script::of([Error::Gone])).unwrap_err(), Error::Gone);
    assert!(waits.all().is_empty());
    poor(&Script::failing(1)).unwrap_err();
    assert_eq!(log.gave_up("poor"), [GaveUp::BudgetExhausted]);

    hasty(&Script::failing(99)).unwrap_err();
    assert_eq!(waits.all(), [ms(300); 3]);
    assert_eq!(log.gave_up("hasty"), [GaveUp::TimeOver]);
}

#[test]
fn hooks_when_and_clones_work_as_in_async_functions() {
    #[retry(
        max = 2,
        backoff = "none",
        clone(words),
        when = |error: &Error| *error == Error::Gone,
        on_retry = |retrying, error| seen.borrow_mut().push(format!("{error:?} {}", retrying.retry)),
        on_give_up = |given_up| seen.borrow_mut().push(format!("{:?}", given_up.why)),
    )]
    fn look(script: &Script, mut words: Vec<&'static str>, seen: &RefCell<Vec<String>>) -> Result<usize, Error> {
        words.push("more");
        script.next()?;
        Ok(words.len())
    }
    let seen = RefCell::default();

    assert_eq!(look(&Script::of([Error::Gone, Error::Gone]), vec!["one"], &seen).unwrap(), 2);
    look(&Script::of([Error::Gone, Error::Gone, Error::Gone]), Vec::new(), &seen).unwrap_err();
    look(&Script::of([Error::Down]), Vec::new(), &seen).unwrap_err();

    assert_eq!(seen.into_inner(), ["Gone 0", "Gone 1", "Gone 0", "Gone 1", "NoRetriesLeft"]);
}

#[test]
fn retries_inside_can_be_turned_off() {
    #[retry(max = 3, backoff = "none")]
    fn inner(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[retry(max = 1, backoff = "none", nested = "suppress")]
    fn outer(script: &Script) -> Result<(), Error> {
        inner(script)
    }
    let script = Script::failing(9);

    outer(&script).unwrap_err();

    assert_eq!(script.attempts(), 2);
}

#[test]
fn a_breaker_opens_and_comes_back() {
    #[circuit_breaker(consecutive = 2, open_for = "1s", probes = 1)]
    fn call(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let _waits = skip_waits();
    let script = Script::failing(2);

    call(&script).unwrap_err();
    call(&script).unwrap_err();
    assert!(matches!(call(&script).unwrap_err().reason(), Reason::CircuitOpen { .. }));
    assert_eq!(script.attempts(), 2);

    static NAP: Retry = Retry::named("nap").max(1).backoff(resilient::Backoff::fixed(Duration::from_secs(2)));
    let mut nap = NAP.begin_blocking();
    let Verdict::Retry(delay) = nap.settle(Err::<(), _>(Error::Down)) else { panic!("it may retry") };
    delay.wait();
    call(&script).unwrap();
}

/// One breaker for an async function and one that blocks.
#[test]
fn async_functions_and_blocking_ones_share_a_policy() {
    static SHARED: CircuitBreaker = CircuitBreaker::named("shared by both").consecutive(2);
    #[circuit_breaker(with = SHARED)]
    fn blocks(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[circuit_breaker(with = SHARED)]
    async fn awaits(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let script = Script::failing(2);

    blocks(&script).unwrap_err();
    runtime.block_on(awaits(&script)).unwrap_err();

    assert!(matches!(blocks(&script).unwrap_err().reason(), Reason::CircuitOpen { .. }));
    assert!(matches!(runtime.block_on(awaits(&script)).unwrap_err().reason(), Reason::CircuitOpen { .. }));
}

#[test]
fn a_thread_waits_for_a_place_until_another_gives_it_back() {
    #[bulkhead(limit = 1, max_wait = "60s")]
    fn work(began: &Barrier, end: &Mutex<Receiver<()>>) -> Result<(), Error> {
        began.wait();
        end.lock().unwrap().recv().unwrap();
        Ok(())
    }
    let (began, (ends_it, end)) = (Barrier::new(2), channel());
    let end = Mutex::new(end);

    thread::scope(|scope| {
        let first = scope.spawn(|| work(&began, &end));
        began.wait();
        let second = scope.spawn(|| work(&began, &end));
        // the second cannot begin before the first has ended
        ends_it.send(()).unwrap();
        first.join().unwrap().unwrap();
        began.wait();
        ends_it.send(()).unwrap();
        second.join().unwrap().unwrap();
    });

    assert_eq!(ends("work")[&("bulkhead", "success")], 2.0);
}

#[test]
fn a_wait_for_a_place_ends_in_time() {
    #[bulkhead(limit = 1, max_wait = "3ms")]
    fn held(began: &Barrier, end: &Barrier) -> Result<(), Error> {
        began.wait();
        end.wait();
        Ok(())
    }
    let (began, end) = (Barrier::new(2), Barrier::new(2));

    thread::scope(|scope| {
        let first = scope.spawn(|| held(&began, &end));
        began.wait();
        let refused = held(&began, &end).unwrap_err();
        assert_eq!(refused.reason(), Reason::WaitedTooLong { limit: ms(3) });
        end.wait();
        first.join().unwrap().unwrap();
    });
}

#[test]
fn a_bulkhead_that_a_body_holds_refuses_it_inside() {
    static ONE: Bulkhead = Bulkhead::named("one").limit(1);
    #[bulkhead(with = ONE)]
    fn outer() -> Result<(), Error> {
        inner()
    }
    #[bulkhead(with = ONE)]
    fn inner() -> Result<(), Error> {
        Ok(())
    }

    assert_eq!(outer().unwrap_err().reason(), Reason::Reentrant);
}

#[test]
fn a_rate_limit_has_a_thread_wait_for_its_slot() {
    #[rate_limit("10/s", burst = 1, max_wait = "1s")]
    fn send() -> Result<(), Error> {
        Ok(())
    }
    let waits = skip_waits();

    for _ in 0..4 {
        send().unwrap();
    }

    let waited: Duration = waits.all().iter().sum();
    assert!((ms(290)..=ms(310)).contains(&waited), "{waited:?}");
}

#[test]
fn a_rate_limit_refuses_what_would_wait_too_long() {
    #[rate_limit("1/min", burst = 1)]
    fn send() -> Result<(), Error> {
        Ok(())
    }

    send().unwrap();

    assert!(matches!(send().unwrap_err().reason(), Reason::RateLimited { .. }));
}

/// Real threads, real waits: a rate that all of them share.
#[test]
fn threads_in_line_for_a_rate_all_get_their_turn() {
    #[rate_limit("1000/s", burst = 1, max_wait = "60s")]
    fn queue() -> Result<(), Error> {
        Ok(())
    }

    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..5).for_each(|_| queue().unwrap()));
        }
    });

    assert_eq!(ends("queue")[&("rate_limit", "success")], 40.0);
}

#[test]
fn fallbacks_answer_by_value_by_function_and_by_the_last_good_outcome() {
    fn cached(script: &Script, error: &Error) -> Result<u32, Error> {
        if script.attempts() > 1 && *error == Error::Down { Ok(1) } else { Err(Error::Gone) }
    }
    #[fallback(function = cached, value = 2)]
    fn chain(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(0)
    }
    #[fallback(stale = "1h", shared_across(script))]
    fn kept(script: &Script) -> Result<u32, Error> {
        script.next()?;
        Ok(script.attempts())
    }
    let script = Script::of([Error::Down, Error::Down, Error::Busy { after: None }, Error::Gone]);

    assert_eq!(chain(&script).unwrap(), 2);
    assert_eq!(chain(&script).unwrap(), 1);
    assert_eq!(chain(&script).unwrap(), 2);
    assert_eq!(chain(&script).unwrap_err(), Error::Gone);
    assert_eq!(chain(&script).unwrap(), 0);

    kept(&Script::failing(1)).unwrap_err();
    assert_eq!(kept(&Script::fine()).unwrap(), 1);
    assert_eq!(kept(&Script::failing(1)).unwrap(), 1);
}

#[test]
fn a_throttle_drops_calls_that_the_server_would_refuse() {
    #[throttle(k = 1, max_drop = 1)]
    fn ask(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::of(std::iter::repeat_n(Error::Busy { after: None }, 1_000));

    let refused = (0..1_000).filter(|_| matches!(ask(&script), Err(Error::Refused(_)))).count();

    assert!(refused > 900, "{refused}");
}

/// All five in source order.
#[test]
fn the_whole_stack_in_one() {
    static TRIES: AtomicU32 = AtomicU32::new(0);
    #[fallback(value = "a word from yesterday".to_owned())]
    #[retry(max = 2, backoff = "fixed", base = "50ms")]
    #[circuit_breaker(consecutive = 3)]
    #[rate_limit("1000/s", burst = 100)]
    #[bulkhead(limit = 4)]
    fn lookup(script: &Script, word: &str) -> Result<String, Error> {
        TRIES.fetch_add(1, Ordering::Relaxed);
        script.next()?;
        Ok(word.to_uppercase())
    }
    let waits = skip_waits();

    assert_eq!(lookup(&Script::failing(2), "tide").unwrap(), "TIDE");
    assert_eq!(waits.all(), [ms(50); 2]);
    assert_eq!(lookup(&Script::failing(9), "tide").unwrap(), "a word from yesterday");
    assert_eq!(TRIES.load(Ordering::Relaxed), 6);
    // the third failure in a row has opened the breaker
    lookup(&Script::fine(), "tide").unwrap();
    assert_eq!(TRIES.load(Ordering::Relaxed), 6);
}

#[test]
fn a_breaker_above_a_retry_sees_calls_and_not_attempts() {
    #[circuit_breaker(consecutive = 2)]
    #[retry(max = 1, backoff = "none")]
    #[bulkhead(limit = 1)]
    fn call(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let script = Script::failing(9);

    call(&script).unwrap_err();
    call(&script).unwrap_err();

    assert!(matches!(call(&script).unwrap_err().reason(), Reason::CircuitOpen { .. }));
    assert_eq!(script.attempts(), 4);
}

struct Client {
    breaker: CircuitBreaker,
    retry: Retry,
    calls: u32,
    words: Vec<String>,
}

impl Client {
    fn new() -> Self {
        let breaker = CircuitBreaker::named("client").consecutive(2);
        let retry = Retry::named("client").max(1).backoff(resilient::Backoff::none());
        Self { breaker, retry, calls: 0, words: Vec::new() }
    }

    #[circuit_breaker(with = self.breaker)]
    fn borrowed(&self, script: &Script) -> Result<&str, Error> {
        script.next()?;
        self.words.first().map(String::as_str).ok_or(Error::Gone)
    }

    #[retry(max = 2, backoff = "none")]
    fn changing(&mut self, script: &Script) -> Result<u32, Error> {
        self.calls += 1;
        script.next()?;
        Ok(self.calls)
    }

    #[bulkhead(limit = 2)]
    fn lent(&mut self, word: String) -> Result<&mut String, Error> {
        self.words.push(word);
        self.words.last_mut().ok_or(Error::Gone)
    }

    #[retry(with = self.retry)]
    #[circuit_breaker(key = host, consecutive = 1)]
    fn keyed(&self, host: &str, script: &Script) -> Result<(), Error> {
        script.next()
    }

    #[circuit_breaker]
    fn consuming(self) -> Result<Vec<String>, Error> {
        Ok(self.words)
    }
}

#[test]
fn methods_have_policies_of_their_fields_and_keys() {
    let mut client = Client::new();

    assert_eq!(client.changing(&Script::failing(2)).unwrap(), 3);
    client.lent("tide".to_owned()).unwrap().push('s');
    assert_eq!(client.borrowed(&Script::fine()).unwrap(), "tides");
    client.borrowed(&Script::failing(1)).unwrap_err();
    client.borrowed(&Script::failing(1)).unwrap_err();
    assert!(matches!(client.borrowed(&Script::fine()).unwrap_err().reason(), Reason::CircuitOpen { .. }));

    let down = Script::failing(1);
    assert!(matches!(client.keyed("a", &down).unwrap_err().reason(), Reason::CircuitOpen { .. }));
    client.keyed("b", &down).unwrap();

    assert_eq!(client.consuming().unwrap(), ["tides"]);
}

trait Store {
    fn get<K: AsRef<str> + ?Sized>(&self, key: &K) -> Result<Option<String>, Error>;
}

struct InMemory(Script);

impl Store for InMemory {
    #[retry(max = 1, backoff = "none")]
    fn get<K: AsRef<str> + ?Sized>(&self, key: &K) -> Result<Option<String>, Error> {
        self.0.next()?;
        Ok(Some(key.as_ref().to_owned()))
    }
}

#[test]
fn generic_methods_of_traits_can_have_them() {
    assert_eq!(InMemory(Script::failing(1)).get("tide").unwrap().as_deref(), Some("tide"));
    InMemory(Script::failing(2)).get("tide").unwrap_err();
}

profile! {
    steady = retry(max = 1, backoff = "none"), circuit_breaker(consecutive = 9)
}

#[test]
fn profiles_and_lists_of_policies_work() {
    #[resilient(profile = steady)]
    fn by_profile(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[resilient(retry(max = 2, backoff = "none"), bulkhead(limit = 1))]
    fn by_list(script: &Script) -> Result<(), Error> {
        script.next()
    }

    by_profile(&Script::failing(1)).unwrap();
    by_profile(&Script::failing(2)).unwrap_err();
    by_list(&Script::failing(2)).unwrap();
}

#[test]
fn arguments_are_dropped_as_in_a_plain_function() {
    struct Noted(&'static str, Arc<Mutex<Vec<&'static str>>>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0);
        }
    }
    #[bulkhead(limit = 1)]
    fn noted(first: Noted, second: Noted, moved: Noted) -> Result<(), Error> {
        drop(moved);
        first.1.lock().unwrap().push("body");
        let _ = &second;
        Ok(())
    }
    let log = Arc::default();
    let one = |name| Noted(name, Arc::clone(&log));

    noted(one("first"), one("second"), one("moved")).unwrap();

    assert_eq!(*log.lock().unwrap(), ["moved", "body", "second", "first"]);
}

#[test]
fn every_call_has_one_end_whatever_becomes_of_it() {
    #[fallback(function = no_answer)]
    #[retry(max = 1, backoff = "none", budget = none)]
    #[circuit_breaker(consecutive = 99, min_calls = 99)]
    #[rate_limit("1000/s", burst = 100)]
    #[bulkhead(limit = 1, queue = 0)]
    fn booked(end: u32) -> Result<u32, Error> {
        match end {
            0 => Ok(0),
            1 => Err(Error::Down),
            2 => Err(Error::Gone),
            _ => std::panic::panic_any("on purpose"),
        }
    }
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn no_answer(_: &u32, _: &Error) -> Result<u32, Error> {
        Err(Error::Gone)
    }

    for _ in 0..3 {
        for end in 0..4 {
            drop(catch_unwind(AssertUnwindSafe(|| booked(end))));
        }
    }

    // a transient failure is two attempts
    let attempts = [("abandoned", 3.0), ("permanent", 3.0), ("success", 3.0), ("transient", 6.0)];
    let calls = [("abandoned", 3.0), ("permanent", 3.0), ("success", 3.0), ("transient", 3.0)];
    // a bulkhead of a fixed limit looks at no outcome
    let ended = [("abandoned", 3.0), ("success", 12.0)];
    let expected = [
        ("bulkhead", &ended[..]),
        ("circuit_breaker", &attempts),
        ("fallback", &calls),
        ("rate_limit", &attempts),
        ("retry", &calls),
    ];
    let expected =
        expected.iter().flat_map(|(layer, ends)| ends.iter().map(move |(end, calls)| ((*layer, *end), *calls)));
    assert_eq!(ends("booked"), expected.collect());
    assert_eq!(booked(0).unwrap(), 0);
}

/// The policies of a body that blocks leave alone what runs inside of it, be it async or not.
#[test]
fn a_body_can_drive_a_runtime_of_its_own() {
    #[bulkhead(limit = 1)]
    #[retry(max = 1, backoff = "fixed", base = "1ms")]
    fn outer(script: &Script) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(inner(script))
    }
    #[rate_limit("1/min", burst = 1, max_wait = "1h")]
    #[retry(max = 1, backoff = "fixed", base = "1h")]
    async fn inner(script: &Script) -> Result<(), Error> {
        script.next()
    }

    outer(&Script::failing(1)).unwrap();
    outer(&Script::failing(3)).unwrap();
}

/// In a runtime the thread's own timers count: a blocked worker could not drive those of the runtime.
#[test]
fn blocking_functions_do_not_need_the_timers_of_a_runtime_that_they_block() {
    #[rate_limit("1000/s", burst = 1, max_wait = "60s")]
    #[retry(max = 1, backoff = "fixed", base = "1ms", budget = none)]
    fn inside(script: &Script) -> Result<(), Error> {
        script.next()
    }
    static HELD: Bulkhead = Bulkhead::named("held").limit(1).max_wait(Duration::from_millis(2));
    #[bulkhead(with = HELD)]
    fn full() -> Result<(), Error> {
        Ok(())
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

    runtime.block_on(async {
        for _ in 0..200 {
            inside(&Script::failing(1)).unwrap();
        }
        let _permit = HELD.try_acquire().unwrap();
        assert_eq!(full().unwrap_err().reason(), Reason::WaitedTooLong { limit: ms(2) });
    });
}

/// The deadline of a scope is that of the thread which runs it.
#[test]
fn a_deadline_around_it_ends_retries() {
    #[retry(max = 3, backoff = "fixed", base = "10s")]
    fn late(script: &Script) -> Result<(), Error> {
        script.next()
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let log = record();

    runtime.block_on(async { Deadline::after(ms(100)).scope(async { late(&Script::failing(1)) }).await }).unwrap_err();

    assert_eq!(log.gave_up("late"), [GaveUp::DeadlineFirst]);
}

#[test]
fn by_hand_a_stack_is_the_same() {
    static PLACES: Bulkhead = Bulkhead::named("places by hand").limit(1);
    static RATE: RateLimit = RateLimit::named("rate by hand").rate(1_000, Duration::from_secs(1)).burst(10);
    static AGAIN: Retry = Retry::named("again by hand").max(2);
    let script = Script::failing(2);
    seed(7);
    let waits = skip_waits();

    let mut again = AGAIN.begin_blocking();
    let settled = loop {
        let settled = blocking::run((&mut again, &RATE, &PLACES), || script.next());
        match again.verdict(settled) {
            Verdict::Accept(settled) => break settled,
            Verdict::Retry(delay) => delay.wait(),
        }
    };

    assert!(matches!(settled, Settled::Outcome(Ok(()))));
    assert_eq!(waits.all().len(), 2);
}

#[test]
fn threads_that_fail_and_panic_give_their_places_back() {
    static PLACES: Bulkhead = Bulkhead::named("places of threads").limit(2).queue(64).max_wait(Duration::from_secs(60));
    static RUNNING: AtomicU32 = AtomicU32::new(0);
    struct Leaves;
    impl Drop for Leaves {
        fn drop(&mut self) {
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        }
    }
    #[retry(max = 1, backoff = "none", budget = none)]
    #[rate_limit("1000000/s", burst = 1000000)]
    #[bulkhead(with = PLACES)]
    fn work(n: u32) -> Result<(), Error> {
        assert!(RUNNING.fetch_add(1, Ordering::SeqCst) < 2, "no more than have a place");
        let _leaves = Leaves;
        thread::yield_now();
        match n % 5 {
            // without a word on the standard error
            0 => std::panic::resume_unwind(Box::new(n)),
            1 => Err(Error::Down),
            _ => Ok(()),
        }
    }

    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..200 {
                    match catch_unwind(|| work(n)) {
                        Err(panic) => assert_eq!(panic.downcast_ref(), Some(&n)),
                        Ok(outcome) => assert_eq!(outcome.is_err(), n % 5 == 1, "{outcome:?}"),
                    }
                }
            });
        }
    });

    let (one, other) = (PLACES.try_acquire(), PLACES.try_acquire());
    assert!(one.is_ok() && other.is_ok() && PLACES.try_acquire().is_err());
}

#[test]
fn calls_and_attempts_are_measured() {
    #[measure]
    #[retry(max = 1, backoff = "none")]
    #[measure(name = "measured attempts")]
    #[bulkhead(limit = 1)]
    fn measured(script: &Script) -> Result<(), Error> {
        script.next()
    }
    #[measure(when = |_: &u32| resilient::Class::Success)]
    fn plain(number: u32) -> u32 {
        number + 1
    }
    #[measure]
    fn panics(number: u32) -> u32 {
        std::panic::resume_unwind(Box::new(number))
    }

    measured(&Script::failing(1)).unwrap();
    assert_eq!(plain(1), 2);
    catch_unwind(|| panics(1)).unwrap_err();

    assert_eq!(ends("measured")[&("measure", "success")], 1.0);
    assert_eq!(ends("measured attempts")[&("attempt_measure", "transient")], 1.0);
    assert_eq!(ends("plain")[&("measure", "success")], 1.0);
    assert_eq!(ends("panics")[&("measure", "abandoned")], 1.0);
}
