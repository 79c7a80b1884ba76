//! All orders in which the questions of a few machines are asked, arrive, are answered, are given up and come too late all the same.
//!
//! The store is the reference. A machine does what the policy does as far as the store sees it. Times are in milliseconds from the beginning.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

use super::{Ask, CircuitAsk, CircuitLedger, CircuitView, Lease, Ledger, ProbeTerms, SharedState};

/// Goes to all states that can be reached from the first one, and returns their number. `follow` adds those that come next.
fn explore<S: Clone + Eq + Hash>(first: S, mut follow: impl FnMut(&S, &mut Vec<S>)) -> usize {
    let mut seen = HashSet::from([first.clone()]);
    let (mut open, mut found) = (vec![first], Vec::new());
    while let Some(state) = open.pop() {
        follow(&state, &mut found);
        open.extend(found.drain(..).filter(|state| seen.insert(state.clone())));
    }
    seen.len()
}

/// A time of the store's clock, which has run for long.
const fn clock(millis: u8) -> Duration {
    Duration::from_millis(1_000_000 + millis as u64)
}

const fn ms(millis: u8) -> Duration {
    Duration::from_millis(millis as u64)
}

fn millis(time: Duration) -> u8 {
    u8::try_from(time.as_micros().div_ceil(1_000)).expect("a short time")
}

/// A question on its way: of a machine that waits for the answer, or of none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Question<A, B> {
    of: Option<usize>,
    asked: u8,
    ask: A,
    answer: Option<B>,
}

/// The number of times that each thing may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Left {
    asks: u8,
    /// Questions that their machine gives up.
    losses: u8,
    crashes: u8,
    /// Losses of all that the store knows.
    forgets: u8,
}

/// A rule of a limit that the model goes by.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// The slack of the store.
    slack: u8,
    /// Set if a lease counts from its question on.
    from_the_question: bool,
    /// Set if a machine says which version it has seen.
    says_seen: bool,
}

const INTERVAL: u8 = 2;
const BURST: u8 = 5;
const LEASE: u8 = 2;
/// The rule that the runtime goes by.
const RULE: Rule = Rule { slack: (BURST - 1) * INTERVAL - LEASE, from_the_question: true, says_seen: true };

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Limits {
    now: u8,
    store: Ledger,
    /// The highest version that each machine has seen, and its permits with their ends.
    machines: [(u64, Vec<(u32, u8)>); 2],
    on_the_way: Vec<Question<Ask, Lease>>,
    /// The level of a bucket that each call fills by an interval, and that empties by a millisecond each.
    level: u8,
    left: Left,
}

impl Limits {
    fn rested(left: Left) -> Self {
        let mut store = Ledger::new();
        let seen = store.answer(clock(0) / 2, &Ask::new(1, ms(INTERVAL), ms(RULE.slack))).version;
        Self { now: 0, store, machines: [(seen, vec![]), (seen, vec![])], on_the_way: Vec::new(), level: 0, left }
    }

