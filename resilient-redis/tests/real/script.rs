//! The script decides as the reference does.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use resilient::shared::{Ask, Ledger};

use crate::server::Server;

/// The script, with a clock that the test sets.
fn script() -> String {
    let text = include_str!("../../src/lease.lua");
    let clock = "redis.call('TIME')";
    assert!(text.contains(clock));
    text.replace(clock, "{ tonumber(ARGV[13]), tonumber(ARGV[14]) }")
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
    let script = redis::Script::new(&script());
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
                let mut call = script.key("limit");
                for argument in resilient_redis::arguments(&ask) {
                    call.arg(argument);
                }
                call.arg(now / 1_000_000).arg(now % 1_000_000);
                let answer: redis::Value = call.invoke(connection).unwrap();
                prop_assert_eq!(resilient_redis::lease(answer).unwrap(), expected, "{:?} at {}", ask, now);
                answers.set(answers.get() + u32::from(expected.granted > 0));
            }
            Ok(())
        })
        .unwrap();
    println!("    {} grants are the same", answers.get());
    assert!(answers.get() > 100);
}
