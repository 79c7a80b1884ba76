//! The checks between the layers of a stack: orders and times that cannot work.

use std::time::Duration;

use resilient_words::{attempt_never_times_out, delay_never_passes, no_room_for_a_retry};
use syn::Ident;

use crate::amount::Amount;
use crate::diagnostic::Errors;
use crate::function::Function;
use crate::policies::kind;
use crate::policy::{Layer, Level};
use crate::{renewed, repeated};

/// Reports everything about the stack, outermost layer first, that could not work.
pub(crate) fn check(layers: &[Box<dyn Layer>], function: &Function, errors: &Errors) {
    needs_async(layers.iter().map(|layer| &**layer), function, errors);
    duplicates(layers, errors);
    outputs(layers, errors);
    if let (Some(&each), false) = (function.each.first(), layers.iter().any(|layer| layer.stands_beside())) {
        let message =
            "`#[each]` marks the item of a `#[fan_out]`, or the keys of a `#[batch]`, and this function has neither";
        errors.over(&function.signature.inputs[each], message);
    }
    repeated::check(layers, function, errors);
    renewed::check(layers, function, errors);
    let retry = layers.iter().position(|layer| is_retry(&**layer));
    let hedge = layers.iter().position(|layer| layer.facts().hedges);
    if let Some(hedge) = hedge {
        around_hedge(layers, hedge, errors);
    }
    let Some(repeating) = retry.or(hedge) else {
        return;
    };
    let (outside, inside) = (&layers[..repeating], &layers[repeating + 1..]);
    levels(outside, &*layers[repeating], inside, errors);
    for (index, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.facts().recovers) {
        if let Some(above) = layers[..index].iter().find(|above| above.facts().repeats) {
            let (name, what) = (above.name(), noun(&**above));
            let message = format!(
                "`#[fallback]` stands below the {what}, which would never see a failure: move it above `#[{name}]`, outermost"
            );
            errors.at(layer.span(), message);
        }
    }
    if retry.is_some() {
        bounds(outside, &*layers[repeating], function.blocks, errors);
    }
    times(outside, &*layers[repeating], inside, errors);
}

/// Rejects layers that a function that blocks cannot have.
pub(crate) fn needs_async<'a>(layers: impl Iterator<Item = &'a dyn Layer>, function: &Function, errors: &Errors) {
    if !function.blocks {
        return;
    }
    // a time-out may have two layers
    let mut reported = Vec::new();
    for layer in layers {
        let name = layer.name();
        let Some(reason) = kind(name).and_then(|kind| kind.only_async) else { continue };
        if !reported.contains(&name) {
            reported.push(name);
            errors.at(layer.span(), only_async(name, reason, function.name()));
        }
    }
}

fn only_async(policy: &str, reason: &str, function: &Ident) -> String {
    format!(
        "`#[{policy}]` needs an `async fn`, since {reason}: write `async fn {function}`, and put what blocks into `tokio::task::spawn_blocking`"
    )
}

/// Returns what cannot stand around a hedge, or inside it.
fn around_hedge(layers: &[Box<dyn Layer>], hedge: usize, errors: &Errors) {
    let (outside, inside) = (&layers[..hedge], &layers[hedge + 1..]);
    let facts = layers[hedge].facts();
    if let Some(retry) = inside.iter().find(|layer| is_retry(&***layer)) {
        let arithmetic = match (facts.further, retry.facts().further) {
            (Some(hedges), Some(retries)) => {
                let attempts = (1 + u64::from(hedges)) * (1 + u64::from(retries));
                format!(": (1 + {hedges}) × (1 + {retries}) = {attempts} attempts")
            }
            _ => String::new(),
        };
        let message = format!(
            "`#[hedge]` stands above the retry, so that each of its attempts is retried{arithmetic}; move it below `#[retry]`"
        );
        errors.at(layers[hedge].span(), message);
    }
    if let Some(coalesce) = inside.iter().find(|layer| layer.name() == "coalesce") {
        errors.at(
            coalesce.span(),
            "`#[coalesce]` stands below the hedge, whose second attempt would join its own first: move it above `#[hedge]`",
        );
    }
    let Some((delay, place)) = facts.delay else { return };
    let attempt = inside.iter().filter_map(|layer| Some((layer.facts().limit?.0, "an attempt")));
    let total = outside.iter().filter_map(|layer| Some((layer.facts().limit?.0, "the call")));
    for (limit, what) in attempt.chain(total) {
        let message = delay_never_passes(&delay, what, &limit);
        if delay.is_less_than(&limit).require(errors, place, message) {
            break;
        }
    }
}

