//! Draws the runs: one pair of panels an algorithm, on one axis of time.

use std::fmt::{self, Write};
use std::ops::Range;

use super::{PHASES, Run};

/// A drawing area with its vertical scale.
struct Panel {
    top: f64,
    height: f64,
    most: f64,
    unit: &'static str,
    step: u32,
}

/// The whole picture as one SVG file that needs nothing else.
pub(super) fn draw(runs: &[(&str, Run); 3]) -> Result<String, fmt::Error> {
    let mut svg = String::new();
    let height = TOP + runs.len() as f64 * PAIR + 26.0;
    writeln!(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\"")?;
    writeln!(svg, " aria-label=\"Limit, calls in flight and queue delay of three adaptive limits over time\">")?;
    writeln!(svg, "<style>{STYLE}</style>")?;
    writeln!(svg, "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>")?;
    legend(&mut svg)?;
    for (index, (name, run)) in runs.iter().enumerate() {
        let top = TOP + index as f64 * PAIR;
        let calls = Panel { top, height: 124.0, most: 80.0, unit: "calls", step: 20 };
        let delay = Panel { top: top + 136.0, height: 62.0, most: 100.0, unit: "ms", step: 50 };
        phases(&mut svg, top, top + 198.0, index == 0)?;
        calls.axis(&mut svg)?;
        delay.axis(&mut svg)?;

        calls.area(&mut svg, "flight", run.seconds.iter().map(|second| second.in_flight))?;
        calls.steps(&mut svg, &run.limits, run.seconds.len() as f64)?;
        let waits = (0..run.seconds.len()).map(|second| run.wait(second..second + 1));
        delay.area(&mut svg, "delay", waits)?;
        text(&mut svg, LEFT + 8.0, top + 18.0, "name", name)?;
        if *name == "Vegas" {
            text(&mut svg, RIGHT - 8.0, top + 18.0, "tick end", "each short dip is a probe with half of the limit")?;
        }
    }
    time(&mut svg, TOP + runs.len() as f64 * PAIR - 22.0)?;
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

impl Panel {
    fn at(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - value.clamp(0.0, self.most) / self.most)
    }

    fn axis(&self, svg: &mut String) -> fmt::Result {
        for value in (0..=self.most as u32).step_by(self.step as usize) {
            let y = self.at(f64::from(value));
            writeln!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>")?;
            text(svg, LEFT - 6.0, y + 4.0, "tick end", &value.to_string())?;
        }
        let (x, y) = (LEFT - 38.0, self.top + self.height / 2.0);
        writeln!(svg, "<text class=\"unit\" transform=\"translate({x} {y:.1}) rotate(-90)\">{}</text>", self.unit)
    }

    /// One value a second, and the area below them.
    fn area(&self, svg: &mut String, class: &str, values: impl Iterator<Item = f64>) -> fmt::Result {
        let mut line = String::new();
        let mut last = LEFT;
        for (second, value) in values.enumerate() {
            last = x(second as f64 + 0.5);
            write!(line, " {last:.1},{:.1}", self.at(value))?;
        }
        let (first, base) = (x(0.5), self.at(0.0));
        writeln!(svg, "<polygon class=\"{class} area\" points=\"{first:.1},{base:.1}{line} {last:.1},{base:.1}\"/>")?;
        writeln!(svg, "<polyline class=\"{class}\" points=\"{}\"/>", line.trim_start())
    }

    /// A value that holds until the next one.
    fn steps(&self, svg: &mut String, values: &[(f64, u32)], end: f64) -> fmt::Result {
        let mut path = String::new();
        for (index, (at, value)) in values.iter().enumerate() {
            let (x, y) = (x(*at), self.at(f64::from(*value)));
            if index == 0 { write!(path, "M{x:.1} {y:.1}")? } else { write!(path, "H{x:.1}V{y:.1}")? }
        }
        writeln!(svg, "<path class=\"limit\" d=\"{path}H{:.1}\"/>", x(end))
    }
}

fn phases(svg: &mut String, top: f64, bottom: f64, named: bool) -> fmt::Result {
    for (index, phase) in PHASES.iter().enumerate() {
        let Range { start, end } = x(phase.from as f64)..x(phase.to as f64);
        let (width, height) = (end - start, bottom - top);
        let class = if index % 2 == 0 { "even" } else { "odd" };
        writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{start:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\"/>"
        )?;
        if named {
            text(svg, f64::midpoint(start, end), top - 8.0, "phase", phase.name)?;
        }
    }
    Ok(())
}

fn time(svg: &mut String, top: f64) -> fmt::Result {
    for second in (0..=PHASES[PHASES.len() - 1].to).step_by(20) {
        let x = x(second as f64);
        writeln!(svg, "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{}\"/>", top + 4.0)?;
        text(svg, x, top + 17.0, "tick", &second.to_string())?;
    }
    text(svg, f64::midpoint(LEFT, RIGHT), top + 36.0, "unit", "time (s)")
}

fn legend(svg: &mut String) -> fmt::Result {
    let entries =
        [("limit", "limit (calls)"), ("flight", "in flight (calls, mean)"), ("delay", "wait for a worker (ms, mean)")];
    let mut left = LEFT;
    for (class, label) in entries {
        if class != "limit" {
            writeln!(svg, "<rect class=\"{class} area\" x=\"{left}\" y=\"16\" width=\"26\" height=\"9\"/>")?;
        }
        let y = if class == "limit" { 20.0 } else { 16.0 };
        writeln!(svg, "<path class=\"{class}\" d=\"M{left} {y}h26\"/>")?;
        text(svg, left + 33.0, 24.0, "label", label)?;
        left += 33.0 + label.len() as f64 * 6.6 + 30.0;
    }
    Ok(())
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, content: &str) -> fmt::Result {
    writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{content}</text>")
}

fn x(second: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * second / PHASES[PHASES.len() - 1].to as f64
}

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 984.0;
const TOP: f64 = 66.0;
/// The height of an algorithm's two panels and the gap below them.
const PAIR: f64 = 220.0;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#3c4650;text-anchor:middle}\
    .name{font-weight:600;font-size:14px;fill:#1b232b;text-anchor:start}.label{text-anchor:start}\
    .tick{font-size:11px;fill:#67727d}.end{text-anchor:end}.phase{fill:#1b232b}\
    .even{fill:#f8fafb}.odd{fill:#eef2f5}.grid{stroke:#dbe1e6;stroke-width:1}.mark{stroke:#8b96a0}\
    .limit{fill:none;stroke:#1f5fa8;stroke-width:1.6;stroke-linejoin:round}\
    .flight{fill:none;stroke:#6fa8dc;stroke-width:1}.flight.area{fill:#cfe3f6;stroke:none}\
    .delay{fill:none;stroke:#c8641d;stroke-width:1.3}.delay.area{fill:#f8dcc4;stroke:none}";
