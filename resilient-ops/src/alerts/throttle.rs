//! The alert of a throttle.

use super::{Alert, FAST, FEW, Rule, Severity, Subject, increase, kinds};
use crate::proof::{Change, Proof};
use crate::query::{family, promql_time};
use crate::settings::{percent, shown};

/// It drops calls.
pub(super) fn sheds(of: Subject<'_>) -> Option<Alert> {
    if !of.is("throttle") {
        return None;
    }
    let (k, max_drop) = (of.policy.number("k")?, of.policy.number("max_drop")?);
    let most = max_drop / 10.0;
    let window = of.options.window(FAST);
    let shed = increase(&of.select(family::REJECTIONS).own("shed"), window);
    let expr =
        format!("{shed} / ({} + {}) > {}\n  and {shed} >= {FEW}", of.calls(window), of.refused(window), shown(most));
    let drops = |share: f64| {
        vec![
            of.quantity(family::CALLS, "success", Change::Rises(100.0 * (1.0 - share))),
            of.quantity(family::REJECTIONS, "shed", Change::Rises(100.0 * share)),
        ]
    };
    Some(of.alert(
        &kinds::THROTTLE_SHEDS,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "sheds calls".to_owned(),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the calls in the last {} were dropped before they were made. With k = {}, that begins when the \
                 server turns away more than 1 − 1/k = {}. It may drop {} of the calls, a tenth of which is {}.",
                promql_time(window),
                shown(k),
                percent(1.0 - 1.0 / k),
                percent(max_drop),
                percent(most)
            ),
            proof: Proof { third: window, sick: drops(most * 1.3), well: drops(most * 0.8) },
        },
    ))
}
