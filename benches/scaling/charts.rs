//! The cost of a call beside the size of what it works in, which should not matter.

use std::fmt::Write as _;
use std::time::Instant;

use crate::number::number;
use crate::{fan_out, keys, leaving, tasks, windows};

/// Curves over one axis.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    /// The work, in sentences.
    pub(crate) about: &'static str,
    /// The noun that is counted along the axis.
    pub(crate) axis: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) curves: Vec<Curve>,
}

/// Nanoseconds at each size.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(u64, f64)>,
}

impl Curve {
    /// Measures at each size.
    pub(crate) fn new(name: &'static str, sizes: &[u64], mut nanos: impl FnMut(u64) -> f64) -> Self {
        Self { name, points: sizes.iter().map(|&size| (size, nanos(size))).collect() }
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.name.starts_with("resilient")
    }

    /// The greatest cost as a multiple of the least.
    fn spread(&self) -> f64 {
        let nanos = || self.points.iter().map(|point| point.1);
        nanos().fold(0.0, f64::max) / nanos().fold(f64::INFINITY, f64::min)
    }
}

/// Measures everything.
pub(crate) fn charts() -> Vec<Chart> {
    let charts = [keys::chart, fan_out::chart, windows::chart, tasks::chart, leaving::chart];
    charts.map(|chart| chart()).into()
}

/// Returns a chart as a table in Markdown, under its title.
pub(crate) fn section(chart: &Chart) -> String {
    let mut sizes: Vec<u64> = chart.curves.iter().flat_map(|curve| &curve.points).map(|point| point.0).collect();
    sizes.sort_unstable();
    sizes.dedup();

    let head: Vec<String> = sizes.iter().map(|&size| number(Some(size as f64))).collect();
    let mut text = format!("### {}\n\n{} In {}.\n\n", chart.title, chart.about, chart.unit);
    write!(
        text,
        "| {} | {} | most / least |\n|---{}|\n",
        chart.axis,
        head.join(" | "),
        "|---:".repeat(sizes.len() + 1)
    )
    .expect(TAKES_ALL);
    for curve in &chart.curves {
        let at = |size: &u64| curve.points.iter().find(|point| point.0 == *size).map(|point| point.1);
        let cells: Vec<String> = sizes.iter().map(|size| number(at(size))).collect();
        let name = if curve.is_ours() { format!("**{}**", curve.name) } else { curve.name.to_owned() };
        writeln!(text, "| {name} | {} | {:.1} |", cells.join(" | "), curve.spread()).expect(TAKES_ALL);
    }
    text
}

/// Returns the least nanoseconds that one of so many units took, over a few rounds.
pub(crate) fn least_nanos(units: u64, mut round: impl FnMut()) -> f64 {
    let one = || {
        let start = Instant::now();
        round();
        start.elapsed().as_nanos() as f64 / units as f64
    };
    std::iter::repeat_with(one).take(ROUNDS).fold(f64::INFINITY, f64::min)
}

const ROUNDS: usize = 9;
const TAKES_ALL: &str = "a string takes everything";
