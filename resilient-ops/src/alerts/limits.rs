//! Alerts of a rate limit, of waits for a permit, of a map of keys, and of the store that machines share.

use std::time::Duration;

use super::{Alert, BY, FAST, FEW, Rule, Severity, Subject, increase, kinds, summed};
use crate::proof::{Change, Proof};
use crate::query::{family, promql_time};
use crate::settings::{self, percent, shown};

/// The rate is nearly used up.
pub(super) fn used_up(of: Subject<'_>) -> Option<Alert> {
    // with a key, each key has the rate
    if !of.is("rate_limit") || of.policy.keys.is_some() {
        return None;
    }
    let written = of.policy.setting("rate")?;
    let rate = settings::rate(written).filter(|rate| *rate > 0.0)?;
    let window = of.options.window(FAST);
    let over = promql_time(window);
    let per_second = |selector: crate::query::Selector| summed(&selector.over("rate", &over));
    let units = |how| per_second(of.select(family::UNITS).own(how));
    // calls that say their weight are counted in units, and others one by one
    let weighed = format!("({} + {} - {} > 0)", units("reserved"), units("charged"), units("returned"));
    // the mean number of instances, none in a gap: a deploy without any is no time in which the rate was not used. A process that began
    // a moment ago has too few scrapes for either number, and so counts as half of one
    let over_steps = format!("[{over}:{}]", promql_time(of.options.interval));
    let instances = format!("count by ({BY}) ({})", of.select(family::RATE_SHARE).now());
    // a rate that machines share is one of all instances together
    let is_shared = of.policy.setting("shared").is_some();
    let (per, those) = if is_shared {
        (String::new(), "in all instances together")
    } else {
        let mean = format!("sum_over_time({instances}{over_steps}) / scalar(count_over_time(vector(1){over_steps}))");
        (format!("\n  / clamp_min({mean}, 0.5)"), "in each instance")
    };
    let expr = format!("({weighed} or {}){per} > {}", per_second(of.select(family::CALLS)), shown(rate * USED));
    let lets_through = |calls: f64| {
        let mut all = vec![
            of.quantity(family::CALLS, "success", Change::Rises(calls)),
            of.quantity(family::RATE_SHARE, "", Change::Stays(1.0)),
        ];
        all.extend(["reserved", "charged", "returned"].map(|how| of.quantity(family::UNITS, how, Change::Rises(0.0))));
        all
    };
    Some(of.alert(
        &kinds::RATE_LIMIT_USED_UP,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "the rate is used up".to_owned(),
            description: format!(
                "{{{{ $value | printf \"%.1f\" }}}} a second {those} over the last {over}, of a rate of {written}. {} of {} a second is {}: \
                 above that, a call that comes waits or is refused.",
                percent(USED),
                shown(rate),
                shown(rate * USED)
            ),
            proof: Proof { third: window, sick: lets_through(rate), well: lets_through(rate * USED * 0.9) },
        },
    ))
}

/// The server has slowed or paused it.
pub(super) fn slowed(of: Subject<'_>) -> Option<Alert> {
    if !of.is("rate_limit") || !of.policy.has("rate_share") {
        return None;
    }
    let window = of.options.window(FAST);
    let over = promql_time(window);
    let average = |family| of.select(family).over("avg_over_time", &over);
    let expr = format!(
        "min by ({BY}) ({} * (1 - {})) < {}",
        average(family::RATE_SHARE),
        average(family::PAUSED),
        shown(SHARE)
    );
    let has = |share: f64| {
        vec![
            of.quantity(family::RATE_SHARE, "", Change::Stays(share)),
            of.quantity(family::PAUSED, "", Change::Stays(0.0)),
        ]
    };
    let left = of
        .policy
        .setting("rate")
        .and_then(settings::rate)
        .map_or_else(String::new, |rate| format!(" Of {} a second, half is {}.", shown(rate), shown(rate * SHARE)));
    Some(of.alert(
        &kinds::RATE_SLOWED,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "the server slows it".to_owned(),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the rate were left over the last {over}: the server answered with pauses, or asked for \
                 less.{left}"
            ),
            proof: Proof { third: window, sick: has(SHARE * 0.8), well: has(SHARE * 1.2) },
        },
    ))
}

