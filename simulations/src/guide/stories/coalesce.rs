//! A front page that five times as many visitors ask for at once.

use resilient::coalesce;
use resilient_simulator::calls::{CallError, Target};
use resilient_simulator::server::Setup;

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Plain, client, percent, plan, story};

pub(in crate::guide) fn picture() -> Picture {
    let setup = Setup { tail: false, ..Setup::of(4) };
    let plan = plan(setup, &[(100.0, 5), (500.0, 10), (100.0, 10)]);
    let (without, with) = (story(&plan, Plain), story(&plan, Joined));

    let alt = "Good answers and queries a second during a rush for one page, with and without coalescing";
    let chart = Chart {
        across: Axis::even("time (s)", 25.0, 5.0),
        panels: vec![
            Panel {
                up: Axis::even("good answers a second", 600.0, 200.0),
                band: Some((5.0, 15.0, "500 visitors a second")),
                lines: vec![
                    Line::new(Tone::Without, without.good(), ("without", 10.0, 60.0)),
                    Line::new(Tone::With, with.good(), ("with coalescing", 10.0, 420.0)),
                ],
            },
            Panel {
                up: Axis::even("queries a second at the database", 600.0, 200.0),
                band: Some((5.0, 15.0, "500 visitors a second")),
                lines: vec![
                    Line::new(Tone::Without, without.attempts(), ("without", 10.0, 420.0)),
                    Line::new(Tone::With, with.attempts(), ("with coalescing", 10.0, 120.0)),
                ],
            },
        ],
    };
    Picture {
        name: "coalesce",
        page: "policies/coalesce",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "With coalescing, {:.0} queries a second answer {:.0} visitors a second, {} of them within a second. Without, it is {}, and after \
             the rush {} of the visitors of the next ten seconds wait for longer than a second, for the database works off the queue.",
            with.attempts_within(5, 15),
            500.0,
            percent(with.share_good(5, 15)),
            percent(without.share_good(5, 15)),
            percent(1.0 - without.share_good(15, 25)),
        ),
    }
}

client!(Joined, front_page);

#[coalesce(shared_across(line))]
async fn front_page(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
