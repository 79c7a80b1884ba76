//! The limits before a server that is overloaded, loses most of its workers, and gets them back.
//!
//! Everything is drawn from fixed seeds and runs on a simulated clock, so each run is the same.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{Adaptive, Ended, Sample};
use crate::clock::Ticks;
use crate::random;

mod plot;

/// The course of one of the limits.
struct Run {
    /// When the limit changed, in seconds, and to what.
    limits: Vec<(f64, u32)>,
    seconds: Vec<Second>,
}

/// The events of one second.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    arrived: u32,
    /// Calls that the limit turned away.
    refused: u32,
    answered: u32,
    timed_out: u32,
    /// Calls that a worker took on, and how long they had waited for it in all.
    started: u32,
    waited: f64,
    /// Calls in flight, integrated over the second.
    in_flight: f64,
}

/// A part of the time, in whole seconds, with so many workers and so many calls a second.
#[derive(Debug, Clone, Copy)]
struct Phase {
    from: usize,
    to: usize,
    workers: usize,
    load: f64,
    name: &'static str,
}

struct Simulation<'a> {
    /// None lets everything through.
    limit: Option<&'a Adaptive>,
    arrivals: SmallRng,
    services: SmallRng,
    now: u64,
    events: BinaryHeap<Reverse<(u64, usize, Event)>>,
    calls: Vec<Call>,
    phase: Phase,
    in_flight: u32,
    busy: usize,
    queue: VecDeque<usize>,
    run: Run,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Begin(usize),
    Arrive,
    GiveUp(usize),
    Finish(usize),
}

struct Call {
    sample: Option<Sample>,
    arrived: u64,
    /// Set while the caller still waits for this call.
    wanted: bool,
}

impl<'a> Simulation<'a> {
    fn run(limit: Option<&'a Adaptive>, seed: u64) -> Run {
        random::seed(seed);
        let mut simulation = Self {
            limit,
            arrivals: SmallRng::seed_from_u64(seed + 1_000),
            services: SmallRng::seed_from_u64(seed + 2_000),
            now: 0,
            events: BinaryHeap::new(),
            calls: Vec::new(),
            phase: PHASES[0],
            in_flight: 0,
            busy: 0,
            queue: VecDeque::new(),
            run: Run {
                limits: vec![(0.0, limit.map_or(0, Adaptive::limit))],
                seconds: vec![Second::default(); PHASES[PHASES.len() - 1].to],
            },
        };
        for (index, phase) in PHASES.iter().enumerate() {
            simulation.schedule(phase.from as u64 * SECOND, Event::Begin(index));
        }
        simulation.schedule(0, Event::Arrive);
        while simulation.advance() {}
        simulation.run
    }

    /// Takes the next event; false at the end of the last phase.
    fn advance(&mut self) -> bool {
        let Some(Reverse((at, _, event))) = self.events.pop() else { return false };
        if at >= self.run.seconds.len() as u64 * SECOND {
            return false;
        }
        self.pass_until(at);
        match event {
            Event::Begin(index) => {
                self.phase = PHASES[index];
                self.start_waiting();
            }
            Event::Arrive => self.arrive(),
            Event::GiveUp(call) => {
                if self.calls[call].wanted {
                    self.second().timed_out += 1;
                    self.end(call, Ended::Dropped);
                }
            }
            Event::Finish(call) => {
                if self.calls[call].wanted {
                    self.second().answered += 1;
                    self.end(call, Ended::Success);
                }
                self.busy -= 1;
                self.start_waiting();
            }
        }
        true
    }

    fn arrive(&mut self) {
        let gap = -(1.0 - uniform(&mut self.arrivals)).ln() / (self.phase.load * capacity(WORKERS));
        self.schedule(self.now + (gap * SECOND as f64) as u64, Event::Arrive);

        self.second().arrived += 1;
        if self.limit.is_some_and(|limit| self.in_flight >= limit.limit()) {
            self.second().refused += 1;
            return;
        }
        self.in_flight += 1;
        let now = Ticks(self.now + 1);
        let call = self.calls.len();
        let sample = self.limit.map(|limit| limit.begin_at(|| now));
        self.calls.push(Call { sample, arrived: self.now, wanted: true });
        self.schedule(self.now + PATIENCE, Event::GiveUp(call));
        self.queue.push_back(call);
        self.start_waiting();
    }

