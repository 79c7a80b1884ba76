//! The plot of the searches' latencies: one curve for each strategy, with room for the slowest few.

use std::fmt::{self, Write};

use super::plot::{self, LogScale, WIDTH};
use crate::compare::Figures;
use crate::stats::real;
use crate::strategy::Strategy;
use crate::text::format_millis;

pub(super) fn plot(page: &mut String, figures: &[Figures]) -> fmt::Result {
    let all = figures.iter().flat_map(|figures| figures.latency.as_slice().iter().copied());
    let scale = LogScale::covering(all, LEFT, WIDTH - RIGHT);

    plot::open(page, BOTTOM + 24.0, "Latency of the searches by percentile, for each strategy")?;
    scale.grid(page, TOP, BOTTOM)?;
    for (percent, label) in
        [(0.0, "0 %"), (50.0, "50 %"), (90.0, "90 %"), (95.0, "95 %"), (99.0, "99 %"), (99.9, "99.9 %")]
    {
        let y = height_of(percent / 100.0);
        let right = WIDTH - RIGHT;
        writeln!(page, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>")?;
        plot::text(page, LEFT - 8.0, y + 4.0, "end", label)?;
    }
    for (strategy, figures) in Strategy::ALL.iter().zip(figures) {
        curve(page, *strategy, figures, &scale)?;
    }
    plot::close(page)
}

fn curve(page: &mut String, strategy: Strategy, figures: &Figures, scale: &LogScale) -> fmt::Result {
    let name = strategy.name();
    let latencies = figures.latency.as_slice();
    write!(page, "<polyline class=\"{name}\" points=\"")?;
    for (rank, latency) in latencies.iter().enumerate() {
        // The middle of its step, since the last of n searches is not yet all searches.
        let y = height_of((real(rank) + 0.5) / real(latencies.len()));
        write!(page, "{:.1},{y:.1} ", scale.at(*latency))?;
    }
    writeln!(page, "\"/>")?;
    for percent in [50.0, 95.0, 99.0] {
        let latency = figures.latency.percentile(percent);
        let (x, y) = (scale.at(latency), height_of(percent / 100.0));
        let label = format!("{name}: p{percent} {} ms", format_millis(latency));
        writeln!(page, "<circle class=\"{name}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{label}</title></circle>")?;
    }
    Ok(())
}

/// Returns the height of a share. Each step upwards leaves a tenth of the searches that were left.
fn height_of(share: f64) -> f64 {
    let nines = -(1.0 - share.clamp(0.0, 0.9992)).log10();
    BOTTOM - (BOTTOM - TOP) * nines / NINES
}

const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 330.0;
/// −log₁₀ of the share that is left at the top: a little more than 99.9 %.
const NINES: f64 = 3.1;
