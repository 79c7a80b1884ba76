//! The limit of a fan-out: the time of the whole, and the time of the calls beside it.

use resilient::FanOut;
use resilient_simulator::calls::Target;

use super::PAGE;
use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{at, beside, quantile, seconds};

pub(in crate::guide) fn picture() -> Picture {
    let (mut whole, mut others) = (Vec::new(), Vec::new());
    for limit in [1_usize, 2, 4, 6, 8, 12, 16, 32, 64, 128] {
        let run = beside(100.0, seconds(10), move |line| async move {
            FanOut::new(0..ITEMS, async |_: usize| line.send().await).limit(limit).await;
        });
        whole.push((limit as f64, run.work.as_secs_f64()));
        others.push((limit as f64, quantile(run.within(seconds(0), run.work), 0.95)));
    }

    let alt = "Time of an import and time of the calls beside it by the limit of the fan-out";
    let chart = Chart {
        across: Axis::ratios("limit of the fan-out", &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]),
        panels: vec![
            Panel {
                up: Axis::even("time of the whole (s)", 12.0, 4.0),
                band: None,
                lines: vec![Line::new(Tone::With, whole.clone(), ("500 items", 2.6, 6.5))],
            },
            Panel {
                up: Axis::even("time of the calls beside it (ms, 95 of 100 are faster)", 450.0, 150.0),
                band: None,
                lines: vec![Line::new(Tone::Without, others.clone(), ("others", 26.0, 190.0))],
            },
        ],
    };
    Picture {
        name: "width",
        page: PAGE,
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "With a limit of 4, the 500 items take {:.1} s, and 95 of 100 other calls are answered within {:.0} ms. With 8, as many as the server has workers, it \
             is {:.1} s and {:.0} ms; with 128 {:.1} s and {:.0} ms.",
            at(&whole, 4.0),
            at(&others, 4.0),
            at(&whole, 8.0),
            at(&others, 8.0),
            at(&whole, 128.0),
            at(&others, 128.0),
        ),
    }
}

const ITEMS: usize = 500;