    /// Gives waiting calls to idle workers; those whose caller has given up are passed over.
    fn start_waiting(&mut self) {
        while self.busy < self.phase.workers {
            let Some(call) = self.queue.pop_front() else { return };
            if !self.calls[call].wanted {
                continue;
            }
            self.busy += 1;
            let waited = (self.now - self.calls[call].arrived) as f64 / SECOND as f64;
            self.second().started += 1;
            self.second().waited += waited;
            let takes = MEDIAN * (SPREAD * normal(&mut self.services)).exp();
            self.schedule(self.now + (takes * SECOND as f64) as u64, Event::Finish(call));
        }
    }

    fn end(&mut self, call: usize, ended: Ended) {
        let now = Ticks(self.now + 1);
        if let (Some(limit), Some(sample)) = (self.limit, self.calls[call].sample)
            && let Some(changed) = limit.end_at(sample, self.in_flight, ended, || now)
        {
            self.run.limits.push((self.now as f64 / SECOND as f64, changed));
        }
        self.calls[call].wanted = false;
        self.in_flight -= 1;
    }

    fn pass_until(&mut self, at: u64) {
        while self.now < at {
            let until = at.min((self.now / SECOND + 1) * SECOND);
            let share = (until - self.now) as f64 / SECOND as f64;
            self.second().in_flight += f64::from(self.in_flight) * share;
            self.now = until;
        }
    }

    fn schedule(&mut self, at: u64, event: Event) {
        // the number of calls keeps events of one moment in the order in which they came up
        self.events.push(Reverse((at, self.calls.len(), event)));
    }

    fn second(&mut self) -> &mut Second {
        let last = self.run.seconds.len() - 1;
        &mut self.run.seconds[((self.now / SECOND) as usize).min(last)]
    }
}

impl Run {
    /// The calls answered a second, as a share of what the server could answer.
    fn share_answered(&self, seconds: Range<usize>, workers: usize) -> f64 {
        let length = seconds.len() as f64;
        self.seconds[seconds].iter().map(|second| f64::from(second.answered)).sum::<f64>() / length / capacity(workers)
    }

    /// The mean time that calls waited for a worker, in milliseconds.
    fn wait(&self, seconds: Range<usize>) -> f64 {
        let (waited, started) = self.seconds[seconds]
            .iter()
            .fold((0.0, 0), |(waited, started), second| (waited + second.waited, started + second.started));
        waited / f64::from(started.max(1)) * 1e3
    }
}

impl Phase {
    fn second_half(&self) -> Range<usize> {
        usize::midpoint(self.from, self.to)..self.to
    }

    fn sum(&self, run: &Run) -> Second {
        run.seconds[self.from..self.to].iter().fold(Second::default(), |sum, second| Second {
            arrived: sum.arrived + second.arrived,
            refused: sum.refused + second.refused,
            timed_out: sum.timed_out + second.timed_out,
            ..sum
        })
    }
}

/// Calls a second.
fn capacity(workers: usize) -> f64 {
    let mean = MEDIAN * (SPREAD * SPREAD / 2.0).exp();
    workers as f64 / mean
}

fn uniform(generator: &mut SmallRng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// By Box and Muller.
fn normal(generator: &mut SmallRng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(generator)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(generator)).cos()
}

