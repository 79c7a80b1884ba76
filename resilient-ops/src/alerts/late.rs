//! The alert of a time-out whose calls go on after their time.

use super::{Alert, FAST, FEW, Rule, Severity, Subject, increase, kinds};
use crate::proof::{Change, Proof};
use crate::query::{family, promql_time};
use crate::settings::shown;

/// Something holds the threads.
pub(super) fn goes_on(of: Subject<'_>) -> Option<Alert> {
    let limit = of.policy.setting("limit").filter(|_| of.is("timeout"))?;
    let window = of.options.window(FAST);
    let late = increase(&of.select(family::LATE), window);
    let rises = |times: f64| vec![of.quantity(family::LATE, "", Change::Rises(times * FEW / window.as_secs_f64()))];
    Some(of.alert(
        &kinds::CALLS_LATE,
        Rule {
            severity: Severity::Ticket,
            expr: format!("{late} >= {}", shown(FEW)),
            summary: "calls go on after their time".to_owned(),
            description: format!(
                "About {{{{ $value | printf \"%.0f\" }}}} calls in the last {} ended at least ten milliseconds and a tenth of the limit, {limit}, after their time, or \
                 were ended so late. Of those that end by themselves, not all are looked at.",
                promql_time(window)
            ),
            proof: Proof { third: window, sick: rises(2.0), well: rises(0.5) },
        },
    ))
}
