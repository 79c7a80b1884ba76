//! The plot of one provider's brown-out: the requests that reached it, their ends, and the requests that it was spared.

use std::fmt::{self, Write};
use std::ops::Range;
use std::time::Duration;

use resilient::PolicyKind;

use super::plot::{self, WIDTH};
use crate::compare::Measured;
use crate::error::SearchError;
use crate::provider::End;
use crate::stats::{real, share_of_time};

/// The requests of a tenth of a second.
#[derive(Default, Clone, Copy)]
struct Slot {
    answered: usize,
    failed: usize,
    abandoned: usize,
    spared: usize,
}

pub(super) fn plot(page: &mut String, provider: usize, band: Range<Duration>, runs: &[Measured]) -> fmt::Result {
    let timelines: Vec<Vec<Slot>> = runs.iter().map(|run| slots(run, provider)).collect();
    let slots = timelines.iter().map(Vec::len).max().unwrap_or_default().max(1);
    let highest = timelines.iter().flatten().map(Slot::total).max().unwrap_or_default().max(1);
    let length = SLOT * u32::try_from(slots).unwrap_or(u32::MAX);

    let bottom = TOP + (PANEL + GAP) * real(runs.len());
    plot::open(page, bottom + 24.0, "Requests to the provider over time, for each strategy")?;
    key(page)?;
    for (number, (run, timeline)) in runs.iter().zip(&timelines).enumerate() {
        let base = TOP + (PANEL + GAP) * real(number) + PANEL;
        let x = |at: Duration| LEFT + (WIDTH - LEFT - RIGHT) * share_of_time(at, length);
        let (from, to) = (x(band.start), x(band.end));
        let (top, width) = (base - PANEL, to - from);
        writeln!(page, "<rect class=\"band\" x=\"{from:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{PANEL}\"/>")?;
        writeln!(page, "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{base}\" y2=\"{base}\"/>", WIDTH - RIGHT)?;
        plot::text(page, LEFT - 10.0, base - PANEL / 2.0 + 4.0, "end", run.strategy.name())?;
        bars(page, run.strategy.name(), timeline, base, (WIDTH - LEFT - RIGHT) / real(slots), highest)?;
    }
    for second in (0..=length.as_secs()).step_by(usize::try_from(length.as_secs() / 10 + 1).unwrap_or(1)) {
        let x = LEFT + (WIDTH - LEFT - RIGHT) * share_of_time(Duration::from_secs(second), length);
        plot::text(page, x, bottom + 2.0, "middle", &format!("{second} s"))?;
    }
    plot::close(page)
}

/// Draws stacks of bars: from the axis upwards answered, abandoned, failed, and spared on top.
fn bars(page: &mut String, strategy: &str, timeline: &[Slot], base: f64, step: f64, highest: usize) -> fmt::Result {
    let width = (step - 1.5).max(0.5);
    for (number, slot) in timeline.iter().enumerate() {
        let x = LEFT + step * real(number) + 0.75;
        let mut y = base;
        let parts = [
            (strategy, slot.answered, "answered"),
            ("abandoned", slot.abandoned, "abandoned"),
            ("failed", slot.failed, "failed"),
            ("spared", slot.spared, "spared"),
        ];
        for (class, count, what) in parts.into_iter().filter(|(_, count, _)| *count > 0) {
            let height = PANEL * real(count) / real(highest);
            y -= height;
            write!(
                page,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">"
            )?;
            writeln!(page, "<title>{count} {what}</title></rect>")?;
        }
    }
    Ok(())
}

fn key(page: &mut String) -> fmt::Result {
    let mut x = LEFT;
    for (class, label, width) in [
        ("annotated", "answered (in the strategy's colour)", 236.0),
        ("abandoned", "given up by the client", 166.0),
        ("failed", "failed", 76.0),
        ("spared", "not sent: circuit breaker open", 0.0),
    ] {
        writeln!(page, "<rect class=\"{class}\" x=\"{x}\" y=\"4\" width=\"11\" height=\"11\"/>")?;
        plot::text(page, x + 17.0, 14.0, "start", label)?;
        x += width + 10.0;
    }
    Ok(())
}

fn slots(run: &Measured, provider: usize) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    let mut slot_at = |at: Duration, count: &dyn Fn(&mut Slot)| {
        let number = usize::try_from(at.as_nanos() / SLOT.as_nanos()).unwrap_or_default().min(MOST_SLOTS);
        if slots.len() <= number {
            slots.resize(number + 1, Slot::default());
        }
        count(&mut slots[number]);
    };
    for visit in run.served.iter().filter_map(|served| served.visits.get(provider)).flatten() {
        slot_at(visit.at, &|slot| match visit.end {
            End::Answered => slot.answered += 1,
            End::Failed => slot.failed += 1,
            End::Abandoned => slot.abandoned += 1,
        });
    }
    for search in &run.searches {
        if let Some(call) = search.calls.get(provider)
            && let Err(SearchError::Refused(error)) = &call.outcome
            && error.policy() == PolicyKind::CircuitBreaker
        {
            slot_at(search.arrival + call.asked, &|slot| slot.spared += 1);
        }
    }
    slots
}

impl Slot {
    fn total(&self) -> usize {
        self.answered + self.failed + self.abandoned + self.spared
    }
}

const SLOT: Duration = Duration::from_millis(100);
/// Ten minutes of slots. Later requests are not drawn apart.
const MOST_SLOTS: usize = 6000;
const LEFT: f64 = 100.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 28.0;
const PANEL: f64 = 96.0;
const GAP: f64 = 22.0;
