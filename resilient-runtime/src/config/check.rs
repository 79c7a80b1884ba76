//! The checks between the policies of one stack, by the rules that the compiler has for the attributes.

use std::time::Duration;

use resilient_words::{attempt_never_times_out, delay_never_passes, no_room_for_a_retry};

use super::resolve::Known;
use crate::PolicyKind;
use crate::tune::Facts;

/// A rule that settings break: the policy whose setting is wrong, by its place among the layers, and what to write.
pub(super) struct Broken {
    pub(super) layer: usize,
    pub(super) message: String,
}

/// A layer of a stack, as it will be.
pub(super) struct Planned {
    pub(super) known: Known,
    pub(super) facts: Facts,
}

/// Returns what does not go together in a stack, the outermost layer first.
pub(super) fn check(layers: &[Option<Planned>]) -> Option<Broken> {
    let of_kind =
        |kind: PolicyKind| layers.iter().position(|layer| layer.as_ref().is_some_and(|layer| layer.known.kind == kind));
    let facts = |place: usize| layers[place].as_ref().map_or_else(Facts::default, |layer| layer.facts);
    let limit = |mut range: std::ops::Range<usize>| range.find_map(|place| Some((place, facts(place).limit?)));
    let (retry, hedge) = (of_kind(PolicyKind::Retry), of_kind(PolicyKind::Hedge));
    if let Some(hedge) = hedge
        && let Some(delay) = facts(hedge).hedges_after
    {
        let attempt = limit(hedge + 1..layers.len()).map(|(_, limit)| (limit, "an attempt"));
        let total = limit(0..hedge).map(|(_, limit)| (limit, "the call"));
        if let Some((limit, what)) = attempt.into_iter().chain(total).find(|(limit, _)| delay >= *limit) {
            let message = delay_never_passes(shown(delay), what, shown(limit));
            return Some(Broken { layer: hedge, message });
        }
    }
    let repeating = retry.or(hedge)?;
    let total = limit(0..repeating);
    if let Some(retry) = retry
        && facts(retry).unbounded
        && !layers[..retry].iter().flatten().any(|layer| layer.known.kind == PolicyKind::Timeout)
    {
        let message = "nothing would ever stop an unlimited retry: set `max_elapsed` as well";
        return Some(Broken { layer: retry, message: message.to_owned() });
    }
    let (outer, total) = total?;
    let attempt = limit(repeating + 1..layers.len());
    if let Some((inner, attempt)) = attempt
        && attempt >= total
    {
        let message = attempt_never_times_out(shown(attempt), shown(total));
        return Some(Broken { layer: inner, message });
    }
    let delay = facts(repeating).first_delay.filter(|delay| retry.is_some() && !delay.is_zero())?;
    let spent = attempt.map_or(Duration::ZERO, |(_, attempt)| attempt).saturating_add(delay);
    (spent >= total).then(|| {
        let attempt = attempt.map(|(_, attempt)| shown(attempt));
        Broken { layer: outer, message: no_room_for_a_retry(attempt, shown(delay), shown(total)) }
    })
}

fn shown(time: Duration) -> String {
    format!("{time:?}")
}
