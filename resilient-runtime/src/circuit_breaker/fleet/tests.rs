use std::ops::Range;

use tokio::time::sleep;

use super::*;
use crate::naming::Named as _;
use crate::shared::InMemory;
use crate::test::record;
use crate::{CircuitBreakerState, Class, Error, PerKey, Reason};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn store() -> &'static InMemory {
    Box::leak(Box::new(InMemory::new()))
}

/// A machine's breaker, which opens for a second after three failures in a row.
fn machine(store: &'static InMemory) -> CircuitBreaker {
    CircuitBreaker::named("fleet").count_window(3).failure_rate(0.9).open_jitter(0.0).shared_through(store)
}

fn machines(store: &'static InMemory, range: Range<u32>) -> Vec<CircuitBreaker> {
    range.map(|_| machine(store)).collect()
}

fn call(breaker: &CircuitBreaker, class: Class) -> Result<(), Error> {
    breaker.acquire()?.settle_as(class, ());
    Ok(())
}

fn fail(breaker: &CircuitBreaker, times: u32) {
    for _ in 0..times {
        call(breaker, Class::Transient).unwrap();
    }
}

/// Makes a call on each machine every millisecond, and returns how many were let through.
async fn calls(machines: &[CircuitBreaker], class: Class, time: Duration) -> u32 {
    let mut made = 0;
    for _ in 0..time.as_millis() {
        for machine in machines {
            made += u32::from(call(machine, class).is_ok());
        }
        sleep(ms(1)).await;
    }
    made
}

fn states(machines: &[CircuitBreaker]) -> Vec<CircuitBreakerState> {
    machines.iter().map(CircuitBreaker::state).collect()
}

#[tokio::test(start_paused = true)]
async fn one_that_opens_is_open_on_all_machines() {
    let fleet = machines(store(), 0..5);
    calls(&fleet, Class::Success, ms(500)).await;

    fail(&fleet[0], 3);
    let made = calls(&fleet[1..], Class::Success, ms(300)).await;

    assert_eq!(states(&fleet), [CircuitBreakerState::Open; 5]);
    assert!(made <= 4 * 250, "{made} calls went through on machines that had not heard of it");
    assert_eq!(calls(&fleet, Class::Success, ms(100)).await, 0);
    let reason = call(&fleet[3], Class::Success).unwrap_err();
    assert!(
        matches!(reason.reason(), Reason::CircuitOpen { retry_after: Some(left), .. } if left > ms(100) && left < ms(900))
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_calls_fail_asks_early() {
    let store = store();
    let fleet = machines(store, 0..2);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[1], 2);
    sleep(ms(70)).await;

    fail(&fleet[0], 3);
    sleep(ms(55)).await;

    call(&fleet[1], Class::Success).unwrap_err();
    assert_eq!(states(&fleet), [CircuitBreakerState::Open; 2], "it has not opened by itself");
}

/// Forty-nine machines of ten calls a second learn in time what one of a hundred finds out.
#[tokio::test(start_paused = true)]
async fn a_fleet_in_an_outage_learns_of_the_first_opening() {
    let store = store();
    let fleet: Vec<_> = (0..50).map(|_| CircuitBreaker::named("fleet").shared_through(store)).collect();
    let mut opened = None;
    let mut late = 0;
    for milli in 0..5_000_u64 {
        let class = if milli < 4_000 { Class::Success } else { Class::Transient };
        for (number, machine) in (0..).zip(&fleet) {
            let is_due = milli % 10 == 0 && number == 0 || milli % 100 == number * 2;
            if is_due && call(machine, class).is_ok() && opened.is_some() {
                late += 1;
            }
        }
        let count = states(&fleet).iter().filter(|state| **state == CircuitBreakerState::Open).count();
        opened = opened.or((count > 0).then_some(milli));
        if count == fleet.len() {
            break;
        }
        sleep(ms(1)).await;
    }

    let (opened, all) = (opened.expect("one opens"), states(&fleet));
    assert!(opened < 4_400 && all == [CircuitBreakerState::Open; 50], "{opened} ms");
    assert!(late <= 25, "{late} calls after the first opening: half of the machines had one due in the next 50 ms");
}

#[tokio::test(start_paused = true)]
async fn failures_ask_every_fifty_milliseconds_at_the_most() {
    let store = store();
    let fleet = [CircuitBreaker::named("fleet").consecutive(5_000).failure_rate(1.0).shared_through(store)];
    call(&fleet[0], Class::Success).unwrap();
    let asked = store.asked();

    calls(&fleet, Class::Transient, ms(1_000)).await;

    let failing = store.asked() - asked;
    assert!((20..=28).contains(&failing), "{failing} questions for a thousand failures in a second");
    calls(&fleet, Class::Success, ms(300)).await;
    let asked = store.asked();
    calls(&fleet, Class::Success, ms(1_000)).await;
    assert!((4..=6).contains(&(store.asked() - asked)), "as ever, once calls succeed");
    store.set_machines(2_000);
    let asked = store.asked();
    calls(&fleet, Class::Transient, ms(1_000)).await;
    assert!((5..=8).contains(&(store.asked() - asked)), "so many machines ask more rarely");
}

#[tokio::test(start_paused = true)]
async fn failures_that_a_success_follows_raise_no_doubt() {
    let store = store();
    let breaker = CircuitBreaker::named("fleet").consecutive(5_000).failure_rate(1.0).shared_through(store);
    call(&breaker, Class::Success).unwrap();
    let asked = store.asked();

    for _ in 0..1_000 {
        fail(&breaker, 1);
        call(&breaker, Class::Success).unwrap();
        sleep(ms(1)).await;
    }

    let asks = store.asked() - asked;
    assert!((4..=7).contains(&asks), "{asks} questions in a second");
}

#[tokio::test(start_paused = true)]
async fn machines_make_the_probes_of_one() {
    let store = store();
    let fleet = machines(store, 0..20);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);
    calls(&fleet, Class::Success, ms(300)).await;

    // the first probe fails, five times, and each opens all of them again
    let probes = calls(&fleet, Class::Transient, ms(5_000)).await;

    assert!((4..=5).contains(&probes), "{probes} probes in 5 s");
    assert!(matches!(store.view("fleet"), CircuitView { state: SharedState::Open, reopenings: 4..=5, .. }));
}

