//! The breaker against a model that keeps every event and works everything out anew.

use std::time::Duration;

use proptest::prelude::*;

use super::evidence::{Rule, Run, step};
use super::state::{Cause, Vote};
use super::tally::Tally;
use super::{CircuitBreaker, CircuitBreakerPermit, CircuitBreakerState};
use crate::clock::Ticks;
use crate::{Class, Mode, Reason};

#[derive(Debug, Clone, Copy)]
enum Action {
    /// Asks for a permit and keeps it.
    Begin,
    /// Ends the permit that was taken so many before the last one.
    End(usize, Vote),
    /// Lets so many milliseconds pass.
    Wait(u64),
    ForceOpen,
    ForceClose,
    Switch(Mode),
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    hundredths: u16,
    window: Window,
    min_calls: u32,
    consecutive: Option<u32>,
    open_for: u64,
    open_max: u64,
    /// Set if the open time grows from the first reopening on.
    grows: bool,
    /// Set if nobody says how many probes there are: three, of which the first goes alone.
    alone: bool,
    probes: usize,
    probe_timeout: u64,
    /// The time from which a call is slow, and how many hundredths of slow calls are too many.
    slow: Option<(u64, u16)>,
    recover: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Window {
    Millis(u64),
    Calls(u32),
}

/// A call that has ended.
#[derive(Debug, Clone, Copy)]
struct Ended {
    at: u64,
    failed: Option<Cause>,
    slow: bool,
}

/// All that ever happened, as one list per state that the breaker was in; times are milliseconds.
struct Model {
    rules: Rules,
    first: Option<u64>,
    history: Vec<Episode>,
    mode: Mode,
}

#[derive(Debug)]
enum Episode {
    Closed { ended: Vec<Ended> },
    Open { since: u64, cause: Cause },
    HalfOpen { admitted: Vec<u64>, abandoned: usize, ended: Vec<Option<Cause>> },
    Recovering { since: u64, ended: Vec<Ended> },
    ForcedOpen,
    Disabled,
}

/// The answer to a caller.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// The call is of this episode.
    Admitted(usize),
    Unguarded,
    Refused(Option<u64>),
    /// One or the other, as chance has it.
    Perhaps(usize, u64),
}

impl Model {
    fn new(rules: Rules) -> Self {
        Self { rules, first: None, history: vec![Episode::Closed { ended: Vec::new() }], mode: Mode::Enforce }
    }

    fn now(&self) -> &Episode {
        self.history.last().expect("never empty")
    }

    fn state(&self) -> CircuitBreakerState {
        match self.now() {
            Episode::Closed { .. } => CircuitBreakerState::Closed,
            Episode::Open { .. } => CircuitBreakerState::Open,
            Episode::HalfOpen { .. } => CircuitBreakerState::HalfOpen,
            Episode::Recovering { .. } => CircuitBreakerState::Recovering,
            Episode::ForcedOpen => CircuitBreakerState::ForcedOpen,
            Episode::Disabled => CircuitBreakerState::Disabled,
        }
    }

    fn begin(&mut self, now: u64) -> Told {
        if self.state() != CircuitBreakerState::Closed {
            self.first.get_or_insert(now);
        }
        let rules = self.rules;
        let open_time = self.open_time();
        match self.history.last_mut().expect("never empty") {
            Episode::Closed { .. } => {}
            Episode::Open { since, .. } => {
                let end = *since + open_time;
                if now < end {
                    return Told::Refused(Some(end - now));
                }
                self.history.push(Episode::HalfOpen { admitted: vec![now], abandoned: 0, ended: Vec::new() });
            }
            Episode::HalfOpen { admitted, abandoned, ended } => {
                let one = rules.alone && ended.iter().all(Option::is_some);
                let most = if one { 1 } else { rules.probes };
                if admitted.len() - *abandoned < most {
                    admitted.push(now);
                } else {
                    let overdue = admitted.iter().max().expect("at least one") + rules.probe_timeout;
                    if now < overdue {
                        return Told::Refused(Some(overdue - now));
                    }
                    while ended.len() < rules.probes {
                        ended.push(Some(Cause::Transient));
                    }
                    self.decide(now);
                    return self.begin(now);
                }
            }
            Episode::Recovering { since, .. } => {
                let end = *since + rules.recover.expect("it recovers");
                if now < end {
                    return Told::Perhaps(self.history.len() - 1, end - now);
                }
                self.history.push(Episode::Closed { ended: Vec::new() });
            }
            Episode::ForcedOpen => return Told::Refused(None),
            Episode::Disabled => return Told::Unguarded,
        }
        Told::Admitted(self.history.len() - 1)
    }

