//! The parts that the plots share: a drawing area, scales, and lines with their labels.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::stats::millis;

/// The width of every plot, in the units of its drawing.
pub(super) const WIDTH: f64 = 860.0;

/// Opens a drawing of the given height, with a description for people who cannot see it.
pub(super) fn open(page: &mut String, height: f64, label: &str) -> fmt::Result {
    writeln!(page, "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">")
}

pub(super) fn close(page: &mut String) -> fmt::Result {
    writeln!(page, "</svg></div>")
}

/// A scale for milliseconds along a line, on which each factor of ten has the same length.
pub(super) struct LogScale {
    from: f64,
    to: f64,
    left: f64,
    right: f64,
}

impl LogScale {
    /// Returns a scale between `left` and `right` that has room for all `durations`.
    pub(super) fn covering(durations: impl IntoIterator<Item = Duration>, left: f64, right: f64) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for duration in durations {
            least = least.min(millis(duration));
            most = most.max(millis(duration));
        }
        if most <= 0.0 {
            (least, most) = (1.0, 1000.0);
        }
        let least = least.max(0.1);
        let from = STEPS.iter().rev().copied().find(|step| *step <= least).unwrap_or(0.1);
        let to = STEPS.iter().copied().find(|step| *step >= most && *step > from).unwrap_or(most);
        Self { from, to, left, right }
    }

    pub(super) fn at(&self, duration: Duration) -> f64 {
        self.at_millis(millis(duration))
    }

    fn at_millis(&self, millis: f64) -> f64 {
        let share = (millis.clamp(self.from, self.to) / self.from).ln() / (self.to / self.from).ln();
        self.left + share * (self.right - self.left)
    }

    /// Draws a line for each step from `top` to `bottom`, and its label below.
    pub(super) fn grid(&self, page: &mut String, top: f64, bottom: f64) -> fmt::Result {
        for step in STEPS.iter().filter(|step| (self.from..=self.to).contains(*step)) {
            let x = self.at_millis(*step);
            writeln!(page, "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>")?;
            let label = if *step >= 1000.0 { format!("{} s", step / 1000.0) } else { format!("{step} ms") };
            text(page, x, bottom + 16.0, "middle", &label)?;
        }
        Ok(())
    }
}

/// Writes a label at (`x`, `y`) with its `anchor`: `start`, `middle` or `end`.
pub(super) fn text(page: &mut String, x: f64, y: f64, anchor: &str, label: &str) -> fmt::Result {
    writeln!(page, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{label}</text>")
}

const STEPS: [f64; 17] =
    [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 60_000.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_reaches_to_the_steps_around_its_durations() {
        let scale = LogScale::covering([30, 300].map(Duration::from_millis), 0.0, 100.0);

        assert!((scale.from - 20.0).abs() < f64::EPSILON);
        assert!((scale.to - 500.0).abs() < f64::EPSILON);
        assert!((scale.at(Duration::from_millis(100)) - 50.0).abs() < 0.1);
    }

    #[test]
    fn a_scale_of_nothing_or_of_one_has_finite_places() {
        for durations in [vec![], vec![Duration::ZERO], vec![Duration::from_millis(20)], vec![Duration::MAX]] {
            let scale = LogScale::covering(durations.clone(), 10.0, 90.0);
            for duration in durations {
                assert!((10.0..=90.0).contains(&scale.at(duration)), "{duration:?}");
            }
        }
    }
}
