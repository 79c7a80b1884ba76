//! The layers of a stack, and the way of one call through them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use resilient::{Bulkhead, bulkhead, circuit_breaker, retry, timeout};
use resilient_simulator::calls::{CallError, Target};
use resilient_simulator::server::{Down, Setup};
use tokio::time::{Instant, sleep};

use super::Picture;
use super::chart::{Axis, Chart, LEFT, Line, Panel, RIGHT, Svg, Tone, WIDTH};
use super::runs::{self, SEED, client, ms, plan, seconds, story};

/// Draws the recommended order: each layer is a box around the next.
pub(super) fn layers() -> Picture {
    let alt = "The recommended order of the policies as boxes inside each other, from the fallback to the body";
    let (step, inset) = (27.0, 10.0);
    let deepest = LAYERS.len() as f64 - 1.0;
    let height = 16.0 + LAYERS.len() as f64 * step + deepest * 6.0 + 16.0;
    let mut svg = Svg::new(height, alt);
    for (number, (name, part)) in LAYERS.iter().enumerate() {
        let depth = number as f64;
        let (x, y) = (16.0 + inset * depth, 16.0 + step * depth);
        svg.rectangle("o", x, y, WIDTH - 2.0 * x, height - 16.0 - 6.0 * depth - y);
        svg.text(if number > RETRY { "a" } else { "h" }, x + 10.0, y + 18.0, name);
        svg.text("e", WIDTH - x - 10.0, y + 18.0, part);
    }
    Picture {
        name: "layers",
        page: "order",
        alt,
        svg: svg.end(),
        caption: "A call goes from the outside to the inside, and its outcome comes back the same way. The layers down to `retry` see the call \
                  once. Those inside it, in blue, see each attempt."
            .to_owned(),
    }
}

const LAYERS: [(&str, &str); 11] = [
    ("fan_out", "one call for each item"),
    ("fallback", "answers when all else is lost"),
    ("coalesce", "equal calls share one run"),
    ("timeout(total)", "the time that the caller waits"),
    ("retry", "begins the attempts"),
    ("hedge", "begins another one beside a slow one"),
    ("circuit_breaker", "counts the attempts that fail"),
    ("rate_limit", "so many a second"),
    ("bulkhead", "so many at once"),
    ("timeout(attempt)", "the time of the server"),
    ("body", "your code"),
];
const RETRY: usize = 4;

/// Draws one call whose first attempt fails, whose second one hangs and whose third one succeeds.
pub(super) fn call() -> Picture {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    resilient::test::seed(SEED);
    let trace = runtime.expect("a runtime").block_on(async {
        let trace = Trace { start: Instant::now(), spans: Mutex::default() };
        let place = Bulkhead::named("fetch").limit(1).max_wait(ms(500));
        let other = place.acquire().await.expect("a free place");
        let first = async {
            sleep(ms(40)).await;
            drop(other);
        };
        let (outcome, ()) = tokio::join!(fetch(&trace, &place), first);
        trace.note("call", Duration::ZERO);
        outcome.expect("the third attempt succeeds");
        trace
    });
    let spans = trace.spans.into_inner().unwrap_or_else(PoisonError::into_inner);
    let of = |which: &str| -> Vec<(f64, f64)> {
        let found = spans.iter().filter(|(name, ..)| *name == which);
        found.map(|(_, from, until)| (from.as_secs_f64() * 1e3, until.as_secs_f64() * 1e3)).collect()
    };
    let (bodies, waits, end) = (of("body"), of("wait"), of("call")[0].1);

    let alt = "The spans of one call with three attempts, for each layer of its stack";
    let x = |time: f64| NAMES + (WIDTH - NAMES - RIGHT) * time / 800.0;
    let mut svg = Svg::new(TOP + 6.0 * LANE + 44.0, alt);
    let y = |lane: usize| TOP + LANE * lane as f64;
    for (lane, name) in
        ["timeout(total)", "retry", "circuit_breaker", "bulkhead", "timeout(attempt)", "body"].into_iter().enumerate()
    {
        svg.text("h e", NAMES - 12.0, y(lane) + 17.0, name);
        svg.line("g", (LEFT, y(lane) + LANE - 4.0), (WIDTH - RIGHT, y(lane) + LANE - 4.0));
    }
    let bar = |svg: &mut Svg, class: &str, lane: usize, (from, until): (f64, f64)| {
        svg.rectangle(class, x(from), y(lane) + 5.0, x(until) - x(from), 16.0);
    };
    bar(&mut svg, "c", 0, (0.0, end));
    for wait in &waits {
        bar(&mut svg, "c", 1, *wait);
        svg.text("m", x(f64::midpoint(wait.0, wait.1)), y(1) + 17.0, "waits");
    }
    for (number, body) in bodies.iter().enumerate() {
        let last = number + 1 == bodies.len();
        let class = if last { "a" } else { "b" };
        let entered = if number == 0 { 0.0 } else { waits[number - 1].1 };
        bar(&mut svg, class, 1, (entered, body.1));
        if body.0 > entered {
            bar(&mut svg, "c", 3, (entered, body.0));
        }
        for lane in 3..6 {
            bar(&mut svg, class, lane, *body);
        }
        bar(&mut svg, class, 2, (body.1 - 1.0, body.1 + 1.0));
        svg.text("e", x(body.1) - 5.0, y(2) + 17.0, if last { "success" } else { "failure" });
    }
    let base = TOP + 6.0 * LANE + 2.0;
    svg.line("x", (NAMES, base), (WIDTH - RIGHT, base));
    for time in [0_u32, 200, 400, 600, 800] {
        svg.line("x", (x(f64::from(time)), base), (x(f64::from(time)), base + 4.0));
        svg.text("m", x(f64::from(time)), base + 18.0, &time.to_string());
    }
    svg.text("e", WIDTH - RIGHT, base + 34.0, "time (ms)");
    Picture {
        name: "call",
        page: "order",
        alt,
        svg: svg.end(),
        caption: format!(
            "One call, measured: grey is waiting. Another call has the only place of the bulkhead for the first {:.0} ms. The first attempt then \
             fails after {:.0} ms, the second one hangs and is cut off after {:.0} ms, and the third one succeeds. Between them the retry waits for {:.0} and \
             {:.0} ms, and holds no place meanwhile. The caller has its answer after {end:.0} ms.",
            bodies[0].0,
            bodies[0].1 - bodies[0].0,
            bodies[1].1 - bodies[1].0,
            waits[0].1 - waits[0].0,
            waits[1].1 - waits[1].0,
        ),
    }
}