    fn end(&mut self, episode: usize, vote: Vote, took: u64, now: u64) {
        if episode + 1 < self.history.len() {
            return;
        }
        let slow = self.rules.slow.is_some_and(|(limit, _)| took >= limit);
        let failed = if let Vote::Failure(cause) = vote { Some(cause) } else { None };
        match self.history.last_mut().expect("never empty") {
            Episode::Closed { .. } | Episode::Recovering { .. } if vote == Vote::Abandoned => {}
            Episode::Closed { ended } | Episode::Recovering { ended, .. } => {
                ended.push(Ended { at: now, failed, slow });
                self.first.get_or_insert(now);
                if (failed.is_some() || slow) && self.trips(now) || failed.is_some() && self.is_evident() {
                    self.history.push(Episode::Open { since: now, cause: failed.unwrap_or(Cause::Slow) });
                }
            }
            Episode::HalfOpen { abandoned, .. } if vote == Vote::Abandoned => *abandoned += 1,
            Episode::HalfOpen { ended, .. } => {
                ended.push(failed.or(slow.then_some(Cause::Slow)));
                let one = self.rules.alone && ended.iter().all(Option::is_some);
                if one || ended.len() == self.rules.probes {
                    self.decide(now);
                }
            }
            _ => unreachable!("it gives no permits"),
        }
    }

    fn decide(&mut self, now: u64) {
        let Episode::HalfOpen { ended, .. } = self.now() else { unreachable!("only probes decide") };
        let failures = ended.iter().flatten().count();
        let next = if reaches(failures, ended.len(), self.rules.hundredths) {
            let cause = *ended.iter().flatten().last().expect("one failed");
            Episode::Open { since: now, cause }
        } else if self.rules.recover.is_some() {
            Episode::Recovering { since: now, ended: Vec::new() }
        } else {
            Episode::Closed { ended: Vec::new() }
        };
        self.history.push(next);
    }

    fn trips(&self, now: u64) -> bool {
        let [calls, failures, slow] = self.window(now);
        if calls >= self.rules.min_calls as usize {
            let is_slow = |(_, hundredths)| reaches(slow, calls, hundredths);
            return reaches(failures, calls, self.rules.hundredths) || self.rules.slow.is_some_and(is_slow);
        }
        let streak = self.ended().iter().rev().take_while(|call| call.failed.is_some()).count();
        self.rules.consecutive.is_some_and(|limit| streak >= limit as usize)
    }

    /// Goes through all calls of the episode anew.
    fn is_evident(&self) -> bool {
        let Window::Millis(length) = self.rules.window else { return false };
        let rate = f64::from(self.rules.hundredths) / 100.0;
        let window = Duration::from_millis(length);
        let rule = Rule { rate, window, sample: self.rules.min_calls, fewest: self.rules.consecutive.unwrap_or(5) };
        // In 4096ths of a success.
        let (mut gap, mut since, mut failures, mut successes, mut evident) = (0_u64, 0, 0, 0, false);
        for (index, call) in self.ended().iter().enumerate() {
            if call.failed.is_none() {
                gap = gap.saturating_sub(4_096);
                successes += 1;
                continue;
            }
            since = if gap == 0 { call.at } else { since };
            failures += 1;
            let next = gap + step(rate);
            let sum = next as f64 / step(rate) as f64;
            let others = (f64::from(failures) - sum).max(0.0);
            let usual = (others + 1.5 * others.sqrt() + 0.2) / (others + f64::from(successes) + 1.0);
            let run = Run { sum, lasted: Duration::from_millis(call.at - since), usual };
            let [calls, failed, slow] = self.tally(&self.ended()[..=index], call.at).map(|count| count as u32);
            let tally = Tally { calls, failures: failed, slow };
            evident = run.is_evident(&rule, tally);
            gap = if run.is_enough(&rule, tally) && !evident { gap } else { next };
        }
        evident
    }

    fn ended(&self) -> &[Ended] {
        match self.now() {
            Episode::Closed { ended } | Episode::Recovering { ended, .. } => ended,
            _ => &[],
        }
    }

    /// Calls, failures and slow calls.
    fn window(&self, now: u64) -> [usize; 3] {
        self.tally(self.ended(), now)
    }