/// Calls wait long for a permit.
pub(super) fn waits_long(of: Subject<'_>) -> Option<Alert> {
    if !of.is("rate_limit") && !of.is("bulkhead") {
        return None;
    }
    let written = of.policy.setting("max_wait")?;
    // the default of a bulkhead, where no deadline comes first
    let max = settings::time(written).or_else(|| (written == "deadline, or 1s").then_some(Duration::from_secs(1)))?;
    if max.is_zero() {
        return None;
    }
    let window = of.options.window(FAST);
    let most = max.as_secs_f64() * WAIT;
    let queued = increase(&of.select(family::QUEUED), window);
    let waited = increase(&of.select(family::WAIT_SECONDS), window);
    // six decimals, for limits of a millisecond
    let expr = format!("{waited} / {queued} > {}\n  and {queued} >= {FEW}", (most * 1e6).round() / 1e6);
    let waits = |each: f64| {
        vec![
            of.quantity(family::QUEUED, "", Change::Rises(5.0)),
            of.quantity(family::WAIT_SECONDS, "", Change::Rises(5.0 * each)),
        ]
    };
    Some(of.alert(
        &kinds::WAITS_LONG,
        Rule {
            severity: Severity::Ticket,
            expr,
            summary: "calls wait long for a permit".to_owned(),
            description: format!(
                "{{{{ $value | humanizeDuration }}}} is what a call that had to wait waited on average over the last {}. It may wait {written}; {} of \
                 {max:?} is {:?}. There is no histogram of waits, so this is their mean.",
                promql_time(window),
                percent(WAIT),
                max.mul_f64(WAIT)
            ),
            proof: Proof { third: window, sick: waits(most * 1.2), well: waits(most * 0.8) },
        },
    ))
}

/// There was no room for a key.
pub(super) fn keys_full(of: Subject<'_>) -> Option<Alert> {
    let keys = of.policy.keys.as_ref()?;
    let window = of.options.window(FAST);
    let over = increase(&of.select(family::KEY_OVERFLOWS), window);
    let overflows = |each: f64| {
        vec![
            of.quantity(family::KEY_OVERFLOWS, "", Change::Rises(each)),
            of.quantity(family::KEYS, "", Change::Stays(keys.capacity as f64)),
        ]
    };
    Some(of.alert(
        &kinds::KEYS_FULL,
        Rule {
            severity: Severity::Ticket,
            expr: format!("{over} > 0"),
            summary: "no room for more keys".to_owned(),
            description: format!(
                "{{{{ $value | printf \"%.0f\" }}}} calls in the last {} had a key that there was no room for. There is room for {} keys that are in \
                 use; the calls of all others share one policy.",
                promql_time(window),
                keys.capacity
            ),
            proof: Proof { third: window, sick: overflows(0.5), well: overflows(0.0) },
        },
    ))
}

/// The store does not answer through which machines share it.
pub(super) fn store_down(of: Subject<'_>) -> Option<Alert> {
    let store = of.policy.setting("shared")?;
    let window = of.options.window(FAST);
    let over = promql_time(window);
    let down = of.select(family::SHARED_DOWN).over("avg_over_time", &over);
    let is = |down: f64| vec![of.quantity(family::SHARED_DOWN, "", Change::Stays(down))];
    let rule = match of.policy.setting("when_down") {
        Some(rule) => format!("The limit goes by `when_down = \"{rule}\"`."),
        None => "Each machine goes by itself.".to_owned(),
    };
    Some(of.alert(
        &kinds::STORE_DOWN,
        Rule {
            severity: Severity::Ticket,
            expr: format!("max by ({BY}) ({down}) > {}", shown(DOWN)),
            summary: "its store does not answer".to_owned(),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of the last {over} the store {store} did not answer at least one instance. {rule}"
            ),
            proof: Proof { third: window, sick: is(1.0), well: is(0.0) },
        },
    ))
}

/// The share of the window in which a store may not answer.
const DOWN: f64 = 0.2;
/// The share of the rate that may be used.
const USED: f64 = 0.9;
/// The share of the rate that is to be left.
const SHARE: f64 = 0.5;
/// The share of the longest wait that the mean may be.
const WAIT: f64 = 0.5;