    fn follow(&self, rule: Rule, end: u8, found: &mut Vec<Self>) {
        let mut step = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            next.on_the_way.sort_unstable_by_key(|question| (question.of, question.asked, question.answer.is_some()));
            found.push(next);
        };
        if self.now < end {
            step(&|it| {
                it.now += 1;
                it.level = it.level.saturating_sub(1);
                it.machines.iter_mut().for_each(|(_, permits)| permits.retain(|(_, until)| *until > it.now));
            });
        }
        if self.left.forgets > 0 {
            step(&|it| {
                it.store = Ledger::new();
                it.left.forgets -= 1;
            });
        }
        for (number, (seen, permits)) in self.machines.iter().enumerate() {
            // where both are alike, it is the first one that does something
            if number > 0 && self.on_the_way.is_empty() && self.machines[0] == self.machines[1] {
                continue;
            }
            if let Some(place) = permits.iter().position(|(_, until)| *until > self.now) {
                step(&|it| it.call(number, place));
            }
            if self.left.asks > 0 && !self.on_the_way.iter().any(|question| question.of == Some(number)) {
                let ask =
                    Ask { seen: if rule.says_seen { *seen } else { 0 }, ..Ask::new(4, ms(INTERVAL), ms(rule.slack)) };
                step(&|it| {
                    it.on_the_way.push(Question { of: Some(number), asked: it.now, ask, answer: None });
                    it.left.asks -= 1;
                });
            }
            if self.left.crashes > 0 && !permits.is_empty() {
                step(&|it| {
                    it.machines[number] = Default::default();
                    it.give_up(number);
                    it.left.crashes -= 1;
                });
            }
            if self.left.losses > 0 && self.on_the_way.iter().any(|question| question.of == Some(number)) {
                step(&|it| {
                    it.give_up(number);
                    it.left.losses -= 1;
                });
            }
        }
        for (place, question) in self.on_the_way.iter().enumerate() {
            match (question.answer, question.of) {
                (None, of) => step(&|it| {
                    let answer = it.store.answer(clock(it.now), &question.ask);
                    match of {
                        Some(_) => it.on_the_way[place].answer = Some(answer),
                        None => drop(it.on_the_way.remove(place)),
                    }
                }),
                (Some(lease), Some(number)) => step(&|it| {
                    it.on_the_way.remove(place);
                    let from = if rule.from_the_question { question.asked } else { it.now };
                    let machine = &mut it.machines[number];
                    machine.0 = machine.0.max(lease.version);
                    if lease.granted > 0 && from + LEASE > it.now {
                        machine.1.push((lease.granted, from + LEASE));
                    }
                }),
                (Some(_), None) => {}
            }
        }
    }

    /// A machine does not wait for its question any more. It may arrive all the same.
    fn give_up(&mut self, number: usize) {
        self.on_the_way.retain(|question| question.of != Some(number) || question.answer.is_none());
        let waits = self.on_the_way.iter_mut().filter(|question| question.of == Some(number));
        waits.for_each(|question| question.of = None);
    }

    fn call(&mut self, number: usize, place: usize) {
        let permits = &mut self.machines[number].1;
        permits[place].0 -= 1;
        permits.retain(|(count, _)| *count > 0);
        self.level += INTERVAL;
    }
}

/// Returns the most calls of all machines beyond which no order comes, over any time and less the rate, and the number of states.
fn most_calls(rule: Rule, left: Left) -> (f64, usize) {
    let mut most = 0;
    let states = explore(Limits::rested(left), |state, found| {
        most = most.max(state.level);
        // beyond the bound there is nothing more to find
        if most <= BURST * INTERVAL {
            state.follow(rule, END, found);
        }
    });
    (f64::from(most) / f64::from(INTERVAL), states)
}

const END: u8 = 4;
const LEFT: Left = Left { asks: 3, losses: 1, crashes: 1, forgets: 0 };
const FORGETS: Left = Left { asks: 3, losses: 0, crashes: 0, forgets: 1 };

#[test]
fn no_order_of_questions_breaks_the_bound() {
    for left in [LEFT, FORGETS] {
        let (most, states) = most_calls(RULE, left);

        assert!(most <= f64::from(BURST), "{most} calls with {left:?}");
        assert!(most > f64::from(BURST - 1) && states > 10_000, "{most} calls in {states} states");
    }
}

/// The model sees each of the faults that the rules are there for.
#[test]
fn without_one_of_the_rules_an_order_does() {
    let whole_burst = Rule { slack: (BURST - 1) * INTERVAL, ..RULE };
    let from_the_answer = Rule { from_the_question: false, ..RULE };
    let silent_on_versions = Rule { says_seen: false, ..RULE };

    for (rule, left) in [(whole_burst, LEFT), (from_the_answer, LEFT), (silent_on_versions, FORGETS)] {
        assert!(most_calls(rule, left).0 > f64::from(BURST), "{rule:?}");
    }
}

