//! The breaker against a model that keeps every event and works everything out anew.

use std::time::Duration;

use proptest::prelude::*;

use super::state::Vote;
use super::{CircuitBreaker, Permit, State};
use crate::clock::Ticks;

#[derive(Debug, Clone, Copy)]
enum Action {
    /// Asks for a permit and keeps it.
    Begin,
    /// Ends the permit that was taken so many before the last one.
    End(usize, Vote),
    /// Lets so many milliseconds pass.
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    hundredths: u16,
    window: Window,
    min_calls: u32,
    consecutive: Option<u32>,
    open_for: u64,
    open_max: u64,
    probes: usize,
    probe_timeout: u64,
}

#[derive(Debug, Clone, Copy)]
enum Window {
    Millis(u64),
    Calls(u32),
}

/// All that ever happened, as one list per state that the breaker was in; times are milliseconds.
struct Model {
    rules: Rules,
    first: Option<u64>,
    history: Vec<Episode>,
}

#[derive(Debug)]
enum Episode {
    Closed { ended: Vec<(u64, bool)> },
    Open { since: u64, panicked: bool },
    HalfOpen { admitted: Vec<u64>, abandoned: usize, ended: Vec<(bool, bool)> },
}

impl Model {
    fn new(rules: Rules) -> Self {
        Self { rules, first: None, history: vec![Episode::Closed { ended: Vec::new() }] }
    }

    fn now(&self) -> &Episode {
        self.history.last().expect("never empty")
    }

