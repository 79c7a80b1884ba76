//! S6: a provider that allows a hundred calls a second, and is offered half as many again.

use std::sync::Arc;
use std::time::Duration;

use resilient_scenarios::arrivals::{Stretch, poisson};
use resilient_scenarios::callers::{ByErrors, CAP, Naive, NoPolicy, Ours, Tower};
use resilient_scenarios::calls::{Client, SLO};
use resilient_scenarios::drive::{Call, open_loop};
use resilient_scenarios::provider::{HOSTILE, Headers, Ledger, Provider, Terms};
use resilient_scenarios::quota::{self, Used};
use resilient_scenarios::report::{Fault, percent};

use crate::ask::{Ask, providing};
use crate::cli::{Args, Scenario};
use crate::host::{Host, Port};
use crate::lanes::{self, Job};
use crate::page::Section;
use crate::plot::{Plot, Series};
use crate::verdict::{Check, seconds};
use crate::wire;

/// The record of a run with one kind of caller.
struct Throttled {
    calls: Vec<Call>,
    ledger: Ledger,
    lost: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    NoPolicy,
    Naive,
    Tower,
    Ours,
    ByErrors,
}

pub(crate) fn section(args: &Args) -> Section {
    let time = if args.quick { Duration::from_secs(7) } else { Duration::from_secs(12) };
    let mut rows = vec![
        ("no policy", Headers::Seconds, Caller::NoPolicy),
        ("naive retry", Headers::Seconds, Caller::Naive),
        ("tower", Headers::Seconds, Caller::Tower),
        ("**ours**, `Retry-After` in seconds", Headers::Seconds, Caller::Ours),
        ("**ours**, `Retry-After` with a date", Headers::Date, Caller::Ours),
        ("**ours**, `RateLimit` of a minute", Headers::Minute, Caller::Ours),
        ("**ours**, `X-RateLimit-…` of the burst", Headers::Burst, Caller::Ours),
    ];
    if !args.quick {
        rows.push(("**ours**, the same, by errors only", Headers::Burst, Caller::ByErrors));
    }
    let jobs = rows.iter().flat_map(|&(_, headers, caller)| {
        args.seeds.iter().map(move |&seed| Box::new(move || run(seed, time, &terms(headers), caller)) as Job<Throttled>)
    });
    let jobs = jobs.collect();
    let (runs, hostile) = std::thread::scope(|scope| {
        let hostile = scope.spawn(|| hostile(args));
        (lanes::run(8, Duration::from_millis(50), jobs), hostile.join().expect("no run panics"))
    });

    let mut table = quota::table("150/s offered where 100/s are allowed; nothing is for two seconds in between");
    let (mut checks, mut series, mut imbalances) = (Vec::new(), Vec::new(), Vec::new());
    let count = |count: usize| count.to_string();
    for (&(name, headers, caller), runs) in rows.iter().zip(runs.chunks(args.seeds.len())) {
        let terms = terms(headers);
        let used = runs.iter().map(|run| Used::of(&run.calls, &run.ledger, &terms, time));
        let used = used.reduce(Used::worse).expect("there is a seed");
        quota::row(&mut table, name, used);
        imbalances.extend(runs.iter().filter_map(|run| Some(format!("{name}: {}", run.imbalance()?))));
        series.push(Series::of(
            name.replace('`', ""),
            &runs[0].calls,
            Fault { from: CLOSES, until: OPENS, capacity: 0.0 },
        ));
        if matches!(caller, Caller::Ours | Caller::ByErrors) {
            let name = name.replace(['*', '`'], "");
            checks.push(Check::most(format!("{name}: attempts before the time named"), used.early, 0, 0, count));
            checks.push(Check::most(format!("{name}: 429s"), used.refused, 0.02, 0.02, percent).only_aim());
            checks.push(Check::least(format!("{name}: quota used"), used.used, 0.95, 0.95, percent).only_aim());
            checks.push(Check::most(format!("{name}: most in 100 ms"), used.herd, 20, 20, count).only_aim());
        }
    }
    let (worst_gap, worst_call, hostile) = hostile;
    imbalances.extend(hostile);
    let cap = CAP + Duration::from_millis(250);
    checks.push(Check::most(
        "the longest pause by a malformed value (`max_pause` is 3 s)",
        worst_gap,
        cap,
        cap,
        seconds,
    ));
    let most = SLO + Duration::from_millis(250);
    checks.push(Check::most("the longest call meanwhile (`total` is 1 s)", worst_call, most, most, seconds));
    checks.push(Check::books("S6: the books", imbalances));
    Section { scenario: Scenario::S6, what: WHAT, tables: vec![table], checks, plot: Plot::Series(series) }
}

