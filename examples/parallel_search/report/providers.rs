//! The plot of the providers: from p50 to p99 of their calls, for each strategy.

use std::fmt::{self, Write};

use super::escape::Escaped;
use super::plot::{self, LogScale, WIDTH};
use crate::compare::Measured;
use crate::load::Search;
use crate::stats::{Sorted, real, share};
use crate::strategy::Call;
use crate::text::{format_millis, percent};

pub(super) fn plot(page: &mut String, names: &[String], measured: &[Measured]) -> fmt::Result {
    let calls = |run: &Measured, provider: usize| -> Sorted { calls_to(run, provider).map(|call| call.took).collect() };
    let ends = measured
        .iter()
        .flat_map(|run| (0..names.len()).map(|provider| calls(run, provider)))
        .flat_map(|calls| [calls.percentile(50.0), calls.percentile(99.0)]);
    let scale = LogScale::covering(ends, LEFT, WIDTH - RIGHT);
    let row = BAR * real(measured.len()) + GAP;
    let bottom = TOP + row * real(names.len());

    plot::open(page, bottom + 24.0, "Time of the calls to each provider from p50 to p99, for each strategy")?;
    scale.grid(page, TOP, bottom)?;
    plot::text(page, WIDTH - RIGHT + 74.0, TOP - 6.0, "end", "p99 ms")?;
    plot::text(page, WIDTH - 4.0, TOP - 6.0, "end", "answered")?;
    for (number, name) in names.iter().enumerate() {
        let top = TOP + row * real(number) + GAP / 2.0;
        plot::text(page, LEFT - 10.0, top + (row - GAP) / 2.0 + 4.0, "end", &Escaped(name).to_string())?;
        for (bar, run) in measured.iter().enumerate() {
            let calls = calls(run, number);
            let (p50, p99) = (calls.percentile(50.0), calls.percentile(99.0));
            let answered = calls_to(run, number).filter(|call| call.outcome.is_ok()).count();
            let answered = percent(share(answered, calls.as_slice().len()));
            let (strategy, y) = (run.strategy.name(), top + BAR * real(bar));
            let (x, width) = (scale.at(p50), (scale.at(p99) - scale.at(p50)).max(2.0));
            let height = BAR - 3.0;
            let title = format!("{strategy}: p50 {} ms, p99 {} ms", format_millis(p50), format_millis(p99));
            write!(page, "<rect class=\"{strategy}\" x=\"{x:.1}\" y=\"{y:.1}\" ")?;
            write!(page, "width=\"{width:.1}\" height=\"{height}\" rx=\"2\">")?;
            writeln!(page, "<title>{title}</title></rect>")?;
            plot::text(page, WIDTH - RIGHT + 74.0, y + height, "end", &format_millis(p99))?;
            plot::text(page, WIDTH - 4.0, y + height, "end", &answered)?;
        }
    }
    plot::close(page)
}

fn calls_to(run: &Measured, provider: usize) -> impl Iterator<Item = &Call> {
    run.searches.iter().filter_map(move |search: &Search| search.calls.get(provider))
}

const LEFT: f64 = 130.0;
const RIGHT: f64 = 156.0;
const TOP: f64 = 24.0;
const BAR: f64 = 13.0;
const GAP: f64 = 14.0;
