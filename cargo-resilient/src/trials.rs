//! Stacks in the simulator: the same troubles for each, on the paused clock.

use std::time::Duration;

use resilient_simulator::arrivals::Stretch;
use resilient_simulator::drive::{Call, Plan, Run, run};
use resilient_simulator::report::{Fault, Figures, Table, millis, percent, recovery};
use resilient_simulator::server::{Down, OnLeave, Quota, Setup, Slow};
use serde::Serialize;

use crate::client::Planned;
use crate::stack::{Bulkhead, Hedge, Limit, Stack};
use crate::wish::Wish;

/// A stack with its name.
#[derive(Debug, Clone)]
pub struct Contender {
    /// The name in tables.
    pub name: String,
    /// The stack.
    pub stack: Stack,
}

/// The upstream and the load as they are simulated.
#[derive(Debug, Clone)]
pub struct World {
    setup: Setup,
    rate: f64,
    clients: usize,
    slo: Duration,
    fan_out: u32,
    /// The part of the whole that is simulated: one in so many.
    pub part: u32,
}

/// A trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing is wrong.
    Normal,
    /// Ten times the calls come for three seconds.
    Spike,
    /// The upstream becomes five times slower for six seconds.
    BrownOut,
    /// The upstream fails all attempts at once for six seconds.
    Outage,
    /// The upstream takes all attempts and never answers, for six seconds.
    Hang,
    /// The upstream allows half of the usual calls for six seconds.
    Throttle,
}

/// The figures of one stack in one trouble: the worst of the seeds.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The stack's name.
    pub client: String,
    /// The trouble's name.
    pub trouble: &'static str,
    /// Good answers to all calls, as a share of the calls.
    pub good: f64,
    /// Good answers in the trouble, as a share of those that were possible then.
    pub goodput: f64,
    /// Attempts for each call.
    pub amplification: f64,
    /// The time from the end of the trouble until 95 % of the calls are answered well, in seconds; `None` is never.
    pub recovery: Option<f64>,
    /// The median time of the answers, in seconds.
    pub p50: f64,
    /// The 99th percentile of these times, in seconds.
    pub p99: f64,
    /// The 99th percentile of requests that need several such calls, in seconds.
    pub p99_of_requests: f64,
    /// The share of calls that got an error before their time was over.
    pub refused: f64,
    /// The share of calls without an answer in time.
    pub late: f64,
}

/// A line of a plot: its name and its points.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The name.
    pub name: String,
    /// The points, from left to right.
    pub points: Vec<(f64, f64)>,
}

impl World {
    /// Returns the world of the wish. One that is too large is simulated in part, with as many instances fewer.
    pub fn of(wish: &Wish) -> Self {
        let part = (wish.rate.max(wish.capacity / 10.0) / MOST_RATE).ceil().max(1.0);
        let (rate, capacity) = (wish.rate / part, wish.capacity / part);
        let mean = wish.times.mean();
        let workers = (capacity * mean - 1e-9).ceil().max(1.0) as u32;
        let rest = Duration::from_secs_f64((f64::from(workers) / capacity - mean).max(0.0));
        let quota = wish.quota.map(|_| {
            let rate = wish.quota_rate() / part;
            Quota { from: Duration::ZERO, until: Duration::MAX, rate, burst: (rate / 5.0).max(1.0) }
        });
        let setup = Setup {
            times: Some(wish.times.clone()),
            rest,
            errors: wish.errors,
            quota: quota.into_iter().collect(),
            // the worse of the two kinds of servers
            on_leave: OnLeave::GoOn,
            ..Setup::of(workers)
        };
        let clients = (f64::from(wish.instances) / part).round().max(1.0) as usize;
        Self { setup, rate, clients, slo: wish.slo, fan_out: wish.fan_out, part: part as u32 }
    }

    /// Returns the calls a second that get an answer at most.
    fn capacity(&self) -> f64 {
        self.setup.quota.iter().map(|quota| quota.rate).fold(self.setup.capacity(), f64::min)
    }