    fn tally(&self, ended: &[Ended], now: u64) -> [usize; 3] {
        let first = self.first.unwrap_or(now);
        let seen: Vec<_> = match self.rules.window {
            Window::Millis(length) => {
                let bucket = |time: u64| (time - first) / (length / 10);
                ended.iter().filter(|call| bucket(call.at) + 10 > bucket(now)).collect()
            }
            Window::Calls(calls) => ended.iter().rev().take(calls as usize).collect(),
        };
        let count = |is: fn(&Ended) -> bool| seen.iter().filter(|call| is(call)).count();
        [seen.len(), count(|call| call.failed.is_some()), count(|call| call.slow)]
    }

    fn open_time(&self) -> u64 {
        let closes =
            |episode: &Episode| matches!(episode, Episode::Closed { .. } | Episode::ForcedOpen | Episode::Disabled);
        let first = self.history.iter().rposition(closes).map_or(0, |closed| closed + 1);
        let patience = if self.rules.grows { 0 } else { 12 };
        let reopenings = self.history[first..].windows(2).fold(0_u32, |so_far, pair| match pair {
            [Episode::HalfOpen { ended, .. }, Episode::Open { .. }] if ended.iter().all(Option::is_some) => so_far + 1,
            [Episode::HalfOpen { .. } | Episode::Recovering { .. }, Episode::Open { .. }] => so_far.max(patience) + 1,
            _ => so_far,
        });
        let doublings = reopenings.min(31).saturating_sub(patience);
        (0..doublings).fold(self.rules.open_for, |time, _| time.saturating_mul(2).min(1 << 40)).min(self.rules.open_max)
    }

    /// Returns what a refusal says.
    fn last(&self) -> Option<Class> {
        let opened = self.history.iter().rev().find_map(|episode| match episode {
            Episode::Open { cause, .. } => Some(*cause),
            Episode::HalfOpen { ended, .. } => ended.iter().flatten().last().copied(),
            Episode::ForcedOpen => Some(Cause::Panic),
            _ => None,
        });
        match opened.expect("it is open") {
            Cause::Transient => Some(Class::Transient),
            Cause::Throttled => Some(Class::Throttled { after: None }),
            Cause::Slow => Some(Class::Success),
            Cause::Panic => None,
        }
    }

    fn force(&mut self, episode: Episode) {
        let stays = matches!((self.now(), &episode), (Episode::ForcedOpen, Episode::ForcedOpen));
        if self.state() != CircuitBreakerState::Disabled && !stays {
            self.history.push(episode);
        }
    }

    fn switch(&mut self, mode: Mode) {
        match (mode, self.state()) {
            (Mode::Off, CircuitBreakerState::Disabled) => {}
            (Mode::Off, _) => self.history.push(Episode::Disabled),
            (_, CircuitBreakerState::Disabled) => self.history.push(Episode::Closed { ended: Vec::new() }),
            _ => {}
        }
        self.mode = mode;
    }
}

/// In whole hundredths, so that no rounding is involved.
fn reaches(hits: usize, calls: usize, hundredths: u16) -> bool {
    hits * 100 >= usize::from(hundredths) * calls
}

fn build(rules: Rules) -> CircuitBreaker {
    let millis = Duration::from_millis;
    let rate = |hundredths| f64::from(hundredths) / 100.0;
    let breaker = CircuitBreaker::named("modelled").failure_rate(rate(rules.hundredths)).open_jitter(0.0);
    let breaker = match rules.window {
        Window::Millis(length) => breaker.window(millis(length)),
        Window::Calls(calls) => breaker.count_window(calls),
    };
    let breaker = match rules.consecutive {
        Some(failures) => breaker.consecutive(failures),
        None => breaker.without_consecutive(),
    };
    let breaker = match rules.slow {
        Some((limit, hundredths)) => breaker.slow_call(millis(limit)).slow_rate(rate(hundredths)),
        None => breaker,
    };
    let breaker = match rules.recover {
        Some(time) => breaker.recover(millis(time)),
        None => breaker,
    };
    let probes = u32::try_from(rules.probes).expect("few");
    let breaker = if rules.alone { breaker } else { breaker.probes(probes) };
    let breaker = if rules.grows { breaker.open_growth(2.0) } else { breaker };
    breaker
        .min_calls(rules.min_calls)
        .open_for(millis(rules.open_for))
        .open_max(millis(rules.open_max))
        .probe_timeout(millis(rules.probe_timeout))
}