#[tokio::test(start_paused = true)]
async fn machines_close_together() {
    let store = store();
    let fleet = machines(store, 0..20);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);
    let log = record();

    calls(&fleet, Class::Success, ms(1_600)).await;

    assert_eq!(states(&fleet), [CircuitBreakerState::Closed; 20]);
    assert_eq!(store.view("fleet").state, SharedState::Closed);
    let half_opened = log.count(|event| matches!(event, Event::Transition { to: CircuitBreakerState::HalfOpen, .. }));
    assert!((1..=3).contains(&half_opened), "{half_opened} machines made the three probes");
}

#[tokio::test(start_paused = true)]
async fn machines_recover_by_one_ramp() {
    let store = store();
    let fleet: Vec<_> = (0..10).map(|_| machine(store).recover(Duration::from_secs(4))).collect();
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);

    calls(&fleet, Class::Success, ms(1_600)).await;

    assert_eq!(states(&fleet), [CircuitBreakerState::Recovering; 10]);
    let made = calls(&fleet, Class::Success, ms(500)).await;
    assert!((500..3_500).contains(&made), "{made} of 5,000 calls early in the ramp");
    calls(&fleet, Class::Success, ms(4_000)).await;
    assert_eq!(states(&fleet), [CircuitBreakerState::Closed; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_on_a_machine_that_dies_holds_nobody_up() {
    let store = store();
    let fleet = machines(store, 0..3);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);
    sleep(ms(1_000)).await;
    // its call asks for a probe, and the machine is gone before it makes it
    call(&fleet[0], Class::Success).unwrap_err();
    sleep(ms(10)).await;
    assert_eq!(store.view("fleet").state, SharedState::HalfOpen);

    calls(&fleet[1..], Class::Success, ms(3_500)).await;

    assert_eq!(states(&fleet[1..]), [CircuitBreakerState::Closed; 2], "after the probe's time, and an open time more");
}

#[test]
fn a_probe_of_a_state_that_is_over_is_not_made() {
    let lease = |epoch| Known { epoch, leased: 1, leased_in: 2, leased_until: Some(Ticks(10)), ..Known::default() };

    assert_eq!((lease(1).usable(Ticks(9)), lease(2).usable(Ticks(9))), (1, 1), "this machine follows the state later");
    assert_eq!((lease(2).usable(Ticks(10)), lease(3).usable(Ticks(9))), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_is_made_by_another() {
    let store = store();
    let fleet = machines(store, 0..2);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);
    calls(&fleet, Class::Success, ms(900)).await;

    let mut dropped = false;
    for _ in 0..600 {
        match fleet[0].acquire() {
            Ok(permit) if !dropped => {
                permit.abandon();
                dropped = true;
            }
            Ok(permit) => permit.settle_as(Class::Success, ()),
            Err(_) => {}
        }
        sleep(ms(1)).await;
    }

    assert!(dropped && fleet[0].state() == CircuitBreakerState::Closed, "{:?}", store.view("fleet"));
}

#[tokio::test(start_paused = true)]
async fn without_the_store_each_goes_by_itself_and_says_so() {
    let store = store();
    let fleet = machines(store, 0..2);
    let log = record();
    calls(&fleet, Class::Success, ms(300)).await;
    store.set_down(true);
    calls(&fleet, Class::Success, ms(500)).await;

    fail(&fleet[0], 3);
    calls(&fleet[1..], Class::Success, ms(500)).await;
    assert_eq!(states(&fleet), [CircuitBreakerState::Open, CircuitBreakerState::Closed]);
    calls(&fleet, Class::Success, ms(600)).await;
    assert_eq!(states(&fleet), [CircuitBreakerState::Closed; 2], "it made its own probes");
    store.set_down(false);
    calls(&fleet, Class::Success, ms(500)).await;

    let degraded = log.count(|event| matches!(event, Event::Degraded { policy: "fleet", rule: WhenDown::Local, .. }));
    let recovered = log.count(|event| matches!(event, Event::Recovered { policy: "fleet", .. }));
    assert_eq!((degraded, recovered), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_emptied_learns_what_is_open() {
    let store = store();
    let fleet = machines(store, 0..3);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);
    calls(&fleet, Class::Success, ms(300)).await;

    store.forget();
    calls(&fleet, Class::Success, ms(300)).await;

    assert_eq!(states(&fleet), [CircuitBreakerState::Open; 3]);
    assert_eq!(store.view("fleet").state, SharedState::Open);
}

#[tokio::test(start_paused = true)]
async fn what_a_machine_saw_before_the_fleet_closed_opens_nothing() {
    let store = store();
    let late = machine(store);
    let fleet = machines(store, 0..2);
    calls(&fleet, Class::Success, ms(300)).await;
    call(&late, Class::Success).unwrap();
    fail(&fleet[0], 3);
    calls(&fleet, Class::Success, ms(1_600)).await;
    assert_eq!(store.view("fleet").state, SharedState::Closed);
    let epoch = store.view("fleet").epoch;

    // it looks for the first time since, and has failures of its own that are about the time before
    late.force_close();
    let known = late.storage.link().unwrap().fleet();
    known.known().opened =
        Some((Ticks(Ticks::now().0 + 1_000_000_000), Trip { reopenings: 0, cause: Cause::Transient }));
    known.known().epoch = 0;
    known.urgent.notify_one();
    sleep(ms(300)).await;

    assert_eq!((store.view("fleet").state, store.view("fleet").epoch), (SharedState::Closed, epoch));
}

#[tokio::test(start_paused = true)]
async fn an_operator_holds_one_machine_only() {
    let store = store();
    let fleet = machines(store, 0..3);
    calls(&fleet, Class::Success, ms(300)).await;
    fleet[1].force_open();
    fleet[2].set_mode(Mode::Observe);
    calls(&fleet, Class::Success, ms(500)).await;
    assert_eq!(fleet[0].state(), CircuitBreakerState::Closed, "forcing is not told");

    fail(&fleet[0], 3);
    calls(&fleet, Class::Success, ms(300)).await;

    let expected = [CircuitBreakerState::Open, CircuitBreakerState::ForcedOpen, CircuitBreakerState::Closed];
    assert_eq!(states(&fleet), expected);
}

#[tokio::test(start_paused = true)]
async fn one_that_an_operator_closes_stays_closed_until_the_fleet_changes_again() {
    let store = store();
    let fleet = machines(store, 0..2);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);
    calls(&fleet, Class::Success, ms(300)).await;
    assert_eq!(states(&fleet), [CircuitBreakerState::Open; 2]);

    fleet[1].force_close();
    calls(&fleet, Class::Success, ms(500)).await;

    assert_eq!(states(&fleet), [CircuitBreakerState::Open, CircuitBreakerState::Closed]);
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_for_a_probe_of_another_ask_no_more_often_for_that() {
    let store = store();
    let fleet = machines(store, 0..2);
    calls(&fleet, Class::Success, ms(300)).await;
    fail(&fleet[0], 3);
    calls(&fleet, Class::Success, ms(990)).await;
    // its call asks for a probe, which it does not make
    while store.view("fleet").state == SharedState::Open {
        drop(call(&fleet[0], Class::Success));
        sleep(ms(5)).await;
    }
    let asked = store.asked();

    assert_eq!(calls(&fleet[1..], Class::Success, ms(500)).await, 0);

    let asks = store.asked() - asked;
    assert!(asks <= 8, "{asks} questions of two machines in half a second");
}

#[test]
fn a_question_names_the_failure_of_a_probe_before_that_of_the_trip() {
    let cause = |failed| {
        let fleet = Fleet::new(None);
        fleet.known().opened = Some((Ticks(9), Trip { reopenings: 1, cause: Cause::Slow }));
        fleet.known().probed = Ends { failed, cause: Cause::Panic.number(), ..Ends::default() };
        Cause::of_number(fleet.question(Ticks(1)).cause)
    };

    assert_eq!((cause(0), cause(1), cause(2)), (Cause::Slow, Cause::Panic, Cause::Panic));
}

#[test]
fn the_terms_of_probes_are_for_the_next_reopening() {
    let config = Config::new().open_jitter(0.0).open_growth(2.0);
    let open_for = |phase| config.probe_terms(Circuit { phase, ..machine(store()).circuit() }).open_for.as_secs();
    let trip = Trip { reopenings: 2, cause: Cause::Slow };

    assert_eq!(open_for(Phase::Open { trip, until: crate::packed_time::Millis(0) }), 8);
    assert_eq!(open_for(Phase::HalfOpen { trip, probes: crate::circuit_breaker::state::Probes::FIRST }), 8);
    assert_eq!(open_for(Phase::Closed { streak: 0 }), 1);
}

#[test]
fn leased_probes_are_kept_until_it_closes() {
    let breaker = machine(store());
    let fleet = breaker.storage.link().unwrap().fleet();
    let trip = Trip { reopenings: 0, cause: Cause::Slow };
    let open = Phase::Open { trip, until: crate::packed_time::Millis(0) };
    let closed = Phase::Closed { streak: 0 };
    fleet.known().leased = 2;

    breaker.keep_probe();
    breaker.tell_state(closed, open, Ticks(0));
    assert_eq!(fleet.known().leased, 3);

    breaker.tell_state(open, closed, Ticks(0));
    assert_eq!(fleet.known().leased, 0);
}

#[tokio::test(start_paused = true)]
async fn made_as_new_it_knows_nothing_of_the_store() {
    let store = store();
    let breaker = machine(store);
    let fleet = breaker.storage.link().unwrap().fleet();
    store.set_down(true);
    calls(std::slice::from_ref(&breaker), Class::Success, ms(300)).await;
    assert!(fleet.is_down() && fleet.failure().is_some());

    breaker.reset();

    assert!(!fleet.is_down() && fleet.failure().is_none());
}

#[tokio::test(start_paused = true)]
async fn it_asks_while_calls_come_and_not_for_ever() {
    let store = store();
    let breaker = machine(store);
    calls(std::slice::from_ref(&breaker), Class::Success, ms(10_000)).await;
    assert!((40..=55).contains(&store.asked()), "{} questions in 10 s", store.asked());

    sleep(Duration::from_secs(120)).await;
    let asked = store.asked();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(store.asked(), asked);
    call(&breaker, Class::Success).unwrap();
    sleep(ms(1)).await;
    assert_eq!(store.asked(), asked + 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_makes_no_call_wait() {
    let store = store();
    store.set_delay(Duration::from_secs(3));
    let breaker = machine(store);
    let began = clock::now();

    for _ in 0..1_000 {
        call(&breaker, Class::Success).unwrap();
        tokio::task::yield_now().await;
    }

    assert_eq!(clock::now(), began);
}

/// A store that does not know of its own time-out.
struct Silent;

impl Store for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn timeout(&self) -> Duration {
        ms(20)
    }

    fn machines(&self) -> u32 {
        2
    }

    fn lease<'a>(&'a self, _: &'a str, _: shared::Ask) -> shared::Leasing<'a> {
        Box::pin(std::future::pending())
    }

    fn circuit<'a>(&'a self, _: &'a str, _: CircuitAsk) -> shared::Consulting<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_is_down_that_gives_no_answer_in_its_time() {
    let breaker = CircuitBreaker::named("fleet").shared_through(&Silent);
    call(&breaker, Class::Success).unwrap();

    sleep(ms(20)).await;
    assert!(!breaker.storage.link().unwrap().fleet().is_down());
    sleep(ms(2)).await;

    assert!(breaker.storage.link().unwrap().fleet().is_down());
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_at_once_where_a_window_opened_it_and_not_where_an_operator_did() {
    for (opens, questions) in [
        ((|breaker: &CircuitBreaker| fail(breaker, 3)) as fn(&CircuitBreaker), 1),
        (CircuitBreaker::force_open, 0),
        (CircuitBreaker::force_close, 0),
    ] {
        let store = store();
        let breaker = machine(store);
        call(&breaker, Class::Success).unwrap();
        sleep(ms(20)).await;
        let asked = store.asked();

        opens(&breaker);
        sleep(ms(1)).await;

        assert_eq!(store.asked() - asked, questions);
    }
}

#[test]
fn off_a_runtime_it_goes_by_itself() {
    let breaker = machine(store());

    fail(&breaker, 3);

    assert_eq!(breaker.state(), CircuitBreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_breaker_that_machines_share() {
    let store = store();
    let [one, other] = [0, 1].map(|_| PerKey::new(machine(store)));
    let hosts = ["a.example", "b.example"];
    for fleet in [&one, &other] {
        for host in hosts {
            call(&fleet.of_logged(host), Class::Success).unwrap();
        }
    }

    fail(&one.of_logged("a.example"), 3);
    for _ in 0..300 {
        for host in hosts {
            drop(call(&other.of_logged(host), Class::Success));
        }
        sleep(ms(1)).await;
    }

    let states = hosts.map(|host| other.of_logged(host).state());
    assert_eq!(states, [CircuitBreakerState::Open, CircuitBreakerState::Closed]);
    assert_eq!(store.view("fleet:\"a.example\"").state, SharedState::Open);
}

#[test]
#[should_panic(expected = "use `of_logged` in place of `of`")]
fn a_key_without_a_text_is_not_shared() {
    let _ = PerKey::new(machine(store())).of("tenant");
}

#[test]
fn two_breakers_agree_only_through_one_store() {
    let (store, plain) =
        (store(), || CircuitBreaker::named("fleet").count_window(3).failure_rate(0.9).open_jitter(0.0));

    assert!(machine(store).agrees(&machine(store)) && plain().agrees(&plain()));
    assert!(!machine(store).agrees(&machine(self::store())));
    assert!(!machine(store).agrees(&plain()) && !plain().agrees(&machine(store)));
}

#[test]
#[should_panic(expected = "machines share the breakers of all keys or of none")]
fn the_settings_of_one_key_do_not_share_it() {
    let breakers = PerKey::new(CircuitBreaker::named("alone"));
    let _ = breakers.of_with("tenant", |_, breaker| breaker.shared_through(store()));
}

#[tokio::test(start_paused = true)]
async fn the_list_says_where_it_is_shared() {
    let store = store();
    let breaker = machine(store);
    calls(std::slice::from_ref(&breaker), Class::Success, ms(300)).await;
    store.set_down(true);
    calls(std::slice::from_ref(&breaker), Class::Success, ms(500)).await;
    let breaker: &'static CircuitBreaker = Box::leak(Box::new(breaker));

    let mut description = crate::list::Description::default();
    breaker.describe_to(&mut description);
    let count =
        |label| description.counts.iter().find(|(name, of, _)| (*name, *of) == ("shared_asks", label)).unwrap().2;
    assert!(count("answered") > 0.0 && count("failed") > 1.0, "{description:?}");
}