    fn state(&self) -> State {
        match self.now() {
            Episode::Closed { .. } => State::Closed,
            Episode::Open { .. } => State::Open,
            Episode::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// The episode that the permit is of, or how long to wait.
    fn begin(&mut self, now: u64) -> Result<usize, u64> {
        let rules = self.rules;
        match self.history.last_mut().expect("never empty") {
            Episode::Closed { .. } => {}
            Episode::Open { since, .. } => {
                let end = *since + self.open_time();
                if now < end {
                    return Err(end - now);
                }
                self.history.push(Episode::HalfOpen { admitted: vec![now], abandoned: 0, ended: Vec::new() });
            }
            Episode::HalfOpen { admitted, abandoned, ended } => {
                if admitted.len() - *abandoned < rules.probes {
                    admitted.push(now);
                } else {
                    let overdue = admitted.iter().max().expect("at least one") + rules.probe_timeout;
                    if now < overdue {
                        return Err(overdue - now);
                    }
                    while ended.len() < rules.probes {
                        ended.push((true, false));
                    }
                    self.decide(now);
                    return self.begin(now);
                }
            }
        }
        Ok(self.history.len() - 1)
    }

    fn end(&mut self, episode: usize, vote: Vote, now: u64) {
        if episode + 1 < self.history.len() {
            return;
        }
        let (failed, panicked) = (matches!(vote, Vote::Failure | Vote::Panic), vote == Vote::Panic);
        match self.history.last_mut().expect("never empty") {
            Episode::Closed { .. } if vote == Vote::Abandoned => {}
            Episode::Closed { ended } => {
                ended.push((now, failed));
                self.first.get_or_insert(now);
                if failed && self.trips(now) {
                    self.history.push(Episode::Open { since: now, panicked });
                }
            }
            Episode::HalfOpen { abandoned, .. } if vote == Vote::Abandoned => *abandoned += 1,
            Episode::HalfOpen { ended, .. } => {
                ended.push((failed, panicked));
                if ended.len() == self.rules.probes {
                    self.decide(now);
                }
            }
            Episode::Open { .. } => unreachable!("an open breaker gives no permits"),
        }
    }

    fn decide(&mut self, now: u64) {
        let Episode::HalfOpen { ended, .. } = self.now() else { unreachable!("only probes decide") };
        let failures = ended.iter().filter(|(failed, _)| *failed).count();
        let last = ended.iter().rfind(|(failed, _)| *failed);
        let next = if reaches(failures, ended.len(), self.rules.hundredths) {
            Episode::Open { since: now, panicked: last.is_some_and(|(_, panicked)| *panicked) }
        } else {
            Episode::Closed { ended: Vec::new() }
        };
        self.history.push(next);
    }

    fn trips(&self, now: u64) -> bool {
        let Episode::Closed { ended } = self.now() else { unreachable!("only a closed one trips") };
        let (calls, failures) = self.window(now);
        if calls >= self.rules.min_calls as usize {
            return reaches(failures, calls, self.rules.hundredths);
        }
        let streak = ended.iter().rev().take_while(|(_, failed)| *failed).count();
        self.rules.consecutive.is_some_and(|limit| streak >= limit as usize)
    }

    fn window(&self, now: u64) -> (usize, usize) {
        let Episode::Closed { ended } = self.now() else { return (0, 0) };
        let first = self.first.unwrap_or(now);
        let seen: Vec<_> = match self.rules.window {
            Window::Millis(length) => {
                let bucket = |time: u64| (time - first) / (length / 10);
                ended.iter().filter(|(time, _)| bucket(*time) + 10 > bucket(now)).collect()
            }
            Window::Calls(calls) => ended.iter().rev().take(calls as usize).collect(),
        };
        (seen.len(), seen.iter().filter(|(_, failed)| *failed).count())
    }

    fn open_time(&self) -> u64 {
        let since_closed = self.history.iter().rev().take_while(|episode| !matches!(episode, Episode::Closed { .. }));
        let opened = since_closed.filter(|episode| matches!(episode, Episode::Open { .. })).count();
        let doubled = (1..opened).fold(self.rules.open_for, |time, _| time.saturating_mul(2).min(1 << 40));
        doubled.min(self.rules.open_max)
    }

    fn last_panicked(&self) -> bool {
        match self.now() {
            Episode::Closed { .. } => unreachable!("nothing is refused"),
            Episode::Open { panicked, .. } => *panicked,
            Episode::HalfOpen { ended, .. } => {
                let opened =
                    |episode: &Episode| if let Episode::Open { panicked, .. } = episode { *panicked } else { false };
                let before = opened(&self.history[self.history.len() - 2]);
                ended.iter().rfind(|(failed, _)| *failed).map_or(before, |(_, panicked)| *panicked)
            }
        }
    }
}

/// In whole hundredths, so that no rounding is involved.
fn reaches(failures: usize, calls: usize, hundredths: u16) -> bool {
    failures * 100 >= usize::from(hundredths) * calls
}

fn build(rules: Rules) -> CircuitBreaker {
    let millis = Duration::from_millis;
    let breaker = CircuitBreaker::named("modelled").failure_rate(f64::from(rules.hundredths) / 100.0).open_jitter(0.0);
    let breaker = match rules.window {
        Window::Millis(length) => breaker.window(millis(length)),
        Window::Calls(calls) => breaker.count_window(calls),
    };
    let breaker = match rules.consecutive {
        Some(failures) => breaker.consecutive(failures),
        None => breaker.without_consecutive(),
    };
    breaker
        .min_calls(rules.min_calls)
        .open_for(millis(rules.open_for))
        .open_max(millis(rules.open_max))
        .probes(u32::try_from(rules.probes).expect("few"))
        .probe_timeout(millis(rules.probe_timeout))
}

fn votes() -> impl Strategy<Value = Vote> {
    prop_oneof![
        4 => Just(Vote::Failure),
        4 => Just(Vote::Success),
        1 => Just(Vote::Panic),
        1 => Just(Vote::Abandoned),
    ]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let wait = prop_oneof![6 => 1..200_u64, 2 => 200..3_000_u64, 1 => Just(1_000), 1 => 10_000..300_000_000_u64];
    let back = prop_oneof![6 => Just(0), 2 => 0..4_usize, 1 => 0..40_usize];
    let action = prop_oneof![
        5 => Just(Action::Begin),
        5 => (back, votes()).prop_map(|(back, vote)| Action::End(back, vote)),
        2 => wait.prop_map(Action::Wait),
    ];
    prop::collection::vec(action, 1..300)
}

fn rules() -> impl Strategy<Value = Rules> {
    let window = prop_oneof![
        (1..200_u64).prop_map(|tens| Window::Millis(tens * 10)),
        prop_oneof![1..12_u32, 40..100_u32].prop_map(Window::Calls),
    ];
    let rate = 1..=100_u16;
    let times = (1..400_u64, 0..3_000_u64, 1..500_u64);
    (rate, window, 1..12_u32, prop::option::of(1..6_u32), times, 1..5_usize).prop_map(
        |(hundredths, window, min_calls, consecutive, (open_for, more, probe_timeout), probes)| {
            let min_calls = if let Window::Calls(calls) = window { min_calls.min(calls) } else { min_calls };
            Rules {
                hundredths,
                window,
                min_calls,
                consecutive,
                open_for,
                open_max: open_for + more,
                probes,
                probe_timeout,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn breaker_does_what_the_whole_history_says(rules in rules(), actions in actions()) {
        let breaker = build(rules);
        let mut model = Model::new(rules);
        let mut under_way: Vec<(Permit<'_>, usize)> = Vec::new();
        let mut now = 1_000;

        for action in actions {
            let clock = || Ticks(now * 1_000_000 + 123);
            match action {
                Action::Wait(millis) => now += millis,
                Action::Begin => match (breaker.acquire_at(clock), model.begin(now)) {
                    (Ok(permit), Ok(episode)) => under_way.push((permit, episode)),
                    (Err(rejection), Err(wait)) => {
                        prop_assert_eq!(rejection.retry_after(), Some(Duration::from_millis(wait)));
                        let crate::Reason::CircuitOpen { last, .. } = rejection.reason() else { panic!("{rejection}") };
                        prop_assert_eq!(last.is_none(), model.last_panicked());
                    }
                    (breaker, model) => prop_assert!(false, "{breaker:?} is not {model:?}"),
                },
                Action::End(back, vote) => {
                    if let Some(index) = under_way.len().checked_sub(1 + back) {
                        let (permit, episode) = under_way.remove(index);
                        permit.end(vote, clock);
                        model.end(episode, vote, now);
                    }
                }
            }

            prop_assert_eq!(breaker.state(), model.state());
            if model.state() == State::Closed {
                let tally = breaker.tally(breaker.circuit(), || Ticks(now * 1_000_000 + 123));
                prop_assert_eq!((tally.calls as usize, tally.failures as usize), model.window(now));
            }
        }
    }
}