/// Returns whether it is the retry: what runs the rest again, after it has ended.
fn is_retry(layer: &dyn Layer) -> bool {
    let facts = layer.facts();
    facts.repeats && !facts.hedges
}

/// Returns what messages call a layer that repeats.
fn noun(layer: &dyn Layer) -> &'static str {
    if layer.facts().hedges { "hedge" } else { "retry" }
}

/// The same policy twice on one function; only a time-out may be there twice, on both sides of the retry.
fn duplicates(layers: &[Box<dyn Layer>], errors: &Errors) {
    let repeats = layers.iter().any(|layer| layer.facts().repeats);
    for (index, layer) in layers.iter().enumerate() {
        let clashes = |earlier: &dyn Layer| earlier.name() == layer.name() && !apart(&**layer, earlier);
        let earlier = layers[..index].iter().rposition(|earlier| clashes(&**earlier));
        let Some(earlier) = earlier else { continue };
        let name = layer.name();
        let between = &layers[earlier + 1..index];
        match name {
            "retry" => errors.at(
                layer.span(),
                "two retries on one function multiply: with 3 retries each, they make 4 × 4 = 16 attempts; merge them into one `#[retry]`",
            ),
            "timeout" if between.iter().any(|layer| layer.facts().repeats) => {}
            // the outer one limits the waiting too
            "timeout" if between.iter().any(|layer| layer.facts().waits) => {
                let (outer, inner) = (layers[earlier].facts().limit, layer.facts().limit);
                if let (Some((outer, _)), Some((inner, place))) = (outer, inner) {
                    let message = format!(
                        "this time-out of {inner} stands inside of one of {outer}, so that it can never fire: make it shorter, or remove it"
                    );
                    inner.is_less_than(&outer).require(errors, place, message);
                }
            }
            // next to a retry one of the two stands on its wrong side, which `levels` reports
            "timeout" if repeats && opposite(&**layer, &*layers[earlier]) => {}
            "timeout" => errors.at(
                layer.span(),
                "two time-outs with no retry between them: only the shorter one can fire, so keep that one",
            ),
            "measure" if !between.is_empty() => {}
            "measure" => errors.at(layer.span(), "two measures with nothing between them measure the same: keep one"),
            "rate_limit" | "throttle" | "circuit_breaker" | "bulkhead" if layer.facts().identity.is_some() && layer.facts().identity == layers[earlier].facts().identity => {
                errors.at(layer.span(), format!("two `#[{name}]` of one name or key watch over the same calls: name them apart, or keep one"));
            }
            "rate_limit" => errors.at(layer.span(), several("rate limits", "#[rate_limit(\"100/s\", name = \"per_second\")]")),
            "throttle" => errors.at(layer.span(), several("throttles", "#[throttle(key = host)]")),
            "circuit_breaker" => errors.at(layer.span(), several("circuit breakers", "#[circuit_breaker(key = host)]")),
            "bulkhead" => errors.at(layer.span(), several("bulkheads", "#[bulkhead(limit = 5, key = tenant)]")),
            _ => errors.at(layer.span(), format!("`#[{name}]` is there twice: merge the two into one")),
        }
    }
}

/// The message for two layers of one kind that nothing tells apart.
fn several(policies: &str, example: &str) -> String {
    format!(
        "two {policies} on one function: tell them apart by a name or a key for each, as in `{example}`, or keep one"
    )
}

