//! Draws the charts: one panel each, both axes logarithmic.

use std::fmt::{self, Write as _};

use crate::charts::Chart;

/// Returns all charts as one SVG that needs nothing else.
pub(crate) fn draw(charts: &[Chart]) -> String {
    let mut svg = String::new();
    write_all(&mut svg, charts).expect("a string takes everything");
    svg
}

fn write_all(svg: &mut String, charts: &[Chart]) -> fmt::Result {
    let height = charts.len() as f64 * PANEL + 10.0;
    writeln!(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\"")?;
    writeln!(svg, " aria-label=\"Nanoseconds per call over the size of what the call works in\">")?;
    writeln!(svg, "<style>{STYLE}</style>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>")?;
    for (index, chart) in charts.iter().enumerate() {
        panel(svg, chart, index as f64 * PANEL)?;
    }
    writeln!(svg, "</svg>")
}

fn panel(svg: &mut String, chart: &Chart, top: f64) -> fmt::Result {
    let points = || chart.curves.iter().flat_map(|curve| &curve.points);
    let decades = |value: fn(&(u64, f64)) -> f64| {
        let values = || points().map(value).map(|value| value.max(1.0).log10());
        let (least, most) = (values().fold(f64::INFINITY, f64::min).floor(), values().fold(0.0, f64::max).ceil());
        (least, most.max(least + 1.0))
    };
    let (first, _) = decades(|point| point.0 as f64);
    let last = points().map(|point| point.0 as f64).fold(10.0, f64::max).log10();
    let (lowest, highest) = decades(|point| point.1);
    let (head, foot) = (top + HEAD, top + HEAD + PLOT);
    let x = |size: f64| LEFT + (RIGHT - LEFT) * (size.log10() - first) / (last - first);
    let y = |nanos: f64| foot - PLOT * (nanos.max(1.0).log10() - lowest) / (highest - lowest);

    text(svg, LEFT, top + 24.0, "name", chart.title)?;
    for decade in lowest as i32..=highest as i32 {
        let (nanos, y) = (10_f64.powi(decade), y(10_f64.powi(decade)));
        writeln!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>")?;
        text(svg, LEFT - 6.0, y + 4.0, "tick end", &format!("{nanos} ns"))?;
    }
    for decade in first as i32..=last as i32 {
        let (size, x) = (10_f64.powi(decade), x(10_f64.powi(decade)));
        writeln!(svg, "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{head}\" y2=\"{foot}\"/>")?;
        text(svg, x, foot + 16.0, "tick", &size.to_string())?;
    }
    text(svg, f64::midpoint(LEFT, RIGHT), foot + 32.0, "unit", chart.axis)?;
    text(svg, RIGHT + 20.0, top + 24.0, "tick start", chart.unit)?;

    for (index, curve) in chart.curves.iter().enumerate() {
        let colour = if curve.is_ours() { COLOURS[index % COLOURS.len()] } else { "#8b96a0" };
        let dashes = if curve.is_ours() { "" } else { " stroke-dasharray=\"5 3\"" };
        let mut line = String::new();
        for &(size, nanos) in &curve.points {
            write!(line, " {:.1},{:.1}", x(size as f64), y(nanos))?;
        }
        writeln!(svg, "<polyline stroke=\"{colour}\"{dashes} points=\"{}\"/>", line.trim_start())?;
        for &(size, nanos) in &curve.points {
            writeln!(svg, "<circle fill=\"{colour}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.4\"/>", x(size as f64), y(nanos))?;
        }
        let at = head + 12.0 + index as f64 * ENTRY;
        let (from, until) = (RIGHT + 20.0, RIGHT + 44.0);
        writeln!(svg, "<polyline stroke=\"{colour}\"{dashes} points=\"{from},{at} {until},{at}\"/>")?;
        text(svg, until + 7.0, at + 4.0, "label", &curve.name.replace('`', ""))?;
    }
    Ok(())
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, content: &str) -> fmt::Result {
    writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{content}</text>")
}

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 640.0;
/// The space above a panel's drawing area, and its height.
const HEAD: f64 = 36.0;
const PLOT: f64 = 160.0;
const PANEL: f64 = HEAD + PLOT + 46.0;
const ENTRY: f64 = 20.0;
const COLOURS: [&str; 7] = ["#1f5fa8", "#c8641d", "#2a8a57", "#8a4fb0", "#b3304a", "#0d8a9e", "#a58a00"];
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#3c4650;text-anchor:middle}\
    .name{font-weight:600;font-size:14px;fill:#1b232b;text-anchor:start}.label,.start{text-anchor:start}\
    .tick{font-size:11px;fill:#67727d}.end{text-anchor:end}.start{text-anchor:start}\
    .grid{stroke:#e3e8ec;stroke-width:1}polyline{fill:none;stroke-width:1.7;stroke-linejoin:round}";
