//! The scripts decide as the references do.

use std::cell::RefCell;
use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::{RedisResult, Value};
use resilient::shared::{Ask, CircuitAsk, CircuitLedger, CircuitView, Lease, Ledger, ProbeTerms, SharedState};

use crate::server::Server;

/// A reference in Rust, and the script that decides as it does.
trait Reference: Default {
    const SCRIPT: &str;
    type Ask: Debug + Clone;
    type Answer: PartialEq + Debug + Default;

    fn answer(&mut self, now: Duration, ask: &Self::Ask) -> Self::Answer;

    fn arguments(ask: &Self::Ask) -> Vec<String>;

    fn read(answer: Value) -> RedisResult<Self::Answer>;

    /// Returns the question as a machine asks it that has seen this answer.
    fn having_seen(_: &Self::Answer, ask: Self::Ask) -> Self::Ask {
        ask
    }
}

impl Reference for Ledger {
    const SCRIPT: &str = include_str!("../../src/lease.lua");
    type Ask = Ask;
    type Answer = Lease;

    fn answer(&mut self, now: Duration, ask: &Ask) -> Lease {
        self.answer(now, ask)
    }

    fn arguments(ask: &Ask) -> Vec<String> {
        resilient_redis::arguments(ask)
    }

    fn read(answer: Value) -> RedisResult<Lease> {
        resilient_redis::lease(answer)
    }
}

impl Reference for CircuitLedger {
    const SCRIPT: &str = include_str!("../../src/circuit.lua");
    type Ask = CircuitAsk;
    type Answer = CircuitView;

    fn answer(&mut self, now: Duration, ask: &CircuitAsk) -> CircuitView {
        self.answer(now, ask)
    }

    fn arguments(ask: &CircuitAsk) -> Vec<String> {
        resilient_redis::circuit_arguments(ask)
    }

    fn read(answer: Value) -> RedisResult<CircuitView> {
        resilient_redis::view(answer)
    }

    fn having_seen(view: &CircuitView, mut ask: CircuitAsk) -> CircuitAsk {
        ask.epoch = view.epoch.saturating_sub(ask.epoch);
        ask.probed = view.epoch.saturating_sub(ask.probed);
        ask
    }
}

/// Asks a script and its reference the same questions, and hands on each answer.
///
/// The histories are random, with lost memory and a clock that jumps.
fn walk<R: Reference>(cases: u32, asks: impl Strategy<Value = (u64, R::Ask)>, mut hear: impl FnMut(&R::Answer)) {
    const CLOCK: &str = "redis.call('TIME')";
    assert!(R::SCRIPT.contains(CLOCK));
    // the test sets the clock, by two arguments behind the others
    let script = redis::Script::new(&R::SCRIPT.replace(CLOCK, "{ tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV]) }"));
    let server = Server::start();
    let mut connection = redis::Client::open(server.address()).unwrap().get_connection().unwrap();
    let decide = RefCell::new(|history: Vec<((u64, R::Ask), u8)>| {
        redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
        let (mut reference, mut last) = (R::default(), R::Answer::default());
        let mut now = 1_796_000_000_000_000_u64;
        for ((passes, ask), chance) in history {
            now = match chance {
                0 => now - 5_000_000,
                1 => now + 3_600_000_000,
                _ => now + passes,
            };
            if chance == 2 {
                redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
                reference = R::default();
            }
            let ask = R::having_seen(&last, ask);
            let expected = reference.answer(Duration::from_micros(now), &ask);
            let mut call = script.key("policy");
            call.arg(R::arguments(&ask)).arg(now / 1_000_000).arg(now % 1_000_000);
            let answer = R::read(call.invoke(&mut connection).unwrap()).unwrap();
            prop_assert_eq!(&answer, &expected, "{:?} at {}", ask, now);
            hear(&answer);
            last = answer;
        }
        Ok(())
    });
    let histories = prop::collection::vec((asks, 0..30_u8), 1..60);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(&histories, |history| decide.borrow_mut()(history)).unwrap();
}

/// A question after so many microseconds.
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
    let mut grants = 0;
    walk::<Ledger>(64, asks(), |lease| grants += u32::from(lease.granted > 0));
    println!("    {grants} grants are the same");
    assert!(grants > 100);
}

/// A question after so many microseconds, by a machine that is so many epochs behind the store.
fn circuit_asks() -> impl Strategy<Value = (u64, CircuitAsk)> {
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
        (ask.epoch, ask.reopenings, ask.cause) = (behind, reopenings, cause);
        // most ends are those of this epoch
        ask.probed = late / 2;
        (ask.succeeded, ask.failed, ask.returned, ask.wanted) = (succeeded, failed, returned, wanted);
        let (limit, open_for) = (micros(limit), micros(then_open_for));
        ask.terms = ProbeTerms { first, probes, failure_rate, limit, open_for, patience };
        (passes, ask)
    })
}

pub(crate) fn decides_on_circuits_as_the_reference_does() {
    let (mut closed, mut open, mut half_open) = (0, 0, 0);
    walk::<CircuitLedger>(96, circuit_asks(), |view| match view.state {
        SharedState::Closed => closed += 1,
        SharedState::Open => open += 1,
        SharedState::HalfOpen => half_open += 1,
    });
    println!("    {closed} closed, {open} open and {half_open} half-open answers are the same");
    assert!(closed > 100 && open > 100 && half_open > 100);
}