/// Draws an outage with a time-out below a breaker, and above it.
pub(super) fn places() -> Picture {
    let hangs = Down { from: seconds(5), until: seconds(15), hangs: true };
    let plan = plan(Setup { tail: false, down: vec![hangs], ..Setup::of(40) }, &[(200.0, 20)]);
    let (above, below) = (story(&plan, Above), story(&plan, Below));

    let alt = "Callers that wait during an outage, with the time-out above the circuit breaker and below it";
    let chart = Chart {
        across: Axis::even("time (s)", 20.0, 5.0),
        panels: vec![Panel {
            up: Axis::even("callers that wait", 240.0, 80.0),
            band: Some((5.0, 15.0, "the server does not answer")),
            lines: vec![
                Line::new(Tone::Without, above.under_way(), ("the time-out above the breaker", 10.0, 165.0)),
                Line::new(Tone::With, below.under_way(), ("the time-out below the breaker", 10.0, 28.0)),
            ],
        }],
    };
    Picture {
        name: "places",
        page: "order",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "With the time-out above the breaker the server gets {:.0} attempts a second during the outage, with the time-out below it {:.1}.",
            above.attempts_within(7, 15),
            below.attempts_within(7, 15),
        ),
    }
}

client!(Above, above);
client!(Below, below);

#[timeout("1s")]
#[circuit_breaker]
async fn above(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}

#[circuit_breaker]
#[timeout("1s")]
async fn below(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}

/// The spans of a call, with their beginnings and ends.
struct Trace {
    start: Instant,
    spans: Mutex<Vec<(&'static str, Duration, Duration)>>,
}

impl Trace {
    /// Notes a span that ends now.
    fn note(&self, name: &'static str, from: Duration) {
        self.push(name, from, self.start.elapsed());
    }

    fn push(&self, name: &'static str, from: Duration, until: Duration) {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push((name, from, until));
    }
}

/// A body under way, which is noted when it ends or is cut off.
struct Body<'a>(&'a Trace, Duration);

impl Drop for Body<'_> {
    fn drop(&mut self) {
        self.0.note("body", self.1);
    }
}

#[timeout(total = "2s")]
#[retry(number = attempt, on_retry = |retrying| trace.push("wait", trace.start.elapsed(), trace.start.elapsed() + retrying.delay))]
#[circuit_breaker]
#[bulkhead(with = *place)]
#[timeout(attempt = "150ms")]
async fn fetch(trace: &Trace, place: &Bulkhead) -> Result<(), CallError> {
    let _body = Body(trace, trace.start.elapsed());
    match attempt {
        0 => sleep(ms(50)).await,
        1 => std::future::pending().await,
        _ => {
            sleep(ms(60)).await;
            return Ok(());
        }
    }
    Err(CallError::Lost)
}

const NAMES: f64 = 150.0;
const TOP: f64 = 16.0;
const LANE: f64 = 30.0;
