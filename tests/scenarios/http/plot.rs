//! The plots: calls offered and answered well, a second, over the time of a run; and the longest times of two clients.

use std::fmt::Write;
use std::time::Duration;

use resilient_scenarios::drive::Call;
use resilient_scenarios::report::Fault;

/// The plot of a scenario, with a panel for each part of it.
#[derive(Debug, Clone)]
pub(crate) enum Plot {
    Series(Vec<Series>),
    Tails(Vec<Tail>),
}

/// The times of the slowest tenth of the calls of two clients, shortest first.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    name: String,
    plain: Vec<Duration>,
    ours: Vec<Duration>,
}

/// The curves of a run.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    name: String,
    /// The calls a second in each quarter of a second.
    offered: Vec<f64>,
    good: Vec<f64>,
    /// The time when something was wrong, and the rate that could be served then.
    fault: Option<Fault>,
}

impl Series {
    pub(crate) fn of(name: impl Into<String>, calls: &[Call], fault: Fault) -> Self {
        let arrivals = calls.iter().map(|call| call.at);
        let answers = calls.iter().filter(|call| call.is_good()).filter_map(|call| Some(call.end.as_ref()?.0));
        let (offered, mut good) = (rates(arrivals), rates(answers));
        // while calls come, no answer is a rate of zero
        good.resize(good.len().max(offered.len()), 0.0);
        Self { name: name.into(), offered, good, fault: Some(fault) }
    }
}

impl Tail {
    pub(crate) fn of(name: impl Into<String>, plain: &[Call], ours: &[Call]) -> Self {
        Self { name: name.into(), plain: slowest(plain), ours: slowest(ours) }
    }
}

/// Returns the longest times. Calls without an answer have none.
fn slowest(calls: &[Call]) -> Vec<Duration> {
    let mut times: Vec<Duration> = calls.iter().filter_map(Call::latency).collect();
    times.sort_unstable();
    times.split_off(times.len() - times.len() / 10)
}

fn rates(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut rates = Vec::new();
    for time in times {
        let slot = (time.as_secs_f64() / SLOT) as usize;
        if rates.len() <= slot {
            rates.resize(slot + 1, 0.0);
        }
        rates[slot] += 1.0 / SLOT;
    }
    rates
}

/// Draws a panel for each part.
pub(crate) fn draw(plot: &Plot) -> String {
    match plot {
        Plot::Series(all) => series(all),
        Plot::Tails(all) => tails(all),
    }
}

