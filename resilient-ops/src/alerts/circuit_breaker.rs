//! Alerts of a circuit breaker.
//!
//! Neither goes by the present state: a breaker that nobody asks stays open.

use std::time::Duration;

use super::{Alert, FAST, Rule, Severity, Subject, increase, kinds};
use crate::proof::{Change, Proof};
use crate::query::{family, promql_time};
use crate::settings::shown;

/// It opened.
pub(super) fn opened(of: Subject<'_>) -> Option<Alert> {
    if !of.is("circuit_breaker") {
        return None;
    }
    let window = of.options.window(FAST);
    let opened = of.select(family::TRANSITIONS).own(OPEN);
    let expr = format!("{} > 0", increase(&opened, window));
    let policy = of.policy;
    let setting = |key| policy.setting(key).unwrap_or("an unknown number");
    let in_a_row = match policy.setting("consecutive") {
        Some("off") | None => String::new(),
        Some(failures) => format!(", or after {failures} failures in a row where calls are few"),
    };
    let rule = if policy.settings.is_empty() {
        String::new()
    } else {
        let (rate, calls, span) = (setting("failure_rate"), setting("min_calls"), setting("window"));
        let span = if span.parse::<u32>().is_ok() { format!("the last {span}") } else { span.to_owned() };
        format!(" It opens when {rate} of at least {calls} calls in {span} fail{in_a_row}.")
    };
    let transitions = |to_open| {
        let moves = |state, each| of.quantity(family::TRANSITIONS, state, Change::Rises(each));
        vec![moves(OPEN, to_open), moves("half_open", 0.01), moves("closed", 0.01)]
    };
    let each = 3.0 / window.as_secs_f64();
    Some(of.alert(
        &kinds::BREAKER_OPENED,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "opened".to_owned(),
            description: format!(
                "Opened about {{{{ $value | printf \"%.0f\" }}}} times in the last {}.{rule} While it is open it refuses all calls.",
                promql_time(window)
            ),
            proof: Proof { third: window, sick: transitions(each), well: transitions(0.0) },
        },
    ))
}

/// It refuses for longer than its own open time explains.
pub(super) fn keeps_refusing(of: Subject<'_>) -> Option<Alert> {
    if !of.is("circuit_breaker") || !of.policy.has("circuit_state_seconds") {
        return None;
    }
    let openings = openings(of)?;
    let window = of.options.window(FAST).max(Duration::from_secs((openings.as_secs_f64() * 2.0).ceil() as u64));
    let share = window / PARTS;
    let explained = openings.max(share);
    let recent = of.options.recent(share);
    let open = of.select(family::STATE_SECONDS).own(OPEN).over("increase", &promql_time(window));
    let opened = increase(&of.select(family::TRANSITIONS).own(OPEN), window);
    let refused = increase(&of.select(family::REJECTIONS).own("circuit_open"), recent);
    let expr = format!(
        "max by (job, policy, function, layer) ({open}) > {}\n  and {opened} > 1.5\n  and {refused} > 0",
        shown(explained.as_secs_f64())
    );
    let spends = |share: f64| {
        let opens = Change::Rises(4.0 / window.as_secs_f64());
        vec![
            of.quantity(family::STATE_SECONDS, OPEN, Change::Rises(share)),
            of.quantity(family::STATE_SECONDS, "closed", Change::Rises(1.0 - share)),
            of.quantity(family::TRANSITIONS, OPEN, opens),
            of.quantity(family::REJECTIONS, "circuit_open", Change::Rises(2.0)),
        ]
    };
    let explained_share = explained.as_secs_f64() / window.as_secs_f64();
    let (all, fifth) = (promql_time(window), promql_time(share));
    Some(of.alert(
        &kinds::BREAKER_KEEPS_REFUSING,
        Rule {
            severity: Severity::Page,
            expr,
            summary: "keeps refusing calls".to_owned(),
            description: format!(
                "Open for {{{{ $value | printf \"%.0f\" }}}} s of the last {all}, and calls were refused in the last {}. It is open for {} at a \
                 time, so five openings in a row take {}; a fifth of {all} is {fifth}. More than the larger of the two is not one trip: \
                 its probes keep failing.",
                promql_time(recent),
                of.policy.setting("open_for").unwrap_or_default(),
                promql_time(openings),
            ),
            proof: Proof {
                third: window,
                // half a window is left of each instance in the middle of a deploy
                sick: spends((explained_share * 2.0 + 0.1).min(1.0)),
                well: spends(explained_share * 0.8),
            },
        },
    ))
}

/// The time that five openings in a row take. An open time that is not told to grow does so only after many.
fn openings(of: Subject<'_>) -> Option<Duration> {
    let (first, longest) = (of.policy.time("open_for")?, of.policy.time("open_max")?);
    let growth = of.policy.number("open_growth").unwrap_or(1.0);
    let longest = longest.max(first).as_secs_f64();
    let each = (0..OPENINGS).map(|opening| (first.as_secs_f64() * growth.powi(opening)).min(longest));
    // the windows of a year's open time would be longer than anything is kept
    let all = each.sum::<f64>().min(86_400.0);
    Duration::try_from_secs_f64(all).ok()
}

const OPEN: &str = "open";
/// The openings in a row that are one trip.
const OPENINGS: i32 = 5;
/// The part of the window that may pass in the open state is one in so many.
const PARTS: u32 = 5;