    /// Returns the upstream as it is simulated.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns the part of a stack's limits that belongs to the simulated part, where instances could not be left out.
    fn stack(&self, stack: &Stack, wish: &Wish) -> Stack {
        let each = f64::from(wish.instances) / f64::from(self.part) / self.clients as f64;
        if each >= 0.75 {
            return stack.clone();
        }
        let fewer = |calls: u32| ((f64::from(calls) * each).ceil() as u32).max(1);
        let limit = |limit: &Limit| match limit {
            Limit::Fixed(limit) => Limit::Fixed(fewer(*limit)),
            Limit::Adaptive { algorithm, min, max, initial } => {
                let min = fewer(*min);
                let (max, initial) = (fewer(*max).max(min), fewer(*initial).max(min));
                Limit::Adaptive { algorithm: algorithm.clone(), min, max, initial }
            }
        };
        let mut stack = stack.clone();
        stack.bulkhead = stack.bulkhead.map(|bulkhead| Bulkhead {
            limit: limit(&bulkhead.limit),
            queue: bulkhead.queue.map(fewer),
            ..bulkhead
        });
        if let Some(rate_limit) = &mut stack.rate_limit {
            rate_limit.calls = fewer(rate_limit.calls);
            rate_limit.burst = rate_limit.burst.map(fewer);
        }
        if let Some(retry) = &mut stack.retry {
            retry.budget = retry.budget.map(|(ratio, reserve)| (ratio, fewer(reserve)));
        }
        stack
    }

    fn plan(&self, trouble: Trouble) -> (Plan, Fault) {
        let mut setup = self.setup.clone();
        let (from, until) = (BEFORE, BEFORE + trouble.time());
        let capacity = self.capacity();
        let steady = vec![Stretch { rate: self.rate, time: until + AFTER }];
        let mut stretches = steady;
        let mut possible = capacity.min(self.rate);
        match trouble {
            Trouble::Normal => {}
            Trouble::Spike => {
                possible = capacity.min(SPIKE * self.rate);
                stretches = vec![
                    Stretch { rate: self.rate, time: from },
                    Stretch { rate: SPIKE * self.rate, time: trouble.time() },
                    Stretch { rate: self.rate, time: AFTER },
                ];
            }
            Trouble::BrownOut => {
                setup.slow = Some(Slow { from, until, factor: SLOWER });
                possible = (self.setup.capacity() / SLOWER).min(self.rate);
            }
            Trouble::Outage => setup.down = vec![Down { from, until, hangs: false }],
            Trouble::Hang => setup.down = vec![Down { from, until, hangs: true }],
            Trouble::Throttle => {
                let rate = self.rate / 2.0;
                let half = Quota { from, until, rate, burst: (rate / 10.0).max(1.0) };
                let around = |usual: &Quota| [Quota { until: from, ..*usual }, Quota { from: until, ..*usual }];
                setup.quota = self.setup.quota.iter().flat_map(around).chain([half]).collect();
                possible = rate;
            }
        }
        let plan = Plan { setup, stretches, clients: self.clients, slo: self.slo };
        (plan, Fault { from, until, capacity: possible })
    }
}

impl Trouble {
    /// Every trouble.
    pub const ALL: [Self; 6] = [Self::Normal, Self::Spike, Self::BrownOut, Self::Outage, Self::Hang, Self::Throttle];

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Spike => "spike",
            Self::BrownOut => "brown_out",
            Self::Outage => "outage",
            Self::Hang => "hang",
            Self::Throttle => "throttle",
        }
    }

    /// Returns the heading of the table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Normal => "Nothing is wrong",
            Self::Spike => "Ten times the calls for 3 s",
            Self::BrownOut => "The upstream is five times slower for 6 s",
            Self::Outage => "The upstream fails at once for 6 s",
            Self::Hang => "The upstream does not answer for 6 s",
            Self::Throttle => "The upstream allows half of the calls for 6 s",
        }
    }

    const fn time(self) -> Duration {
        match self {
            Self::Spike => Duration::from_secs(3),
            _ => Duration::from_secs(6),
        }
    }
}