fn limits() -> [(&'static str, Adaptive); 3] {
    [
        ("AIMD", Adaptive::aimd(1, 200, 20)),
        ("Vegas", Adaptive::vegas(1, 200, 20)),
        ("gradient", Adaptive::gradient(1, 200, 20)),
    ]
}

const SEED: u64 = 20;
const SECOND: u64 = 1_000_000_000;
const WORKERS: usize = 20;
/// Of the time that a worker takes, in seconds: lognormal, with the standard deviation of its logarithm.
const MEDIAN: f64 = 0.015;
const SPREAD: f64 = 0.4;
/// After that a caller gives up, which is a drop.
const PATIENCE: u64 = SECOND / 10;

const PHASES: [Phase; 4] = [CALM, OVERLOADED, DEGRADED, RESTORED];
const CALM: Phase = Phase { from: 0, to: 40, workers: WORKERS, load: 0.5, name: "half of the capacity" };
const OVERLOADED: Phase = Phase { from: 40, to: 130, workers: WORKERS, load: 1.5, name: "1.5 times the capacity" };
const DEGRADED: Phase = Phase { from: 130, to: 190, workers: WORKERS / 5, load: 1.5, name: "a fifth of the workers" };
const RESTORED: Phase = Phase { from: 190, to: 280, workers: WORKERS, load: 1.5, name: "all workers back" };

/// Runs it with several seeds; the waits are the longest means in milliseconds that pass for a short queue.
fn settles_and_recovers(limit: impl Fn() -> Adaptive, wait: f64) {
    for seed in SEED..SEED + 3 {
        let limit = limit();
        let run = Simulation::run(Some(&limit), seed);

        let calm = CALM.sum(&run);
        assert!(calm.refused + calm.timed_out <= calm.arrived / 1_000, "in the way at half load: {calm:?}");

        for phase in [OVERLOADED, DEGRADED, RESTORED] {
            let settled = phase.second_half();
            let answered = run.share_answered(settled.clone(), phase.workers);
            assert!(answered >= 0.9, "{}: {answered} of the capacity used", phase.name);
            let waited = run.wait(settled);
            assert!(waited <= wait, "{}: calls waited {waited} ms", phase.name);
        }

        let soon = DEGRADED.to + 15..RESTORED.to;
        let answered = run.share_answered(soon, WORKERS);
        assert!(answered >= 0.9, "{answered} of the capacity used from 15 s after it was back");
    }
}

#[test]
fn aimd_settles_and_recovers() {
    settles_and_recovers(|| Adaptive::aimd(1, 200, 20), 60.0);
}

#[test]
fn vegas_settles_and_recovers() {
    settles_and_recovers(|| Adaptive::vegas(1, 200, 20), 30.0);
}

#[test]
fn gradient_settles_and_recovers() {
    settles_and_recovers(|| Adaptive::gradient(1, 200, 20), 45.0);
}

#[test]
fn without_a_limit_hardly_a_call_is_answered_in_time() {
    let run = Simulation::run(None, SEED);

    for phase in [OVERLOADED, DEGRADED, RESTORED] {
        assert!(run.share_answered(phase.second_half(), phase.workers) < 0.05, "{}", phase.name);
    }
}

/// The picture and the table of `docs/limits.md`, which `UPDATE_EXPECT=1` writes anew.
#[test]
fn the_page_shows_these_runs() {
    let limits = limits();
    let runs = limits.each_ref().map(|(name, limit)| (*name, Simulation::run(Some(limit), SEED)));
    let svg = plot::draw(&runs).expect("a string takes everything");
    let names = ["`aimd`", "`vegas`", "`gradient`", "no limit"];
    let mut table = String::new();
    for (name, (_, run)) in names.iter().zip(runs.into_iter().chain([("", Simulation::run(None, SEED))])) {
        write!(table, "| {name} |").expect("as above");
        for phase in PHASES {
            let answered = run.share_answered(phase.second_half(), phase.workers) * 100.0;
            write!(table, " {answered:.1} %, {:.1} ms |", run.wait(phase.second_half())).expect("as above");
        }
        table.push('\n');
    }

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let (picture, page) = (docs.join("limits.svg"), docs.join("limits.md"));
    let text = std::fs::read_to_string(&page).expect("the page");
    let (before, rest) = text.split_once("|---|---|---|---|---|\n").expect("the head of the table");
    let (_, after) = rest.split_once("\n\n").expect("the end of the table");
    let expected = format!("{before}|---|---|---|---|---|\n{table}\n{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&picture, &svg).and_then(|()| std::fs::write(&page, &expected)).expect("written");
    }
    assert!(std::fs::read_to_string(&picture).expect("the picture") == svg, "draw it with UPDATE_EXPECT=1");
    assert!(std::fs::read_to_string(&page).expect("the page") == expected, "write it with UPDATE_EXPECT=1");
}