/// Returns whether both say what their state goes by, and not the same.
fn apart(one: &dyn Layer, other: &dyn Layer) -> bool {
    match (one.facts().identity, other.facts().identity) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    }
}

/// A layer that changes the output gives it to the caller: nothing else that wraps can stand above it.
fn outputs(layers: &[Box<dyn Layer>], errors: &Errors) {
    let mut wrapping = layers.iter().filter(|layer| !layer.stands_beside());
    let Some(outermost) = wrapping.next() else { return };
    for layer in wrapping {
        if let Some(span) = layer.output_changed() {
            let (name, above) = (layer.name(), outermost.name());
            let message = format!(
                "`share` changes what comes out of `#[{name}]`, which `#[{above}]` above it does not know: move `#[{name}]` to the top, or derive `Clone` for the outcome"
            );
            errors.at(span, message);
        }
    }
}

/// Returns whether both name a level, on different sides of the retry.
fn opposite(one: &dyn Layer, other: &dyn Layer) -> bool {
    match (one.facts().level, other.facts().level) {
        (Some(one), Some(other)) => (one == Level::Call) != (other == Level::Call),
        _ => false,
    }
}

/// A time-out that names its level must stand there.
fn levels(outside: &[Box<dyn Layer>], repeating: &dyn Layer, inside: &[Box<dyn Layer>], errors: &Errors) {
    let (what, name) = (noun(repeating), repeating.name());
    for layer in outside.iter().filter(|layer| layer.facts().level == Some(Level::Attempt)) {
        let message = format!(
            "`attempt` stands above the {what}, where it would limit all attempts together: move it below `#[{name}]`, or write `total`"
        );
        errors.at(level_span(&**layer), message);
    }
    for layer in inside.iter().filter(|layer| layer.facts().level == Some(Level::Call)) {
        let message = format!(
            "`total` stands below the {what}, where it would start again with each attempt: move it above `#[{name}]`, or write `attempt`"
        );
        errors.at(level_span(&**layer), message);
    }
}

/// A retry without a limit of its own must be ended by something outside it.
fn bounds(outside: &[Box<dyn Layer>], retry: &dyn Layer, blocks: bool, errors: &Errors) {
    let timed = outside.iter().any(|layer| layer.name() == "timeout");
    if let (Some(span), false) = (retry.facts().unbounded, timed) {
        errors.at(
            span,
            if blocks {
                "nothing would ever stop an unlimited retry: add `max_elapsed = \"…\"`"
            } else {
                "nothing would ever stop an unlimited retry: add `max_elapsed = \"…\"`, or a `#[timeout(total = \"…\")]` above it"
            },
        );
    }
}

/// Times that leave no room for each other.
fn times(outside: &[Box<dyn Layer>], retry: &dyn Layer, inside: &[Box<dyn Layer>], errors: &Errors) {
    let Some((total, total_span)) = outside.iter().find_map(|layer| layer.facts().limit) else {
        return;
    };
    let attempt = inside.iter().find_map(|layer| layer.facts().limit);
    if let Some((attempt, span)) = &attempt {
        let message = attempt_never_times_out(attempt, &total);
        if attempt.is_less_than(&total).require(errors, *span, message) {
            return;
        }
    }
    let Some(delay) = retry.facts().first_delay else {
        return;
    };
    // that is left to the comparison above
    if attempt.is_some() && delay.is_zero() {
        return;
    }
    let attempt = attempt.map(|(attempt, _)| attempt);
    let message = no_room_for_a_retry(attempt.as_ref(), &delay, &total);
    let attempt = attempt.unwrap_or_else(|| Amount::literal(Duration::ZERO));
    // one that takes as long as the call has been reported
    let claim = attempt.plus(&delay).is_less_than(&total).or(attempt.is_at_least(&total));
    claim.require(errors, total_span, message);
}

fn level_span(layer: &dyn Layer) -> proc_macro2::Span {
    layer.facts().limit.map_or(layer.span(), |(_, span)| span)
}
