//! A server that takes calls and never answers for ten seconds.

use resilient::{circuit_breaker, timeout};
use resilient_simulator::calls::{CallError, Target};
use resilient_simulator::drive::Call;
use resilient_simulator::server::{Down, Setup};

use crate::guide::Picture;
use crate::guide::chart::{Axis, Chart, Line, Panel, Tone};
use crate::guide::runs::{self, Story, client, plan, seconds, story};

pub(in crate::guide) fn picture() -> Picture {
    let hangs = Down { from: seconds(5), until: seconds(15), hangs: true };
    let plan = plan(Setup { tail: false, down: vec![hangs], ..Setup::of(40) }, &[(200.0, 20)]);
    let (without, with) = (story(&plan, Unguarded), story(&plan, Guarded));

    let alt = "Callers that wait and attempts a second during an outage, with and without a circuit breaker";
    let chart = Chart {
        across: Axis::even("time (s)", 20.0, 5.0),
        panels: vec![
            Panel {
                up: Axis::even("callers that wait", 240.0, 80.0),
                band: Some((5.0, 15.0, "the server does not answer")),
                lines: vec![
                    Line::new(Tone::Without, without.under_way(), ("without", 10.0, 170.0)),
                    Line::new(Tone::With, with.under_way(), ("with a breaker", 10.0, 28.0)),
                ],
            },
            Panel {
                up: Axis::even("attempts a second", 300.0, 100.0),
                band: Some((5.0, 15.0, "the server does not answer")),
                lines: vec![
                    Line::new(Tone::Without, without.attempts(), ("without", 10.0, 250.0)),
                    Line::new(Tone::With, with.attempts(), ("with a breaker", 10.0, 30.0)),
                ],
            },
        ],
    };
    Picture {
        name: "circuit_breaker",
        page: "policies/circuit_breaker",
        alt,
        svg: chart.draw(alt),
        caption: format!(
            "No call can end well in these ten seconds. Without a breaker a caller waits {:.2} s for the error, with it {:.2} s on average, \
             and the server gets {:.0} attempts a second in place of {:.0}. The first good answer comes {:.1} s after the end of the \
             outage, and without a breaker after {:.1} s.",
            mean_wait(&without),
            mean_wait(&with),
            with.attempts_within(6, 15),
            without.attempts_within(6, 15),
            first_good(&with),
            first_good(&without),
        ),
    }
}

/// Returns the mean time, in seconds, of the calls of the outage but its first second.
fn mean_wait(story: &Story) -> f64 {
    let waits = story.calls.iter().filter(|call| (seconds(6)..seconds(14)).contains(&call.at));
    let waits: Vec<f64> =
        waits.filter_map(|call| Some(call.end.as_ref()?.0.saturating_sub(call.at).as_secs_f64())).collect();
    waits.iter().sum::<f64>() / waits.len() as f64
}

fn first_good(story: &Story) -> f64 {
    let good = |call: &&Call| call.at > seconds(6) && call.is_good();
    let ends = story.calls.iter().filter(good).filter_map(|call| Some(call.end.as_ref()?.0));
    ends.min().expect("it comes back").as_secs_f64() - 15.0
}

client!(Unguarded, unguarded);
client!(Guarded, guarded);

#[timeout(attempt = "1s")]
async fn unguarded(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}

#[circuit_breaker]
#[timeout(attempt = "1s")]
async fn guarded(line: &runs::Line) -> Result<(), CallError> {
    line.send().await
}