/// Runs each contender through each trouble, and returns the worst figures of the seeds.
pub fn rows(world: &World, wish: &Wish, contenders: &[Contender], seeds: &[u64]) -> Vec<Row> {
    let mut rows = Vec::new();
    for trouble in Trouble::ALL {
        let (plan, fault) = world.plan(trouble);
        for contender in contenders {
            let stack = world.stack(&contender.stack, wish);
            let of_seed = |seed: &u64| {
                let run = run(*seed, &plan, |wire| Planned::new(wire, &stack));
                (Figures::of(&run, fault), quantile(&run, tail_share(world.fan_out)))
            };
            let worst = seeds.iter().map(of_seed).reduce(|one, other| (one.0.worse(other.0), one.1.max(other.1)));
            let Some((figures, tail)) = worst else { continue };
            rows.push(Row {
                client: contender.name.clone(),
                trouble: trouble.name(),
                good: figures.good,
                goodput: figures.goodput,
                amplification: figures.amplification,
                recovery: figures.recovery.map(|time| time.as_secs_f64()),
                p50: seconds(figures.p50),
                p99: seconds(figures.p99),
                p99_of_requests: seconds(tail),
                refused: figures.refused,
                late: figures.late,
            });
        }
    }
    rows
}

fn seconds(time: Duration) -> f64 {
    if time == Duration::MAX { f64::INFINITY } else { time.as_secs_f64() }
}

/// Returns the tables of the rows: one for each trouble.
pub fn tables(rows: &[Row], fan_out: u32) -> Vec<Table> {
    let table = |trouble: Trouble| {
        let mut columns =
            vec!["client", "answered", "goodput", "amplification", "recovery", "p50", "p99", "refused", "late"];
        if fan_out > 1 {
            columns.insert(7, "p99 of all");
        }
        let mut table = Table::new(trouble.title(), &columns);
        for row in rows.iter().filter(|row| row.trouble == trouble.name()) {
            let time = |seconds: f64| {
                millis(if seconds.is_finite() { Duration::from_secs_f64(seconds) } else { Duration::MAX })
            };
            let mut cells = vec![
                row.client.clone(),
                percent(row.good),
                match trouble {
                    Trouble::Normal | Trouble::Outage | Trouble::Hang => "–".to_owned(),
                    Trouble::Spike | Trouble::BrownOut | Trouble::Throttle => percent(row.goodput),
                },
                format!("{:.2}", row.amplification),
                row.recovery.map_or_else(|| "never".to_owned(), |time| format!("{time:.1} s")),
                time(row.p50),
                time(row.p99),
                percent(row.refused),
                percent(row.late),
            ];
            if fan_out > 1 {
                cells.insert(7, time(row.p99_of_requests));
            }
            table.row(cells);
        }
        table
    };
    Trouble::ALL.map(table).into()
}

/// Returns the goodput at loads from a fifth of the capacity to three times it, each as a share of the capacity.
pub fn goodput_by_load(world: &World, wish: &Wish, contenders: &[Contender], seed: u64) -> Vec<Line> {
    let time = Duration::from_secs(6);
    let line = |contender: &Contender| {
        let stack = world.stack(&contender.stack, wish);
        let point = |load: f64| {
            let capacity = world.setup.capacity();
            let stretches = vec![Stretch { rate: load * capacity, time }];
            let plan = Plan { setup: world.setup.clone(), stretches, clients: world.clients, slo: world.slo };
            let run = run(seed, &plan, |wire| Planned::new(wire, &stack));
            let good = run.calls.iter().filter(|call| call.is_good()).count() as f64;
            (load, good / time.as_secs_f64() / capacity)
        };
        Line { name: contender.name.clone(), points: LOADS.map(point).into() }
    };
    contenders.iter().map(line).collect()
}