fn votes() -> impl Strategy<Value = Vote> {
    prop_oneof![
        4 => Just(Vote::Failure(Cause::Transient)),
        4 => Just(Vote::Success),
        1 => Just(Vote::Failure(Cause::Throttled)),
        1 => Just(Vote::Failure(Cause::Panic)),
        1 => Just(Vote::Abandoned),
    ]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let wait = prop_oneof![6 => 1..200_u64, 2 => 200..3_000_u64, 1 => Just(1_000), 1 => 10_000..300_000_000_u64];
    let back = prop_oneof![6 => Just(0), 2 => 0..4_usize, 1 => 0..40_usize];
    let by_hand = prop_oneof![
        1 => Just(Action::ForceOpen),
        3 => Just(Action::ForceClose),
        1 => Just(Action::Switch(Mode::Off)),
        1 => Just(Action::Switch(Mode::Observe)),
        4 => Just(Action::Switch(Mode::Enforce)),
    ];
    let action = prop_oneof![
        50 => Just(Action::Begin),
        50 => (back, votes()).prop_map(|(back, vote)| Action::End(back, vote)),
        20 => wait.prop_map(Action::Wait),
        1 => by_hand,
    ];
    prop::collection::vec(action, 1..300)
}

fn rules() -> impl Strategy<Value = Rules> {
    let window = prop_oneof![
        (1..200_u64).prop_map(|tens| Window::Millis(tens * 10)),
        prop_oneof![1..12_u32, 40..100_u32].prop_map(Window::Calls),
    ];
    let slow = prop::option::of((1..300_u64, 1..=100_u16));
    let times = (1..400_u64, 0..3_000_u64, 1..500_u64, prop::option::of(1..2_000_u64));
    let defaults = (prop::bool::ANY, prop::bool::ANY);
    (1..=100_u16, window, 1..12_u32, prop::option::of(1..6_u32), times, slow, 1..5_usize, defaults).prop_map(
        |(
            hundredths,
            window,
            min_calls,
            consecutive,
            (open_for, more, probe_timeout, recover),
            slow,
            probes,
            (grows, alone),
        )| {
            let min_calls = if let Window::Calls(calls) = window { min_calls.min(calls) } else { min_calls };
            let open_max = open_for + more;
            Rules {
                hundredths,
                window,
                min_calls,
                consecutive,
                open_for,
                open_max,
                grows,
                alone,
                probes: if alone { 3 } else { probes },
                probe_timeout,
                slow,
                recover,
            }
        },
    )
}

