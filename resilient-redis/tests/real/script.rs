//! The scripts decide as the references do.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use resilient::shared::{Ask, CircuitAsk, CircuitLedger, Ledger, ProbeTerms, SharedState};

use crate::server::Server;

/// The script, with a clock that the test sets after so many arguments.
fn script(text: &str, arguments: usize) -> redis::Script {
    let clock = "redis.call('TIME')";
    assert!(text.contains(clock));
    let set = format!("{{ tonumber(ARGV[{}]), tonumber(ARGV[{}]) }}", arguments + 1, arguments + 2);
    redis::Script::new(&text.replace(clock, &set))
}

/// Runs it at that microsecond.
fn run(script: &redis::Script, connection: &mut redis::Connection, arguments: Vec<String>, now: u64) -> redis::Value {
    let mut call = script.key("policy");
    for argument in arguments {
        call.arg(argument);
    }
    call.arg(now / 1_000_000).arg(now % 1_000_000);
    call.invoke(connection).unwrap()
}

fn asks() -> impl Strategy<Value = (u64, Ask)> {
    let ask = (
        (0..3_000_000_u64, 0..50_u32, 0..10_u32, 0..3_u8),
        (-30..30_i64, prop::option::weighted(0.2, 0..12_u32), prop::option::weighted(0.1, 1..3_000_000_u64)),
        (any::<bool>(), prop::option::weighted(0.2, (0..90_000_000_u64, 0..3_000_000_u64)), 0..8_u64),
    );
    ask.prop_map(|((passes, wanted, least, kind), (owed, curbed, pause), (slowed, spread, seen))| {
        let (interval, slack) = [(10_000_000, 90_000), (333_333_334, 2_000_000), (1_001, 40_000)][usize::from(kind)];
        let mut ask = Ask::new(wanted, Duration::from_nanos(interval), Duration::from_micros(slack));
        ask.least = least;
        ask.owed = if owed.abs() < 20 { 0 } else { owed };
        ask.curbed = curbed;
        ask.pause = pause.map(Duration::from_micros);
        ask.slowed = slowed;
        ask.spread = spread.map(|(interval, time)| (Duration::from_nanos(interval), Duration::from_micros(time)));
        ask.seen = seen;
        ask.debt = Duration::from_secs(2);
        (passes, ask)
    })
}

pub(crate) fn decides_as_the_reference_does() {
    let server = Server::start();
    let connection = redis::Client::open(server.address()).unwrap().get_connection().unwrap();
    let connection = RefCell::new(connection);
    let script = script(include_str!("../../src/lease.lua"), 12);
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let answers = Cell::new(0);
    let history = prop::collection::vec((asks(), 0..20_u8), 1..60);
    runner
        .run(&history, |history| {
            let connection = &mut *connection.borrow_mut();
            redis::cmd("FLUSHALL").exec(connection).unwrap();
            let mut ledger = Ledger::new();
            let mut now = 1_796_000_000_000_000_u64;
            for ((passes, ask), chance) in history {
                now = match chance {
                    0 => now - 5_000_000,
                    1 => now + 3_600_000_000,
                    _ => now + passes,
                };
                if chance == 2 {
                    redis::cmd("FLUSHALL").exec(connection).unwrap();
                    ledger = Ledger::new();
                }
                let expected = ledger.answer(Duration::from_micros(now), &ask);
                let answer = run(&script, connection, resilient_redis::arguments(&ask), now);
                prop_assert_eq!(resilient_redis::lease(answer).unwrap(), expected, "{:?} at {}", ask, now);
                answers.set(answers.get() + u32::from(expected.granted > 0));
            }
            Ok(())
        })
        .unwrap();
    println!("    {} grants are the same", answers.get());
    assert!(answers.get() > 100);
}

/// A question after so many microseconds, of a machine that goes by an epoch so far behind the store's.
fn circuit_asks() -> impl Strategy<Value = (u64, u64, CircuitAsk)> {
    let machine =
        (prop::sample::select(vec![0, 0, 0, 1, 2]), prop::option::weighted(0.3, 1..3_000_000_u64), 0..20_u32, 0..4_u32);
    let ends = (0..3_u64, 0..3_u32, 0..3_u32, 0..2_u32, 0..4_u32);
    let terms = (
        prop::sample::select(vec![(1, 3), (1, 1), (5, 5)]),
        1..1_000_001_u32,
        1..2_000_000_u64,
        1..3_000_000_u64,
        0..13_u32,
    );
    (0..1_500_000_u64, machine, ends, terms).prop_map(|(passes, machine, ends, terms)| {
        let (behind, open_for, reopenings, cause) = machine;
        let (late, succeeded, failed, returned, wanted) = ends;
        let ((first, probes), failure_rate, limit, then_open_for, patience) = terms;
        let micros = Duration::from_micros;
        let mut ask = CircuitAsk::new();
        ask.open_for = micros(open_for.unwrap_or(0));
        (ask.reopenings, ask.cause, ask.probed) = (reopenings, cause, late);
        (ask.succeeded, ask.failed, ask.returned, ask.wanted) = (succeeded, failed, returned, wanted);
        let (limit, open_for) = (micros(limit), micros(then_open_for));
        ask.terms = ProbeTerms { first, probes, failure_rate, limit, open_for, patience };
        (passes, behind, ask)
    })
}

pub(crate) fn decides_on_circuits_as_the_reference_does() {
    let server = Server::start();
    let connection = redis::Client::open(server.address()).unwrap().get_connection().unwrap();
    let connection = RefCell::new(connection);
    let script = script(include_str!("../../src/circuit.lua"), 15);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let states = Cell::new([0; 3]);
    let history = prop::collection::vec((circuit_asks(), 0..40_u8), 1..60);
    runner
        .run(&history, |history| {
            let connection = &mut *connection.borrow_mut();
            redis::cmd("FLUSHALL").exec(connection).unwrap();
            let mut ledger = CircuitLedger::new();
            let (mut now, mut epoch) = (1_796_000_000_000_000_u64, 0_u64);
            for ((passes, behind, mut ask), chance) in history {
                now = match chance {
                    0 => now - 5_000_000,
                    1 => now + 3_600_000_000,
                    _ => now + passes,
                };
                if chance == 2 {
                    redis::cmd("FLUSHALL").exec(connection).unwrap();
                    ledger = CircuitLedger::new();
                }
                ask.epoch = epoch.saturating_sub(behind);
                // most ends are those of this epoch
                ask.probed = epoch.saturating_sub(ask.probed / 2);
                let expected = ledger.answer(Duration::from_micros(now), &ask);
                let answer = run(&script, connection, resilient_redis::circuit_arguments(&ask), now);
                prop_assert_eq!(resilient_redis::view(answer).unwrap(), expected, "{:?} at {}", ask, now);
                epoch = expected.epoch;
                let mut seen = states.get();
                seen[match expected.state {
                    SharedState::Closed => 0,
                    SharedState::Open => 1,
                    SharedState::HalfOpen => 2,
                }] += 1;
                states.set(seen);
            }
            Ok(())
        })
        .unwrap();
    println!("    closed, open and half-open answers: {:?}, all the same", states.get());
    assert!(states.get().iter().all(|&answers| answers > 100));
}