/// Draws a panel for each of the tails, each to its own scale.
fn tails(all: &[Tail]) -> String {
    let mut svg = begin("Times of the slowest tenth of the searches", all.len());
    for (number, tail) in all.iter().enumerate() {
        // up to the time of one search in two hundred, for the longest of all would press the others to the bottom
        let longest = tail.plain.get(tail.plain.len() * 19 / 20).copied().unwrap_or(Duration::from_millis(1));
        let panel = Panel::new(number, 10.0, longest.as_secs_f64());
        for (class, times) in [("offered", &tail.plain), ("good", &tail.ours)] {
            let step = 10.0 / times.len().max(1) as f64;
            panel.line(
                &mut svg,
                class,
                times.iter().zip(1..).map(|(time, rank)| (f64::from(rank) * step, time.as_secs_f64())),
            );
        }
        panel.frame(
            &mut svg,
            &tail.name,
            (0..=10).map(|place| (f64::from(place), format!("{} %", 90 + place))),
            |seconds| format!("{:.0} ms", seconds * 1_000.0),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Begins an image with so many panels.
fn begin(label: &str, panels: usize) -> String {
    let height = TOP + (PANEL + GAP) * panels as f64 + 12.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">\n"
    )
}

/// The place of a panel, and its scales.
#[derive(Debug, Clone, Copy)]
struct Panel {
    base: f64,
    right: f64,
    top: f64,
}

impl Panel {
    fn new(number: usize, right: f64, top: f64) -> Self {
        Self { base: TOP + (PANEL + GAP) * number as f64 + PANEL, right, top }
    }

    fn x(self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * value / self.right
    }

    fn y(self, value: f64) -> f64 {
        self.base - PANEL * value.min(self.top) / self.top
    }

    // Writing to a `String` cannot fail.
    fn line(self, svg: &mut String, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<String> = points.map(|(x, y)| format!("{:.1},{:.1}", self.x(x), self.y(y))).collect();
        let _ = writeln!(svg, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }

    /// Draws the axis, the title, and the numbers below and at the left.
    fn frame(
        self,
        svg: &mut String,
        title: &str,
        marks: impl Iterator<Item = (f64, String)>,
        show: impl Fn(f64) -> String,
    ) {
        let Self { base, top, .. } = self;
        let (right, above) = (WIDTH - RIGHT, base - PANEL - 6.0);
        let _ =
            writeln!(svg, "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right:.1}\" y1=\"{base:.1}\" y2=\"{base:.1}\"/>");
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{above:.1}\">{}</text>", title.replace('*', ""));
        for (at, text) in marks {
            let (at, below) = (self.x(at), base + 14.0);
            let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{text}</text>");
        }
        for value in [0.0, top] {
            let (left, at) = (LEFT - 6.0, self.y(value) + 4.0);
            let _ = writeln!(svg, "<text x=\"{left:.1}\" y=\"{at:.1}\" text-anchor=\"end\">{}</text>", show(value));
        }
    }
}

/// Draws a panel for each of the series, all to one scale.
fn series(all: &[Series]) -> String {
    let slots = all.iter().map(|series| series.offered.len().max(series.good.len())).max().unwrap_or(1).max(1);
    let most_offered = highest(all.iter().flat_map(|series| &series.offered));
    let served = highest(all.iter().flat_map(|series| &series.good))
        .max(all.iter().filter_map(|series| series.fault).map(|fault| fault.capacity).fold(1.0, f64::max));
    // a spike far above the rate that can be served would press that rate to the bottom, so the top of the spike is cut off
    let top_rate = if most_offered > 3.0 * served { 1.5 * served } else { most_offered.max(served) };
    let mut svg = begin("Calls offered and answered well, a second, over time", all.len());
    for (number, series) in all.iter().enumerate() {
        let panel = Panel::new(number, slots as f64, top_rate);
        if let Some(Fault { from, until, capacity }) = series.fault {
            let (from, until) = (panel.x(from.as_secs_f64() / SLOT), panel.x(until.as_secs_f64() / SLOT));
            let (top, wide) = (panel.base - PANEL, until - from);
            let _ = writeln!(
                svg,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{PANEL}\"/>"
            );
            let at = panel.y(capacity);
            let _ = writeln!(
                svg,
                "<line class=\"capacity\" x1=\"{from:.1}\" x2=\"{until:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
            );
        }
        for (class, rates) in [("offered", &series.offered), ("good", &series.good)] {
            panel.line(&mut svg, class, rates.iter().zip(0..).map(|(&rate, slot)| (f64::from(slot) + 0.5, rate)));
        }
        let seconds =
            (0..=(slots as f64 * SLOT) as u32).map(|second| (f64::from(second) / SLOT, format!("{second} s")));
        panel.frame(&mut svg, &series.name, seconds, |rate| format!("{rate:.0}"));
        let offered = highest(&series.offered);
        if offered > top_rate {
            let middle = series.fault.map_or(Duration::ZERO, |fault| (fault.from + fault.until) / 2);
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">up to {offered:.0} offered</text>",
                panel.x(middle.as_secs_f64() / SLOT),
                panel.base - PANEL + 14.0
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Explains the lines, at the right of the first title.
fn legend(plot: &Plot) -> String {
    let mut svg = String::new();
    let (line, text) = (TOP - 10.0, TOP - 6.0);
    let lines: &[_] = match plot {
        Plot::Series(_) => &[
            (WIDTH - 408.0, "offered", "offered a second"),
            (WIDTH - 262.0, "good", "answered well"),
            (WIDTH - 130.0, "capacity", "can be served"),
        ],
        Plot::Tails(_) => &[(WIDTH - 262.0, "offered", "join_all"), (WIDTH - 130.0, "good", "ours")],
    };
    for (place, class, name) in lines {
        let _ = writeln!(
            svg,
            "<polyline class=\"{class}\" points=\"{place:.1},{line:.1} {:.1},{line:.1}\"/>",
            place + 20.0
        );
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{text:.1}\">{name}</text>", place + 26.0);
    }
    svg.truncate(svg.trim_end().len());
    svg
}

fn highest<'r>(rates: impl IntoIterator<Item = &'r f64>) -> f64 {
    rates.into_iter().fold(1.0_f64, |a, b| a.max(*b))
}

/// Draws the same as an image of its own, with the explanation of its lines.
pub(crate) fn standalone(plot: &Plot) -> String {
    let legend = legend(plot);
    draw(plot).replacen(
        '>',
        &format!(">\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{legend}"),
        1,
    )
}

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#5b6575}.band{fill:#fff1d6}.axis{stroke:#5b6575}\
    .capacity{stroke:#d96b0b;stroke-dasharray:4 3}polyline{fill:none;stroke-width:2.2;stroke-linejoin:round}\
    .offered{stroke:#9aa3b2}.good{stroke:#1d63d8}";
/// The length of a slot, in seconds.
const SLOT: f64 = 0.25;
const WIDTH: f64 = 860.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 20.0;
const PANEL: f64 = 90.0;
const GAP: f64 = 42.0;

#[test]
fn a_series_counts_calls_a_second() {
    let times = [0, 100, 200, 600].map(Duration::from_millis);

    assert_eq!(rates(times.into_iter()), [12.0, 0.0, 4.0]);
}

#[test]
fn a_spike_does_not_press_what_is_served_to_the_bottom() {
    let fault = Fault { from: Duration::from_secs(1), until: Duration::from_secs(2), capacity: 100.0 };
    let offered = vec![100.0, 100.0, 100.0, 100.0, 1_000.0, 1_000.0, 1_000.0, 1_000.0];
    let spike = Series { name: "spike".to_owned(), good: vec![100.0; 8], offered, fault: Some(fault) };

    let svg = draw(&Plot::Series(vec![spike]));

    assert!(svg.contains(">up to 1000 offered<") && svg.contains(">150<"), "{svg}");
}

#[test]
fn a_tail_is_the_slowest_tenth() {
    let call = |millis| Call {
        at: Duration::ZERO,
        slo: Duration::from_secs(1),
        end: Some((Duration::from_millis(millis), Ok(()))),
    };
    let calls: Vec<Call> = (1..=100).rev().map(call).collect();

    let tail = Tail::of("search", &calls, &calls[50..]);

    assert_eq!((tail.plain.len(), tail.plain[0], tail.ours.len()), (10, Duration::from_millis(91), 5));
    assert!(draw(&Plot::Tails(vec![tail])).contains(">99 %<"));
}
