//! An import of two thousand items beside the usual calls.

use resilient::FanOut;
use resilient_simulator::calls::Target;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{Beside, beside, ms, quantile, seconds};

pub(in crate::guide) fn picture() -> Picture {
    let import = |limit: usize| {
        beside(100.0, seconds(20), move |line| async move {
            tokio::time::sleep(seconds(3)).await;
            FanOut::new(0..ITEMS, async |_: usize| line.send().await).limit(limit).await;
        })
    };
    let [all, many, few] = [ITEMS, 16, 4].map(import);

    let alt = "Time of the usual calls beside an import of 2,000 items, for three limits of the fan-out";
    let chart = Chart {
        across: Axis::even("time (s)", 20.0, 5.0),
        panels: vec![Panel {
            up: Axis::ratios("time of the usual calls (ms, 95 of 100 are faster)", &[10.0, 100.0, 1_000.0, 10_000.0]),
            band: None,
            lines: vec![
                Line::new(Tone::Without, slowest(&all), ("all at once", 7.6, 3_900.0)),
                Line::new(Tone::Beside, slowest(&many), ("limit = 16", 10.4, 190.0)),
                Line::new(Tone::With, slowest(&few), ("limit = 4", 16.5, 22.0)),
            ],
        }],
    };
    Picture {
        name: "fan_out",
        page: "policies/fan_out",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "The import begins at 3 s. All at once, it takes {:.1} s, and another call takes up to {:.1} s meanwhile. With `limit = 16` it takes \
             {:.1} s and other calls up to {:.2} s; with `limit = 4`, half of the server's workers, {:.1} s and {:.2} s.",
            took(&all),
            longest(&all),
            took(&many),
            longest(&many),
            took(&few),
            longest(&few),
        ),
    }
}

fn took(import: &Beside) -> f64 {
    import.work.as_secs_f64() - 3.0
}

/// Returns the longest but one in a hundred of the usual calls during the import, in seconds.
fn longest(import: &Beside) -> f64 {
    quantile(import.within(seconds(3), import.work), 0.99) / 1e3
}

fn slowest(import: &Beside) -> Vec<(f64, f64)> {
    let slots = (0..40_u64).map(|slot| (ms(slot * 500), ms(slot * 500 + 500)));
    slots.map(|(from, until)| (from.as_secs_f64() + 0.25, quantile(import.within(from, until), 0.95))).collect()
}

const ITEMS: usize = 2_000;