/// The open time, and the time in which a probe must end.
const OPEN: u8 = 1;
const LIMIT: u8 = 1;
const TERMS: ProbeTerms =
    ProbeTerms { first: 1, probes: 1, failure_rate: 500_000, limit: ms(LIMIT), open_for: ms(OPEN), patience: 0 };

/// A machine, as far as the store sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Member {
    /// The epoch that it goes by.
    epoch: u64,
    /// Until when its breaker is open, if it is.
    open: Option<u8>,
    /// Until when it may begin the probe that was leased to it, and the answer by which that was.
    leased: Option<(u8, CircuitView)>,
    /// The epoch of the probe that it makes.
    probing: Option<u64>,
    /// The end of a probe that the store has not heard of, and whether it succeeded.
    ended: Option<(u64, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Circuits {
    now: u8,
    store: CircuitLedger,
    /// The last answer that the store gave to anybody.
    last: CircuitView,
    machines: [Member; 2],
    on_the_way: Vec<Question<CircuitAsk, CircuitView>>,
    /// Set while the server behind the breaker fails.
    is_failing: bool,
    /// The probes that were begun in the last epoch that had one.
    begun: (u64, u32),
    left: Left,
}

impl Member {
    /// Returns whether it may begin a probe: one of a state that is over is not made.
    fn can_probe(&self, now: u8) -> bool {
        self.leased.is_some_and(|(until, view)| until > now && view.epoch >= self.epoch) && self.open.is_some()
    }
}

impl Circuits {
    fn new(left: Left) -> Self {
        Self {
            now: 0,
            store: CircuitLedger::new(),
            last: CircuitView::default(),
            machines: Default::default(),
            on_the_way: Vec::new(),
            is_failing: true,
            begun: (0, 0),
            left,
        }
    }

    fn follow(&self, end: u8, found: &mut Vec<Self>) {
        let mut step = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            next.on_the_way.sort_unstable_by_key(|question| (question.of, question.asked, question.answer.is_some()));
            found.push(next);
        };
        if self.now < end {
            step(&|it| it.now += 1);
        }
        if self.is_failing {
            step(&|it| it.is_failing = false);
        }
        for (number, machine) in self.machines.iter().enumerate() {
            // where both are alike, it is the first one that does something
            if number > 0 && self.on_the_way.is_empty() && self.machines[0] == self.machines[1] {
                continue;
            }
            let waits = self.on_the_way.iter().any(|question| question.of == Some(number));
            if self.is_failing && machine.open.is_none() {
                step(&|it| it.machines[number].open = Some(it.now + OPEN));
            }
            if machine.can_probe(self.now) {
                step(&|it| it.probe(number));
            }
            if machine.probing.is_some() {
                step(&|it| it.end_probe(number));
            }
            if self.left.asks > 0 && !waits {
                step(&|it| it.ask(number));
            }
            if self.left.losses > 0 && waits {
                step(&|it| {
                    it.give_up(number);
                    it.left.losses -= 1;
                });
            }
            if self.left.crashes > 0 && *machine != Member::default() {
                step(&|it| {
                    it.give_up(number);
                    it.machines[number] = Member::default();
                    it.left.crashes -= 1;
                });
            }
        }
        for place in 0..self.on_the_way.len() {
            step(&|it| it.carry(place));
        }
    }

    fn ask(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        let wants = machine.open.is_some_and(|until| until <= self.now) && !machine.can_probe(self.now);
        let (probed, has_succeeded) = machine.ended.unwrap_or_default();
        let ask = CircuitAsk {
            epoch: machine.epoch,
            open_for: ms(machine.open.unwrap_or(0).saturating_sub(self.now)),
            probed,
            succeeded: u32::from(machine.ended.is_some() && has_succeeded),
            failed: u32::from(machine.ended.is_some() && !has_succeeded),
            wanted: u32::from(wants && machine.probing.is_none()),
            terms: TERMS,
            ..CircuitAsk::new()
        };
        machine.ended = None;
        self.on_the_way.push(Question { of: Some(number), asked: self.now, ask, answer: None });
        self.left.asks -= 1;
    }

    /// Carries a question to the store, or its answer to the machine.
    fn carry(&mut self, place: usize) {
        let Question { of, asked, ask, answer } = self.on_the_way[place];
        let Some(view) = answer else {
            let view = self.store.answer(clock(self.now), &ask);
            self.last = view;
            match of {
                Some(_) => self.on_the_way[place].answer = Some(view),
                None => drop(self.on_the_way.remove(place)),
            }
            return;
        };
        self.on_the_way.remove(place);
        let Some(number) = of else { return };
        let machine = &mut self.machines[number];
        if view.granted > 0 {
            machine.leased = Some((asked + LIMIT, view));
        }
        if view.epoch > machine.epoch {
            machine.epoch = view.epoch;
            if view.state != SharedState::HalfOpen {
                // the end of a probe of an earlier state is late
                machine.probing = None;
            }
            machine.open = match view.state {
                SharedState::Closed => None,
                SharedState::Open => Some(asked + millis(view.left)),
                SharedState::HalfOpen => machine.open.or(Some(self.now)),
            };
        }
    }

    fn give_up(&mut self, number: usize) {
        self.on_the_way.retain(|question| question.of != Some(number) || question.answer.is_none());
        let waits = self.on_the_way.iter_mut().filter(|question| question.of == Some(number));
        waits.for_each(|question| question.of = None);
    }

    fn probe(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        let Some((_, view)) = machine.leased.take() else { return };
        machine.probing = Some(view.epoch);
        // while the fleet is closed, each machine is alone with what it saw
        if view.state == SharedState::HalfOpen {
            let (of, count) = self.begun;
            self.begun = if of == view.epoch { (of, count + 1) } else { (view.epoch, 1) };
        }
    }

    fn end_probe(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        machine.ended = machine.probing.take().map(|epoch| (epoch, !self.is_failing));
        // one probe decides
        machine.open = self.is_failing.then(|| self.now + OPEN);
    }

    /// Lets all go well from now on, and returns whether all machines and the store close.
    fn closes(&self) -> bool {
        let mut it = Self { is_failing: false, left: Left { asks: u8::MAX, ..self.left }, ..self.clone() };
        for _ in 0..4 * (OPEN + LIMIT) {
            // what there is to say is said at once
            for number in [0, 0, 1, 1] {
                if !it.on_the_way.iter().any(|question| question.of == Some(number)) {
                    it.ask(number);
                }
                while let Some(place) = it.on_the_way.iter().position(|question| question.of == Some(number)) {
                    it.carry(place);
                }
                if it.machines[number].can_probe(it.now) {
                    it.probe(number);
                }
                if it.machines[number].probing.is_some() {
                    it.end_probe(number);
                }
            }
            if it.last.state == SharedState::Closed && it.machines.iter().all(|machine| machine.open.is_none()) {
                return true;
            }
            it.now += 1;
        }
        false
    }
}

#[test]
fn no_order_makes_more_probes_than_the_terms_say_or_closes_what_fails() {
    let none = Left { asks: 3, losses: 0, crashes: 0, forgets: 0 };
    for left in [Left { asks: 4, ..none }, Left { losses: 1, ..none }, Left { crashes: 1, ..none }] {
        let (mut closed, mut opened) = (0, 0);
        let states = explore(Circuits::new(left), |state, found| {
            assert!(state.begun.1 <= TERMS.probes, "{state:?}");
            assert!(state.closes(), "{state:?}");
            let before = found.len();
            state.follow(2, found);
            for next in &found[before..] {
                match (state.last.state, next.last.state) {
                    (SharedState::HalfOpen, SharedState::Closed) => {
                        assert!(!next.is_failing, "{next:?}");
                        closed += 1;
                    }
                    (SharedState::Closed, SharedState::Open) => {
                        assert_eq!(state.last.epoch, 0, "from before the fleet closed: {next:?}");
                        opened += 1;
                    }
                    _ => {}
                }
            }
        });
        assert!(states > 10_000 && closed > 50 && opened > 50, "{states} states, {opened} openings, {closed} closings");
    }
}
