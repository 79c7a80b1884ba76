//! The bounds of a limit that adapts: `min`, `max` and `initial`.

use proc_macro2::Span;
use syn::Expr;
use syn::spanned::Spanned;

use crate::arguments::Arguments;
use crate::diagnostic::Errors;
use crate::fragment::Context;
use crate::value::{self, Known};

/// The keys as they were written.
pub(crate) struct Bounds {
    values: [Option<Known<u32>>; 3],
    spans: [Option<(&'static str, Span)>; 3],
}

const KEYS: [&str; 3] = ["min", "max", "initial"];

impl Bounds {
    /// Takes the three keys.
    pub(crate) fn parse(arguments: &mut Arguments, context: &Context<'_>, errors: &Errors) -> Self {
        let spans = KEYS.map(|key| arguments.span(key).map(|span| (key, span)));
        Self { spans, values: KEYS.map(|key| arguments.constant(key, context.function, errors, permits)) }
    }

    /// The three for a limit that adapts, with what stands for those that are not given. Mistakes about none of them go to `all`.
    pub(crate) fn of_adaptive(self, all: Span, errors: &Errors) -> [Known<u32>; 3] {
        check_bounds(&self.values, &self.spans, all, errors);
        within(self.values)
    }

    /// Reports each of them, for a limit that does not adapt.
    pub(crate) fn of_fixed(self, errors: &Errors) {
        for (key, span) in self.spans.into_iter().flatten() {
            let message = format!(
                "`{key}` is for a limit that adapts: write `limit = \"gradient\"`, `\"vegas\"` or `\"aimd\"`, or remove it"
            );
            errors.at(span, message);
        }
    }
}

/// The bounds, with what stands for those that are not given.
fn within([min, max, initial]: [Option<Known<u32>>; 3]) -> [Known<u32>; 3] {
    let min = min.unwrap_or(Known::Literal(1));
    let max = max.unwrap_or_else(|| Known::Literal(min.literal().unwrap_or(1).max(200)));
    let initial = initial.unwrap_or_else(|| {
        let (least, most) = (min.literal().unwrap_or(1), max.literal().unwrap_or(20));
        Known::Literal(20.min(most).max(least))
    });
    [min, max, initial]
}

fn check_bounds(
    [min, max, initial]: &[Option<Known<u32>>; 3],
    spans: &[Option<(&'static str, Span)>; 3],
    all: Span,
    errors: &Errors,
) {
    let literal = |value: &Option<Known<u32>>| value.as_ref().and_then(Known::literal);
    let place = |index: usize| spans[index].map_or(all, |(_, span)| span);
    if let (Some(min), Some(max)) = (literal(min), literal(max))
        && min > max
    {
        errors.at(place(0), format!("`min` ({min}) is more than `max` ({max}), so there is no limit between them"));
        return;
    }
    if let Some(initial) = literal(initial) {
        let (least, most) = (literal(min).unwrap_or(1), literal(max).unwrap_or(MOST));
        if initial < least || initial > most {
            let message = match (literal(min), literal(max)) {
                (Some(_), Some(_)) => format!("`initial` ({initial}) must be from `min` ({least}) to `max` ({most})"),
                (Some(_), None) => format!("`initial` ({initial}) must be at least `min` ({least})"),
                _ => format!("`initial` ({initial}) must be at most `max` ({most})"),
            };
            errors.at(place(2), message);
        }
    }
}

/// A number of calls at once.
pub(crate) fn permits(key: &str, expression: Expr) -> syn::Result<Known<u32>> {
    let written = expression.span();
    let count = value::count(key, expression)?;
    match (key, count.literal()) {
        ("limit", Some(0)) => {
            Err(syn::Error::new(written, "a limit of zero refuses every call: write at least `limit = 1`"))
        }
        (_, Some(0)) => Err(syn::Error::new(written, format!("`{key}` must be at least 1"))),
        (_, Some(count)) if count > MOST => Err(syn::Error::new(
            written,
            format!("`{key}` must be at most {MOST}; without a limit, remove the attribute"),
        )),
        _ => Ok(count),
    }
}

/// What the runtime has room for.
const MOST: u32 = 1_000_000;
