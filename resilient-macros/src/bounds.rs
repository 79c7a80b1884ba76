//! The bounds of a limit that adapts: `min_limit`, `max_limit` and `initial_limit`.

use proc_macro2::Span;
use quote::quote_spanned;

use crate::constructor::Constructor;
use crate::key::{Key, Refused, Sort};
use crate::settings::Settings;
use crate::value::Known;

/// The row of `min_limit`.
pub(crate) const MIN: Key = Key::setting("min_limit", "min_limit = 1", Sort::Count)
    .refuses(&[
        Refused::zero("`min_limit` must be at least 1"),
        above("`min_limit` must be at most 1000000; without a limit, remove the attribute"),
    ])
    .absent("1")
    .means("the least of a limit that adapts");

/// The row of `max_limit`.
pub(crate) const MAX: Key = Key::setting("max_limit", "max_limit = 200", Sort::Count)
    .refuses(&[
        Refused::zero("`max_limit` must be at least 1"),
        above("`max_limit` must be at most 1000000; without a limit, remove the attribute"),
    ])
    .absent("200")
    .means("the most of a limit that adapts");

/// The row of `initial_limit`.
pub(crate) const INITIAL: Key = Key::setting("initial_limit", "initial_limit = 20", Sort::Count)
    .refuses(&[
        Refused::zero("`initial_limit` must be at least 1"),
        above("`initial_limit` must be at most 1000000; without a limit, remove the attribute"),
    ])
    .absent("20")
    .means("the first of a limit that adapts");

/// The most that the runtime has room for.
const MOST: u32 = 1_000_000;

/// Refuses more permits than the runtime has room for.
pub(crate) const fn above(message: &'static str) -> Refused {
    Refused::above(MOST as f64, message)
}

const KEYS: [&str; 3] = ["min_limit", "max_limit", "initial_limit"];

/// Sets the bounds of a limit that adapts by `algorithm`, with defaults for those that are not written.
pub(crate) fn adaptive(constructor: Constructor, algorithm: &str, settings: &Settings<'_>) -> Constructor {
    let [min, max, initial] = in_order(settings);
    let bounds = quote_spanned!(Span::mixed_site()=> #min, #max, #initial);
    constructor.at(&min).at(&max).at(&initial).call("limit", algorithm, &bounds)
}

/// `min_limit`, `max_limit` and `initial_limit`, with defaults for those that are not written.
pub(crate) fn in_order(settings: &Settings<'_>) -> [Known<u32>; 3] {
    let [min, max, initial] = KEYS.map(|key| settings.count(key).map(|given| given.value));
    check([&min, &max, &initial], settings);
    let min = min.unwrap_or(Known::Literal(1));
    let max = max.unwrap_or_else(|| Known::Literal(usual_max(Some(&min))));
    let initial = initial.unwrap_or_else(|| {
        let (least, most) = (min.literal().unwrap_or(1), max.literal().unwrap_or(20));
        Known::Literal(20.min(most).max(least))
    });
    [min, max, initial]
}

/// Reports each of them, for a limit that does not adapt.
pub(crate) fn of_fixed(settings: &Settings<'_>) {
    for key in KEYS {
        if let (Some(span), None) = (settings.span(key), &settings.with) {
            let message = format!(
                "`{key}` is for a limit that adapts: write `limit = \"gradient\"`, `\"vegas\"` or `\"aimd\"`, or remove it"
            );
            settings.errors.at(span, message);
        }
    }
}

/// The `max_limit` that there is if none is written.
fn usual_max(min: Option<&Known<u32>>) -> u32 {
    min.and_then(Known::literal).unwrap_or(1).max(200)
}

fn check([min, max, initial]: [&Option<Known<u32>>; 3], settings: &Settings<'_>) {
    let literal = |value: &Option<Known<u32>>| value.as_ref().and_then(Known::literal);
    let place = |key: &str| settings.span(key).unwrap_or_else(|| settings.attribute.span());
    if let (Some(min), Some(max)) = (literal(min), literal(max))
        && min > max
    {
        let message =
            format!("`min_limit` ({min}) is more than `max_limit` ({max}), so there is no limit between them");
        settings.errors.at(place("min_limit"), message);
        return;
    }
    if let Some(initial) = literal(initial) {
        let least = literal(min).unwrap_or(1);
        let usual = if max.is_none() { usual_max(min.as_ref()) } else { MOST };
        let most = literal(max).unwrap_or(usual);
        if initial < least || initial > most {
            let message = match (literal(min), literal(max)) {
                (Some(_), Some(_)) => {
                    format!("`initial_limit` ({initial}) must be from `min_limit` ({least}) to `max_limit` ({most})")
                }
                _ if initial < least => {
                    format!("`initial_limit` ({initial}) must be at least `min_limit` ({least})")
                }
                (_, None) => format!(
                    "`initial_limit` ({initial}) must be at most `max_limit`, which is {most}: write a greater `max_limit`"
                ),
                _ => format!("`initial_limit` ({initial}) must be at most `max_limit` ({most})"),
            };
            settings.errors.at(place("initial_limit"), message);
        }
    }
}