/// A permit, its episode if it has one, and when it was given.
struct Call<'a> {
    permit: CircuitBreakerPermit<'a>,
    episode: Option<usize>,
    since: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn breaker_does_what_the_whole_history_says(rules in rules(), actions in actions()) {
        let breaker = build(rules);
        let mut model = Model::new(rules);
        let mut under_way: Vec<Call<'_>> = Vec::new();
        let mut now = 1_000;

        for action in actions {
            let clock = || Ticks(now * 1_000_000 + 123);
            match action {
                Action::Wait(millis) => now += millis,
                Action::Begin => {
                    let told = model.begin(now);
                    match (breaker.acquire_at(clock), told) {
                        (Ok(permit), Told::Admitted(episode) | Told::Perhaps(episode, _)) => {
                            // in a mode that only observes, one that would have been refused has no episode; chance is
                            // left out
                            let certain = model.mode == Mode::Enforce || model.state() != CircuitBreakerState::Recovering;
                            if certain {
                                under_way.push(Call { permit, episode: Some(episode), since: now });
                            } else {
                                permit.end(Vote::Abandoned, clock);
                            }
                        }
                        (Ok(permit), Told::Unguarded) => {
                            under_way.push(Call { permit, episode: None, since: now });
                        }
                        (Ok(permit), Told::Refused(_)) if model.mode == Mode::Observe => {
                            under_way.push(Call { permit, episode: None, since: now });
                        }
                        (Err(rejection), told) => {
                            prop_assert_eq!(model.mode, Mode::Enforce);
                            let wait = match told {
                                Told::Refused(wait) => wait,
                                Told::Perhaps(_, left) => Some(left),
                                told => return Err(TestCaseError::fail(format!("{rejection} is not {told:?}"))),
                            };
                            prop_assert_eq!(rejection.retry_after(), wait.map(Duration::from_millis));
                            let Reason::CircuitOpen { last, .. } = rejection.reason() else { panic!("{rejection}") };
                            prop_assert_eq!(last, model.last());
                        }
                        (Ok(_), told) => prop_assert!(false, "admitted is not {told:?}"),
                    }
                }
                Action::End(back, vote) => {
                    if let Some(index) = under_way.len().checked_sub(1 + back) {
                        let Call { permit, episode, since } = under_way.remove(index);
                        permit.end(vote, clock);
                        if let Some(episode) = episode {
                            model.end(episode, vote, now - since, now);
                        }
                    }
                }
                Action::ForceOpen => {
                    breaker.force_open();
                    model.force(Episode::ForcedOpen);
                }
                Action::ForceClose => {
                    breaker.force_close();
                    model.force(Episode::Closed { ended: Vec::new() });
                }
                Action::Switch(mode) => {
                    breaker.set_mode(mode);
                    model.switch(mode);
                }
            }

            prop_assert_eq!(breaker.state(), model.state());
            if matches!(model.state(), CircuitBreakerState::Closed | CircuitBreakerState::Recovering) {
                let tally = breaker.tally(breaker.circuit(), || Ticks(now * 1_000_000 + 123));
                prop_assert_eq!([tally.calls, tally.failures, tally.slow].map(|count| count as usize), model.window(now));
            }
        }
    }

    #[test]
    fn evidence_opens_it_when_the_whole_history_says(
        hundredths in prop_oneof![Just(50_u16), 20..=100_u16],
        consecutive in prop::option::of(3..10_u32),
        steps in prop::collection::vec((0..80_u32, 0..14_u32, 0..60_u64), 1..6),
    ) {
        let rules = Rules {
            hundredths,
            window: Window::Millis(10_000),
            min_calls: 20,
            consecutive,
            open_for: 1_000,
            open_max: 30_000,
            grows: false,
            alone: true,
            probes: 3,
            probe_timeout: 1_000,
            slow: None,
            recover: None,
        };
        let breaker = build(rules);
        let mut model = Model::new(rules);
        let mut now = 1_000;

        for (successes, failures, gap) in steps {
            let votes = [(successes, Vote::Success), (failures, Vote::Failure(Cause::Transient))];
            for (times, vote) in votes {
                for _ in 0..times {
                    now += gap;
                    let clock = || Ticks(now * 1_000_000 + 123);
                    let Told::Admitted(episode) = model.begin(now) else { return Ok(()) };
                    breaker.acquire_at(clock).expect("closed").end(vote, clock);
                    model.end(episode, vote, 0, now);
                    prop_assert_eq!(breaker.state(), model.state());
                }
            }
        }
    }

    #[test]
    fn bursts_and_pauses_leave_the_window_right_but_for_one_batch(
        steps in prop::collection::vec((0..100_u32, 0..3_u32, prop_oneof![0..20_u64, 0..40_000_u64]), 1..80),
    ) {
        const WINDOW: u64 = 10_000;
        let breaker = CircuitBreaker::named("modelled").failure_rate(1.0).without_consecutive();
        let mut calls: Vec<(u64, bool)> = Vec::new();
        let (mut now, mut longest_pause) = (0, 0);

        for (successes, failures, wait) in steps {
            let clock = || Ticks(now * 1_000_000);
            let votes = [(successes, Vote::Success), (failures, Vote::Failure(Cause::Transient))];
            for (times, vote) in votes {
                for _ in 0..times {
                    breaker.acquire_at(clock).expect("closed").end(vote, clock);
                    calls.push((now, vote != Vote::Success));
                }
            }
            if breaker.state() != CircuitBreakerState::Closed {
                // all that failed in the window is all there was
                break;
            }
            now += wait;
            longest_pause = wait.max(longest_pause);

            let first = calls.first().map_or(now, |(at, _)| *at);
            let bucket = |time: u64| (time - first) / (WINDOW / 10);
            let in_window = |slack: u64| calls.iter().filter(move |(at, _)| bucket(*at) + 10 + slack > bucket(now));
            let tally = breaker.tally(breaker.circuit(), || Ticks(now * 1_000_000));
            let failed = in_window(0).filter(|(_, failed)| *failed).count();
            prop_assert_eq!(tally.failures as usize, failed);
            // Half a bucket may lie between the calls of a batch and the look at the clock that they go by.
            let least = in_window(0).count();
            let most = in_window(1).count();
            let slack = if longest_pause > WINDOW / 20 { 31 } else { 0 };
            prop_assert!(
                (least.saturating_sub(slack)..=most + slack).contains(&(tally.calls as usize)),
                "{} is not {least} to {most}", tally.calls
            );
        }
    }
}
