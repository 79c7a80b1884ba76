//! The plots: calls offered and answered well, a second, over the time of a run.

use std::fmt::Write;
use std::time::Duration;

use resilient_scenarios::drive::Call;
use resilient_scenarios::report::Fault;

/// What is drawn of a run.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    name: String,
    /// Calls a second in each quarter of one.
    offered: Vec<f64>,
    good: Vec<f64>,
    /// When something was wrong, and what could be served then.
    fault: Option<Fault>,
}

impl Series {
    pub(crate) fn of(name: impl Into<String>, calls: &[Call], fault: Fault) -> Self {
        let arrivals = calls.iter().map(|call| call.at);
        let answers = calls.iter().filter(|call| call.is_good()).filter_map(|call| Some(call.end.as_ref()?.0));
        Self { name: name.into(), offered: rates(arrivals), good: rates(answers), fault: Some(fault) }
    }
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

/// A drawing with a panel for each of the series, all of one scale.
pub(crate) fn draw(all: &[Series]) -> String {
    let slots = all.iter().map(|series| series.offered.len().max(series.good.len())).max().unwrap_or(1).max(1);
    let highest =
        all.iter().flat_map(|series| series.offered.iter().chain(&series.good)).fold(1.0_f64, |a, b| a.max(*b));
    let height = TOP + (PANEL + GAP) * all.len() as f64 + 12.0;
    let mut svg = String::new();
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Calls offered and answered well, a second, over time\">"
    );
    for (number, series) in all.iter().enumerate() {
        let base = TOP + (PANEL + GAP) * number as f64 + PANEL;
        let x = |slot: f64| LEFT + (WIDTH - LEFT - RIGHT) * slot / slots as f64;
        let y = |rate: f64| base - PANEL * rate / highest;
        if let Some(Fault { from, until, capacity }) = series.fault {
            let (from, until) = (x(from.as_secs_f64() / SLOT), x(until.as_secs_f64() / SLOT));
            let (top, wide) = (base - PANEL, until - from);
            let _ = writeln!(
                svg,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{PANEL}\"/>"
            );
            let at = y(capacity.min(highest));
            let _ = writeln!(
                svg,
                "<line class=\"capacity\" x1=\"{from:.1}\" x2=\"{until:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
            );
        }
        for (class, rates) in [("offered", &series.offered), ("good", &series.good)] {
            let mut points = String::new();
            for (slot, rate) in rates.iter().enumerate() {
                let _ = write!(points, "{:.1},{:.1} ", x(slot as f64 + 0.5), y(*rate));
            }
            let _ = writeln!(svg, "<polyline class=\"{class}\" points=\"{}\"/>", points.trim_end());
        }
        let _ = writeln!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{base:.1}\" y2=\"{base:.1}\"/>",
            WIDTH - RIGHT
        );
        let title = series.name.replace('*', "");
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\">{title}</text>", base - PANEL - 6.0);
        for second in 0..=(slots as f64 * SLOT) as usize {
            let at = x(second as f64 / SLOT);
            let _ =
                writeln!(svg, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second} s</text>", base + 14.0);
        }
        for rate in [0.0, highest] {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{rate:.0}</text>",
                LEFT - 6.0,
                y(rate) + 4.0
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The same as an image of its own.
pub(crate) fn standalone(all: &[Series]) -> String {
    draw(all).replacen(
        '>',
        &format!(">\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"),
        1,
    )
}

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#5b6575}.band{fill:#fff1d6}.axis{stroke:#5b6575}\
    .capacity{stroke:#d96b0b;stroke-dasharray:4 3}polyline{fill:none;stroke-width:2.2;stroke-linejoin:round}\
    .offered{stroke:#9aa3b2}.good{stroke:#1d63d8}";
/// Seconds.
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