/// Returns the longest pause and the longest call over all malformed values, and the contradictions in the books.
fn hostile(args: &Args) -> (Duration, Duration, Vec<String>) {
    let time = Duration::from_secs(if args.quick { 7 } else { 9 });
    let values: Vec<&str> = if args.quick { HOSTILE.iter().copied().step_by(3).collect() } else { HOSTILE.to_vec() };
    let jobs = values.iter().map(|&text| {
        let terms = Terms { closed: Some((SECOND, 2 * SECOND)), ..terms(Headers::Hostile(text)) };
        Box::new(move || run(1, time, &terms, Caller::Ours)) as Job<Throttled>
    });
    let runs = lanes::run(14, Duration::from_millis(50), jobs.collect());
    let mut imbalances = Vec::new();
    let (mut longest_gap, mut longest_call) = (Duration::ZERO, Duration::ZERO);
    for (text, run) in values.iter().zip(&runs) {
        let gaps = run.ledger.sent.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        longest_gap = longest_gap.max(gaps.max().unwrap_or(Duration::MAX));
        let calls =
            run.calls.iter().map(|call| call.end.as_ref().map_or(Duration::MAX, |end| end.0.saturating_sub(call.at)));
        longest_call = longest_call.max(calls.max().unwrap_or(Duration::MAX));
        imbalances.extend(run.imbalance().map(|what| format!("`{text}`: {what}")));
    }
    (longest_gap, longest_call, imbalances)
}

impl Throttled {
    fn imbalance(&self) -> Option<String> {
        let Ledger { sent, left, arrived, .. } = &self.ledger;
        let ways = [Call::is_good, Call::is_refused, Call::is_late];
        let outcomes: usize = ways.iter().map(|is| self.calls.iter().filter(|call| is(call)).count()).sum();
        if outcomes != self.calls.len() {
            return Some(format!("{} calls and {outcomes} outcomes", self.calls.len()));
        }
        // An attempt that was given up may have arrived or not.
        let fits = arrived.len() <= sent.len() && sent.len() <= arrived.len() + left;
        (!fits || self.lost > 0)
            .then(|| format!("{} attempts, {} arrived, {left} given up, {} lost", sent.len(), arrived.len(), self.lost))
    }
}

fn run(seed: u64, time: Duration, terms: &Terms, caller: Caller) -> Throttled {
    match caller {
        Caller::NoPolicy => with(seed, time, terms, NoPolicy),
        Caller::Naive => with(seed, time, terms, Naive),
        Caller::Tower => with(seed, time, terms, Tower::new),
        Caller::Ours => with(seed, time, terms, Ours::new),
        Caller::ByErrors => with(seed, time, terms, |ask| ByErrors(Ours::new(ask))),
    }
}

fn with<C: Client>(seed: u64, time: Duration, terms: &Terms, client: impl Fn(Ask) -> C) -> Throttled {
    let port = Port::bind();
    let provider = Provider::open(terms.clone(), seed);
    let ask = Ask::new(wire::connections(), port.url.clone(), Arc::clone(&provider));
    let _host = Host::start(vec![(port, providing(Arc::clone(&provider)))], Vec::new());
    let arrivals = poisson(seed, &[Stretch { rate: 150.0, time }]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let calls = runtime.block_on(async {
        // The client is made here, since tower's buffer begins a task when it is made.
        let shared = Arc::new(client(ask.clone()));
        open_loop(&arrivals, &vec![shared; 8], || ()).await
    });
    Throttled { calls, ledger: provider.ledger(), lost: ask.lost() }
}

fn terms(headers: Headers) -> Terms {
    Terms { rate: 100.0, burst: 20.0, closed: Some((CLOSES, OPENS)), headers }
}

const SECOND: Duration = Duration::from_secs(1);
const CLOSES: Duration = Duration::from_secs(3);
const OPENS: Duration = Duration::from_secs(5);
const WHAT: &str = "A provider allows 100 calls a second and 20 at once, and for two seconds none at all. Eight callers share \
    150 a second.";