/// Returns the 99th percentile in milliseconds over the extra requests in per cent, for hedges of several budgets.
pub fn latency_by_extra(world: &World, wish: &Wish, stack: &Stack, seed: u64) -> Line {
    let point = |ratio: f64| {
        let hedge = (ratio > 0.0).then(|| Hedge { ratio, ..Hedge::default() });
        let stack = world.stack(&Stack { hedge, ..stack.clone() }, wish);
        let stretches = vec![Stretch { rate: world.rate, time: Duration::from_secs(30) }];
        let plan = Plan { setup: world.setup.clone(), stretches, clients: world.clients, slo: world.slo };
        let run = run(seed, &plan, |wire| Planned::new(wire, &stack));
        let extra = run.attempts as f64 / run.calls.len() as f64 - 1.0;
        (extra * 100.0, quantile(&run, tail_share(world.fan_out)).as_secs_f64() * 1_000.0)
    };
    let mut points: Vec<(f64, f64)> = [0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12].map(point).into();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    Line { name: "with a hedge of 0 to 12 %".to_owned(), points }
}

/// Returns the share of the calls that were answered well around a spike, in steps of a quarter of a second.
pub fn recovery_of_spike(world: &World, wish: &Wish, contenders: &[Contender], seed: u64) -> Vec<Line> {
    let (plan, fault) = world.plan(Trouble::Spike);
    let line = |contender: &Contender| {
        let stack = world.stack(&contender.stack, wish);
        let run = run(seed, &plan, |wire| Planned::new(wire, &stack));
        let all = fault.until + AFTER;
        let steps = (all.as_millis() / STEP.as_millis()) as u32;
        let points = (0..steps).filter_map(|step| {
            let (from, until) = (STEP * step, STEP * (step + 1));
            let calls: Vec<&Call> = run.calls.iter().filter(|call| from <= call.at && call.at < until).collect();
            let good = calls.iter().filter(|call| call.is_good()).count();
            (!calls.is_empty()).then(|| (from.as_secs_f64(), good as f64 / calls.len() as f64))
        });
        let back = recovery(&run.calls, fault.until)
            .map_or_else(|| "never".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        Line {
            name: format!("{}: back after {back}", contender.name).replace("after never", "never"),
            points: points.collect(),
        }
    };
    contenders.iter().map(line).collect()
}

/// Returns the share of calls within whose time 99 % of the requests stay, each of so many calls.
fn tail_share(fan_out: u32) -> f64 {
    0.99_f64.powf(1.0 / f64::from(fan_out))
}

fn quantile(run: &Run, share: f64) -> Duration {
    let mut times: Vec<Duration> = run.calls.iter().filter_map(Call::latency).collect();
    times.sort_unstable();
    times.get((times.len() as f64 * share) as usize).copied().unwrap_or(Duration::MAX)
}

/// The usual calls a second up to which the whole is simulated.
const MOST_RATE: f64 = 400.0;
const SPIKE: f64 = 10.0;
const SLOWER: f64 = 5.0;
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(8);
const STEP: Duration = Duration::from_millis(250);
const LOADS: [f64; 10] = [0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::Advice;
    use crate::wish::tests::usual;
    use resilient_simulator::latency::Measured;

    fn figures(rows: &[Row], client: &str, trouble: Trouble) -> Row {
        rows.iter().find(|row| row.client == client && row.trouble == trouble.name()).unwrap().clone()
    }

    fn contenders(wish: &Wish) -> Vec<Contender> {
        let stack = Advice::of(wish, "fetch").stack;
        [("none", Stack::none()), ("naive", Stack::naive(wish.slo)), ("plan", stack)]
            .map(|(name, stack)| Contender { name: name.to_owned(), stack })
            .into()
    }

    /// A third of the usual server, so that the spike is one.
    fn busy() -> Wish {
        Wish { rate: 120.0, capacity: 240.0, ..usual() }
    }

    #[test]
    fn plans_survive_what_loops_do_not() {
        let wish = busy();
        let rows = rows(&World::of(&wish), &wish, &contenders(&wish), &[11]);

        let plan = figures(&rows, "plan", Trouble::Spike);
        // an upstream with workers that rest serves no more than it can
        assert!((0.8..1.1).contains(&plan.goodput) && plan.recovery.is_some_and(|time| time < 2.0), "{plan:?}");
        assert!(figures(&rows, "naive", Trouble::Spike).goodput < plan.goodput);
        assert_eq!(figures(&rows, "naive", Trouble::Spike).recovery, None);
        let normal = figures(&rows, "plan", Trouble::Normal);
        assert!(normal.good > 0.997 && normal.amplification < 1.05, "{normal:?}");
        // without a retry, one call in a hundred fails
        assert!((figures(&rows, "none", Trouble::Normal).good - 0.99).abs() < 0.008);
        let hang = figures(&rows, "plan", Trouble::Hang);
        assert!(hang.recovery.is_some_and(|time| time < 3.0), "{hang:?}");
        assert!(hang.amplification < figures(&rows, "naive", Trouble::Hang).amplification, "{hang:?}");
        let throttle = figures(&rows, "plan", Trouble::Throttle);
        assert!(throttle.goodput > 0.8, "{throttle:?}");
    }

    #[test]
    fn an_upstream_without_a_tail_may_let_attempts_wait() {
        let times = Measured::through(&[(0.5, 0.015), (0.99, 0.015)]).unwrap();
        let wish = Wish { times, errors: 0.05, rate: 300.0, capacity: 380.0, ..usual() };

        let rows = rows(&World::of(&wish), &wish, &contenders(&wish), &[3]);

        let normal = figures(&rows, "plan", Trouble::Normal);
        assert!(normal.good > 0.99 && normal.amplification > 1.0, "{normal:?}");
    }

    #[test]
    fn a_planned_limit_keeps_to_the_quota() {
        let wish = Wish { rate: 80.0, quota: Some((100, Duration::from_secs(1))), instances: 4, ..usual() };
        let world = World::of(&wish);
        let mut contenders = contenders(&wish);
        let limited = contenders[2].stack.clone();
        contenders.push(Contender { name: "unlimited".to_owned(), stack: Stack { rate_limit: None, ..limited } });

        let rows = rows(&world, &wish, &contenders, &[7]);

        let normal = |client: &str| figures(&rows, client, Trouble::Normal);
        assert!(normal("plan").good > 0.99, "{:?}", normal("plan"));
        // ten times the calls: what is over the quota ends in the client
        let spike = |client: &str| figures(&rows, client, Trouble::Spike);
        assert!(spike("plan").goodput > 0.9, "{:?}", spike("plan"));
        assert!(spike("plan").amplification < 0.7 * spike("unlimited").amplification, "{:?}", spike("unlimited"));
        assert!(spike("naive").amplification > 1.5, "{:?}", spike("naive"));
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let wish = Wish { idempotent: true, instances: 3, fan_out: 4, ..usual() };
        let world = World::of(&wish);
        let text = || serde_json::to_string(&rows(&world, &wish, &contenders(&wish), &[5])).unwrap();

        let first = text();

        assert_eq!(first, text());
        assert!(first.contains("\"trouble\":\"throttle\""));
    }

    #[test]
    fn worlds_have_the_capacity_that_was_measured() {
        for (rate, capacity) in [(90.0, 954.0), (1.0, 3.0), (40_000.0, 100_000.0)] {
            let world = World::of(&Wish { rate, capacity, instances: 100, ..usual() });
            let whole = world.setup.capacity() * f64::from(world.part);
            assert!((whole / capacity - 1.0).abs() < 0.01, "{capacity}: {whole}");
            assert!(world.rate <= MOST_RATE, "{}", world.rate);
        }
    }
}
