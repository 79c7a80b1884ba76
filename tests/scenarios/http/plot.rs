//! The plots: calls offered and answered well, a second, over the time of a run.

use std::fmt::Write;
use std::time::Duration;

use resilient_scenarios::drive::Call;
use resilient_scenarios::report::Fault;

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

/// Draws a panel for each of the series, all to one scale.
pub(crate) fn draw(all: &[Series]) -> String {
    let slots = all.iter().map(|series| series.offered.len().max(series.good.len())).max().unwrap_or(1).max(1);
    let most_offered = highest(all.iter().flat_map(|series| &series.offered));
    let served = highest(all.iter().flat_map(|series| &series.good))
        .max(all.iter().filter_map(|series| series.fault).map(|fault| fault.capacity).fold(1.0, f64::max));
    // a spike far above the rate that can be served would press that rate to the bottom, so the top of the spike is cut off
    let top_rate = if most_offered > 3.0 * served { 1.5 * served } else { most_offered.max(served) };
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
        let y = |rate: f64| base - PANEL * rate.min(top_rate) / top_rate;
        if let Some(Fault { from, until, capacity }) = series.fault {
            let (from, until) = (x(from.as_secs_f64() / SLOT), x(until.as_secs_f64() / SLOT));
            let (top, wide) = (base - PANEL, until - from);
            let _ = writeln!(
                svg,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{PANEL}\"/>"
            );
            let at = y(capacity);
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
        let offered = highest(&series.offered);
        if offered > top_rate {
            let middle = series.fault.map_or(Duration::ZERO, |fault| (fault.from + fault.until) / 2);
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">up to {offered:.0} offered</text>",
                x(middle.as_secs_f64() / SLOT),
                base - PANEL + 14.0
            );
        }
        for second in 0..=(slots as f64 * SLOT) as usize {
            let at = x(second as f64 / SLOT);
            let _ =
                writeln!(svg, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second} s</text>", base + 14.0);
        }
        for rate in [0.0, top_rate] {
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

/// Explains the lines, at the right of the first title.
fn legend() -> String {
    let mut svg = String::new();
    let (line, text) = (TOP - 10.0, TOP - 6.0);
    for (place, kind, name) in [
        (WIDTH - 408.0, "polyline class=\"offered\"", "offered a second"),
        (WIDTH - 262.0, "polyline class=\"good\"", "answered well"),
        (WIDTH - 130.0, "polyline class=\"capacity\"", "can be served"),
    ] {
        let _ = writeln!(svg, "<{kind} points=\"{place:.1},{line:.1} {:.1},{line:.1}\"/>", place + 20.0);
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{text:.1}\">{name}</text>", place + 26.0);
    }
    svg.truncate(svg.trim_end().len());
    svg
}

fn highest<'r>(rates: impl IntoIterator<Item = &'r f64>) -> f64 {
    rates.into_iter().fold(1.0_f64, |a, b| a.max(*b))
}

/// Draws the same as an image of its own, with the explanation of its lines.
pub(crate) fn standalone(all: &[Series]) -> String {
    let legend = legend();
    draw(all).replacen(
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

    let svg = draw(&[spike]);

    assert!(svg.contains(">up to 1000 offered<") && svg.contains(">150<"), "{svg}");
}
