//! Alerts of a bulkhead.

use super::{Alert, BY, FAST, Rule, Severity, Subject, kinds};
use crate::proof::{Change, Proof};
use crate::query::{family, promql_time};
use crate::settings::{percent, shown};

/// Nearly all permits are in use.
pub(super) fn saturated(of: Subject<'_>) -> Option<Alert> {
    if !of.is("bulkhead") || !of.policy.has("limit") {
        return None;
    }
    let window = of.options.window(FAST);
    let over = promql_time(window);
    let (in_use, limit) = (of.select(family::IN_USE), of.select(family::LIMIT));
    let expr = format!(
        "max by ({BY}) ({} / {}) > {}",
        in_use.over("avg_over_time", &over),
        limit.over("avg_over_time", &over),
        shown(IN_USE)
    );
    let limit = of.policy.number("limit").filter(|limit| *limit > 0.0)?;
    let uses = |share: f64| {
        vec![
            of.quantity(family::LIMIT, "", Change::Stays(limit)),
            of.quantity(family::IN_USE, "", Change::Stays(limit * share)),
        ]
    };
    Some(of.alert(
        &kinds::BULKHEAD_SATURATED,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "the permits are used up".to_owned(),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the permits were in use over the last {over}. {} of {} is {}: above that, a call that \
                 comes waits or is refused.",
                percent(IN_USE),
                shown(limit),
                shown(limit * IN_USE)
            ),
            proof: Proof { third: window, sick: uses(0.97), well: uses(IN_USE * 0.9) },
        },
    ))
}

/// Nearly all places of the queue are taken.
pub(super) fn queue_full(of: Subject<'_>) -> Option<Alert> {
    if !of.is("bulkhead") || !of.policy.has("waiting") {
        return None;
    }
    let places = of.policy.number("queue").filter(|places| *places > 0.0)?;
    let window = of.options.window(FAST);
    let over = promql_time(window);
    let most = places * WAITING;
    let waiting = of.select(family::WAITING);
    let expr = format!("max by ({BY}) ({}) > {}", waiting.over("avg_over_time", &over), shown(most));
    let waits = |calls: f64| vec![of.quantity(family::WAITING, "", Change::Stays(calls))];
    Some(of.alert(
        &kinds::QUEUE_FULL,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "the queue is full".to_owned(),
            description: format!(
                "{{{{ $value | printf \"%.1f\" }}}} calls waited for a permit over the last {over}. The queue has {} places, {} of which are {}; \
                 when it is full, calls are refused with queue_full.",
                shown(places),
                percent(WAITING),
                shown(most)
            ),
            proof: Proof { third: window, sick: waits(most * 1.1), well: waits(most * 0.9) },
        },
    ))
}

/// The share of the permits that may be in use.
const IN_USE: f64 = 0.9;
/// The share of the queue that may be taken.
const WAITING: f64 = 0.8;
