//! The alert of a measure.

use std::time::Duration;

use super::{Alert, FAST, FEW, Rule, Severity, Subject, increase, kinds};
use crate::proof::{Change, Proof, Quantity};
use crate::query::{Selector, family, promql_time};
use crate::settings::{percent, shown};
use crate::snapshot::{Function, Layer};

/// The slowest calls come near the time-out.
pub(super) fn slow(of: Subject<'_>, function: Option<&Function>) -> Option<Alert> {
    if !of.is("measure") {
        return None;
    }
    let bounds = &of.policy.durations.as_ref()?.bounds;
    let place = |layer: &Layer| layer.policy.as_ref().is_some_and(|one| one.series == of.policy.series);
    let stack = &function?.stack;
    let own = stack.iter().position(place)?;
    // the time-outs outside limit what it measures; where there is none, the outermost inside is what a call is told to keep to
    let outside = stack[..own].iter().filter_map(limit).min_by_key(|(_, time)| *time);
    let (layer, limit) = outside.or_else(|| stack[own..].iter().find_map(limit))?;
    let near = limit.as_secs_f64() * NEAR;
    // the quantile is never above the last bound
    let last = *bounds.last()?;
    let most = near.min(last);
    let because = if near > last { format!(", and the last bucket ends at {} s", shown(last)) } else { String::new() };
    let window = of.options.window(FAST);
    let over = promql_time(window);
    let buckets = Selector::buckets(family::DURATION).job(of.options.job.as_deref()).policy(&of.policy.series);
    let all = buckets.clone().raw("le=\"+Inf\"");
    let expr = format!(
        "histogram_quantile(0.99, sum by (job, policy, function, layer, le) ({})) >= {}\n  and {} >= {FEW}",
        buckets.over("rate", &over),
        (most * 1e6).round() / 1e6,
        increase(&all, window)
    );
    // a hundred calls a second, all of them no longer than that bound and longer than the one before
    let all_within = |within: f64| -> Vec<Quantity> {
        let bucket = |bound: f64, le: String| {
            let calls = if bound >= within { 100.0 } else { 0.0 };
            let mut quantity = of.quantity(family::DURATION, "success", Change::Rises(calls));
            quantity.suffix = "_bucket";
            quantity.labels.push(("le".to_owned(), le));
            quantity
        };
        let buckets = bounds.iter().map(|bound| bucket(*bound, bound.to_string()));
        buckets.chain([bucket(f64::INFINITY, "+Inf".to_owned())]).collect()
    };
    // the quantile is somewhere between the bounds of its bucket, so the case below the threshold is in the last that ends below it
    let below = bounds.iter().copied().rfind(|bound| *bound < most)?;
    Some(of.alert(
        &kinds::CALLS_SLOW,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "the slowest calls come near the time-out".to_owned(),
            description: format!(
                "{{{{ $value | humanizeDuration }}}} is what 99 of 100 calls stayed within over the last {over}. The {layer} ends them at {limit:?}, \
                 {} of which are {:?}{because}.",
                percent(NEAR),
                limit.mul_f64(NEAR)
            ),
            proof: Proof { third: window, sick: all_within(f64::INFINITY), well: all_within(below) },
        },
    ))
}

/// The name and the time of a layer that is a time-out.
fn limit(layer: &Layer) -> Option<(&str, Duration)> {
    let timeout = layer.policy.as_ref().filter(|policy| policy.kind == "timeout")?;
    Some((layer.layer.as_str(), timeout.time("limit")?))
}

/// The share of the time-out that the slowest calls may take.
const NEAR: f64 = 0.8;
