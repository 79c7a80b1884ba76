//! Alerts of a retry.

use super::{Alert, FAST, FEW, Rule, Severity, Subject, increase, kinds};
use crate::proof::{Change, Proof};
use crate::query::{family, promql_time};
use crate::settings::{self, percent, shown};

/// The budget could not pay for retries.
pub(super) fn budget_exhausted(of: Subject<'_>) -> Option<Alert> {
    if !of.is("retry") || of.policy.setting("budget") == Some("none") {
        return None;
    }
    let window = of.options.window(FAST);
    let without = increase(&of.select(family::GAVE_UP).own(EXHAUSTED), window);
    let expr = format!("{without} / {} > {}\n  and {without} >= {FEW}", of.calls(window), shown(GAVE_UP));
    let terms = of.policy.setting("budget").and_then(settings::budget).map_or_else(String::new, |(ratio, reserve)| {
        format!(
            " The budget pays for {} extra attempts for 100 calls, and for {} a second besides: {} of the calls is what more \
             than that has left without.",
            shown(ratio * 100.0),
            shown(reserve),
            percent(GAVE_UP)
        )
    });
    let gives_up = |share: f64| {
        vec![
            of.quantity(family::CALLS, "success", Change::Rises(100.0 * (1.0 - share))),
            of.quantity(family::CALLS, "transient", Change::Rises(100.0 * share)),
            of.quantity(family::GAVE_UP, EXHAUSTED, Change::Rises(100.0 * share)),
            of.quantity(family::GAVE_UP, "no_retries_left", Change::Rises(20.0)),
        ]
    };
    Some(of.alert(
        &kinds::RETRY_BUDGET_EXHAUSTED,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "the retry budget is exhausted".to_owned(),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the calls in the last {} failed and were not tried again, since the \
                 budget could not pay for it.{terms}",
                promql_time(window)
            ),
            proof: Proof { third: window, sick: gives_up(GAVE_UP * 1.5), well: gives_up(GAVE_UP * 0.7) },
        },
    ))
}

/// There are many more attempts than calls.
pub(super) fn amplifies(of: Subject<'_>) -> Option<Alert> {
    if !of.is("retry") {
        return None;
    }
    let max = match of.policy.setting("max")? {
        "unlimited" => UNLIMITED,
        max => max.parse::<f64>().ok()?,
    };
    let by_max = max / 10.0;
    let ratio =
        of.policy.setting("budget").and_then(settings::budget).map(|(ratio, _)| ratio).filter(|ratio| *ratio > 0.0);
    let (extra, why) = match ratio.map(|ratio| ratio / 2.0).filter(|half| *half < by_max) {
        Some(half) => {
            (half, format!("The budget pays for {} of the calls; half of that is {}", percent(half * 2.0), shown(half)))
        }
        None => {
            let max = of.policy.setting("max").unwrap_or_default();
            (by_max, format!("With max = {max}, one call in ten that uses all its retries adds {}", shown(by_max)))
        }
    };
    let window = of.options.window(FAST);
    let retries = increase(&of.select(family::RETRIES), window);
    let expr = format!("1 + {retries} / {} > {}\n  and {retries} >= {FEW}", of.calls(window), shown(1.0 + extra));
    let retries = |each: f64| {
        vec![
            of.quantity(family::CALLS, "success", Change::Rises(100.0)),
            of.quantity(family::RETRIES, "", Change::Rises(100.0 * each)),
        ]
    };
    Some(of.alert(
        &kinds::RETRIES_AMPLIFY,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "retries multiply the calls".to_owned(),
            description: format!(
                "{{{{ $value | printf \"%.2f\" }}}} attempts a call in the last {}. {why}, so the alert is at {}. What is called has \
                 so much more to do, just when it fails.",
                promql_time(window),
                shown(1.0 + extra)
            ),
            proof: Proof { third: window, sick: retries(extra * 1.3), well: retries(extra * 0.8) },
        },
    ))
}

const EXHAUSTED: &str = "budget_exhausted";
/// The share of calls that may go without a retry for want of budget.
const GAVE_UP: f64 = 0.01;
/// The retries of a call whose number is not limited, in the arithmetic.
const UNLIMITED: f64 = 10.0;
