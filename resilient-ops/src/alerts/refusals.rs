//! The alert of calls that a policy refuses, by the reason.

use super::{Alert, FAST, FEW, Rule, Severity, Subject, kinds, summed};
use crate::proof::{Change, Proof};
use crate::query::{family, promql_time};
use crate::settings::{percent, shown};

/// It refuses a share of the calls that spends the error budget fast.
pub(super) fn refuses(of: Subject<'_>) -> Option<Alert> {
    let reasons: Vec<&str> = of.policy.rejections.iter().map(|number| number.name.as_str()).collect();
    let own = reasons.iter().find(|reason| !ELSEWHERE.contains(reason))?;
    let window = of.options.window(FAST);
    let over = promql_time(window);
    let most = (BURN * of.options.error_budget()).min(0.5);
    let counted = of.select(family::REJECTIONS).none_of(&ELSEWHERE);
    let refused = format!("sum by (job, policy, function, layer, reason) ({})", counted.over("increase", &over));
    let expr = format!(
        "{refused}\n  / on (job, policy, function, layer) group_left ()\n  ({} + {}) > {}\n  and {refused} >= {FEW}",
        summed(&of.select(family::CALLS).over("increase", &over)),
        summed(&of.select(family::REJECTIONS).over("increase", &over)),
        // a share of little more than zero must not become zero
        (most * 1e6).round() / 1e6
    );
    let shares = |share: f64| {
        let mut all = vec![
            of.quantity(family::CALLS, "success", Change::Rises(100.0 * (1.0 - share))),
            of.quantity(family::REJECTIONS, own, Change::Rises(100.0 * share)),
        ];
        let others = reasons.iter().filter(|reason| *reason != own);
        all.extend(others.map(|reason| of.quantity(family::REJECTIONS, reason, Change::Rises(0.0))));
        all
    };
    Some(of.alert(
        &kinds::REFUSES,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "refuses calls: {{ $labels.reason }}".to_owned(),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the calls in the last {over} were refused with {{{{ $labels.reason }}}}.{} With an objective of {} %, \
                 {} may fail; {} times that, {}, would spend a month's budget in two days.",
                knows(of),
                of.options.slo,
                percent(of.options.error_budget()),
                shown(BURN),
                percent(most)
            ),
            proof: Proof { third: window, sick: shares((most * 1.3).min(0.9)), well: shares(most * 0.8) },
        },
    ))
}

/// The setting that refusals follow from.
fn knows(of: Subject<'_>) -> String {
    let said: Vec<String> = ["limit", "queue", "rate", "burst", "max_wait"]
        .into_iter()
        .filter_map(|key| Some(format!("{key} = {}", of.policy.setting(key)?)))
        .collect();
    if said.is_empty() { String::new() } else { format!(" Its settings: {}.", said.join(", ")) }
}

/// Reasons that have alerts of their own, or are no fault.
const ELSEWHERE: [&str; 3] = ["circuit_open", "shed", "cancelled"];
/// The burn rate at which two days spend the budget of 30.
const BURN: f64 = 14.4;
