//! Values of arguments: durations, ratios and counts, known where they are literals.

use std::time::Duration;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use crate::wording::nearest;

/// A value that the macro knows, or an expression that only the compiler will.
#[derive(Clone)]
pub(crate) enum Known<T> {
    Literal(T),
    Const(Expr),
}

impl<T> Known<T> {
    /// Returns where the expression stands, if the compiler is the first to know its value.
    pub(crate) fn constant(&self) -> Option<Span> {
        match self {
            Self::Literal(_) => None,
            Self::Const(expression) => Some(expression.span()),
        }
    }
}

impl<T: Copy> Known<T> {
    pub(crate) fn literal(&self) -> Option<T> {
        match self {
            Self::Literal(value) => Some(*value),
            Self::Const(_) => None,
        }
    }
}

impl ToTokens for Known<Duration> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(duration) => tokens.extend(duration_tokens(*duration)),
            Self::Const(expression) => expression.to_tokens(tokens),
        }
    }
}

impl ToTokens for Known<u32> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(count) => Literal::u32_unsuffixed(*count).to_tokens(tokens),
            Self::Const(expression) => expression.to_tokens(tokens),
        }
    }
}

impl ToTokens for Known<f64> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(ratio) => Literal::f64_unsuffixed(*ratio).to_tokens(tokens),
            Self::Const(expression) => expression.to_tokens(tokens),
        }
    }
}

/// A `"250ms"`, or an expression of type `Duration`.
pub(crate) fn duration(expression: &Expr) -> syn::Result<Known<Duration>> {
    let error = |message: String| Err(syn::Error::new_spanned(expression, message));
    let written = match literal(expression) {
        Some(Lit::Str(text)) => text,
        Some(Lit::Int(number)) => return error(not_quoted(number.base10_digits(), number.suffix())),
        Some(Lit::Float(number)) => return error(not_quoted(number.base10_digits(), number.suffix())),
        Some(Lit::ByteStr(text)) => {
            let text = String::from_utf8_lossy(&text.value()).into_owned();
            return error(format!("a duration stands in plain quotes: write `\"{text}\"`"));
        }
        Some(_) => {
            return error(format!("`{}` is no duration: write one like `\"250ms\"`", expression.to_token_stream()));
        }
        None if number(expression).is_some() => return error(negative_duration().to_owned()),
        None => return Ok(Known::Const(expression.clone())),
    };
    parse_duration(&written.value()).map(Known::Literal).map_err(|message| syn::Error::new(written.span(), message))
}

/// A `"50%"`, a `0.5`, or an expression of type `f64`.
pub(crate) fn ratio(key: &str, expression: &Expr) -> syn::Result<Known<f64>> {
    let error = |message: String| Err(syn::Error::new_spanned(expression, message));
    let written = match number(expression) {
        Some(number) => number,
        None => match literal(expression) {
            Some(Lit::Str(text)) => match percent(&text.value()) {
                Some(ratio) => ratio,
                None => return error(format!("`{key}` takes a ratio: write `\"50%\"` or `0.5`")),
            },
            Some(_) => return error(format!("`{key}` takes a ratio: write `\"50%\"` or `0.5`")),
            None => return Ok(Known::Const(expression.clone())),
        },
    };
    if written > 1.0 && written <= 100.0 && !is_percent(expression) {
        let shown = expression.to_token_stream();
        return error(format!("`{key}` is a ratio between 0 and 1: write `\"{shown}%\"` or `{}`", written / 100.0));
    }
    Ok(Known::Literal(written))
}

/// A whole number from zero, or an expression of type `u32`.
pub(crate) fn count(key: &str, expression: &Expr) -> syn::Result<Known<u32>> {
    let error = |message: String| Err(syn::Error::new_spanned(expression, message));
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => match number.base10_parse() {
            Ok(_) if !matches!(number.suffix(), "" | "u32") => {
                error(format!("`{key}` is a plain number: write `{key} = {}`", number.base10_digits()))
            }
            Ok(count) => Ok(Known::Literal(count)),
            Err(_) => error(format!("`{key}` is a whole number up to {}", u32::MAX)),
        },
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match text.value().trim().parse::<u32>() {
            Ok(count) => error(format!("`{key}` takes a whole number: write `{key} = {count}`")),
            Err(_) if ["off", "unlimited"].contains(&text.value().trim()) => {
                error(format!("this word has no quotes: write `{key} = {}`", text.value().trim()))
            }
            Err(_) => error(format!("`{key}` takes a whole number, such as `{key} = 3`")),
        },
        Expr::Lit(_) => error(format!("`{key}` takes a whole number, such as `{key} = 3`")),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => {
            error(format!("`{key}` cannot be negative: write a whole number, such as `{key} = 3`"))
        }
        _ => Ok(Known::Const(expression.clone())),
    }
}

/// A number that may have a fraction, or an expression of type `f64`.
pub(crate) fn factor(key: &str, expression: &Expr) -> syn::Result<Known<f64>> {
    match number(expression) {
        Some(number) => Ok(Known::Literal(number)),
        None if matches!(literal(expression), Some(Lit::Float(_))) => {
            let written = expression.to_token_stream();
            let message = format!(
                "`{written}` is more than an `f64` can hold, or is none: write a number, such as `{key} = 1.5`"
            );
            Err(syn::Error::new_spanned(expression, message))
        }
        None if literal(expression).is_some() => {
            Err(syn::Error::new_spanned(expression, format!("`{key}` takes a number, such as `{key} = 1.5`")))
        }
        None => Ok(Known::Const(expression.clone())),
    }
}

/// Refuses a literal.
pub(crate) fn no_literal(expression: &Expr, message: &str) -> syn::Result<()> {
    match expression {
        Expr::Lit(_) => Err(syn::Error::new_spanned(expression, message)),
        _ => Ok(()),
    }
}

/// A string literal.
pub(crate) fn text(key: &str, expression: &Expr) -> syn::Result<syn::LitStr> {
    match literal(expression) {
        Some(Lit::Str(text)) => Ok(text),
        _ => {
            let word = match expression {
                Expr::Path(path) if path.path.get_ident().is_some() => path.to_token_stream().to_string(),
                _ => "…".to_owned(),
            };
            Err(syn::Error::new_spanned(expression, format!("`{key}` takes a string: write `{key} = \"{word}\"`")))
        }
    }
}

/// One of the words that `key` accepts, as it stands in the table.
pub(crate) fn word(key: &str, expression: &Expr, accepted: &[&'static str]) -> syn::Result<&'static str> {
    if let (Some(Lit::Bool(_) | Lit::Int(_) | Lit::Float(_) | Lit::Char(_)), Some(first)) =
        (literal(expression), accepted.first())
    {
        let message = format!("`{key}` takes a word: write, say, `{key} = \"{first}\"`");
        return Err(syn::Error::new_spanned(expression, message));
    }
    let text = text(key, expression)?;
    let written = text.value();
    if let Some(word) = accepted.iter().find(|word| **word == written) {
        return Ok(word);
    }
    let message = match (nearest(&written, accepted.iter().copied()), accepted) {
        (Some(meant), _) => format!("unknown `{key}` `\"{written}\"`: did you mean `\"{meant}\"`?"),
        (None, [only]) => format!("unknown `{key}` `\"{written}\"`: the only one is `\"{only}\"`"),
        (None, all) => {
            let all: Vec<String> = all.iter().map(|word| format!("`\"{word}\"`")).collect();
            format!("unknown `{key}` `\"{written}\"`: write one of {}", all.join(", "))
        }
    };
    Err(syn::Error::new(text.span(), message))
}

/// The duration as a constructor call with the largest unit that is exact.
fn duration_tokens(duration: Duration) -> TokenStream {
    let span = Span::mixed_site();
    let nanos = duration.as_nanos() as u64;
    let (constructor, count) = match nanos {
        _ if nanos.is_multiple_of(1_000_000_000) => ("from_secs", nanos / 1_000_000_000),
        _ if nanos.is_multiple_of(1_000_000) => ("from_millis", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => ("from_micros", nanos / 1_000),
        _ => ("from_nanos", nanos),
    };
    let constructor = syn::Ident::new(constructor, span);
    let count = Literal::u64_unsuffixed(count);
    quote_spanned!(span=> ::core::time::Duration::#constructor(#count))
}

/// The duration that is written, or what is wrong with it.
pub(crate) fn parse_duration(written: &str) -> Result<Duration, String> {
    let mut rest = written.trim();
    if rest.is_empty() {
        return Err("an empty duration: write, for instance, `\"250ms\"`".to_owned());
    }
    if rest.starts_with('-') {
        return Err(negative_duration().to_owned());
    }
    if let Some(meant) = with_other_signs(rest) {
        return Err(format!("`{written}` is not a duration: write `\"{meant}\"`"));
    }
    let mut last: Option<(&str, u64)> = None;
    let too_long = || format!("`{written}` is too long: the longest duration is 584 years");
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        rest = after.trim_start();
        if number.is_empty() || !unit.chars().all(char::is_alphabetic) {
            return Err(format!("`{written}` is not a duration: write a number and a unit, such as `\"250ms\"`"));
        }
        if unit.is_empty() {
            let before = written.trim().strip_suffix(number).filter(|before| !before.is_empty());
            return Err(match before {
                Some(before) => format!("the last number has no unit: write, for instance, `\"{before}{number}ms\"`"),
                None => format!("a duration needs a unit: write `\"{number}s\"` or `\"{number}ms\"`"),
            });
        }
        let scale = unit_nanos(unit).ok_or_else(|| unknown_unit(number, unit))?;
        if let Some((earlier, larger)) = last
            && scale >= larger
        {
            return Err(format!(
                "`{unit}` stands after `{earlier}`: write each unit once, the largest first, as in `\"1m30s\"`"
            ));
        }
        last = Some((unit, scale));
        if !is_decimal(number) {
            return Err(format!("`{number}` is not a number: write, for instance, `\"1.5{unit}\"`"));
        }
        let part = in_nanos(number, scale).ok_or_else(too_long)?;
        total = total.checked_add(part).ok_or_else(too_long)?;
    }
    Ok(Duration::from_nanos(total))
}

/// The message for a number where a duration should be: `5`, `1.5`, `5s`.
fn not_quoted(number: &str, suffix: &str) -> String {
    let whole = format!("{number}{suffix}");
    if !suffix.is_empty() && parse_duration(&whole).is_ok() {
        return format!("a duration stands in quotes: write `\"{whole}\"`");
    }
    let meant = if unit_nanos(suffix).is_some() { Some(suffix) } else { nearest_unit(suffix) };
    if let (Some(unit), false) = (meant, suffix.is_empty()) {
        return format!("a duration stands in quotes: write `\"{number}{unit}\"`");
    }
    format!("a duration needs a unit: write `\"{number}s\"` or `\"{number}ms\"`")
}

const fn negative_duration() -> &'static str {
    "a duration cannot be negative: write, for instance, `\"250ms\"`"
}

fn is_decimal(number: &str) -> bool {
    number.starts_with(|first: char| first.is_ascii_digit()) && number.matches('.').count() <= 1
}

fn in_nanos(number: &str, scale: u64) -> Option<u64> {
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    let mut nanos = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        nanos = nanos.checked_add(place.checked_mul(u64::from(digit.to_digit(10)?))?)?;
    }
    Some(nanos)
}

fn unit_nanos(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(short, ..)| *short == unit).map(|&(_, nanos, _)| nanos)
}

/// One of the unit of that name, short or long.
pub(crate) fn unit(name: &str) -> Option<Duration> {
    let found = UNITS.iter().find(|(short, _, names)| *short == name || names.contains(&name));
    found.map(|&(_, nanos, _)| Duration::from_nanos(nanos))
}

/// The short name of the unit that was probably meant.
pub(crate) fn nearest_unit(name: &str) -> Option<&'static str> {
    let long = UNITS.iter().flat_map(|(short, _, names)| names.iter().map(move |name| (*name, *short)));
    let meant = nearest(name, long.clone().map(|(name, _)| name))?;
    long.into_iter().find(|(name, _)| *name == meant).map(|(_, short)| short)
}

/// The duration meant by one written as a time of day, or with a comma: `1m30s` for `1:30`, `1.5s` for `1,5s`.
fn with_other_signs(written: &str) -> Option<String> {
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = written.split(':').collect();
    match parts.as_slice() {
        [minutes, seconds] if digits(minutes) && digits(seconds) => Some(format!("{minutes}m{seconds}s")),
        [hours, minutes, seconds] if [hours, minutes, seconds].into_iter().all(|part| digits(part)) => {
            Some(format!("{hours}h{minutes}m{seconds}s"))
        }
        [_] if written.matches(',').count() == 1 => {
            let (whole, fraction) = written.split_once(',')?;
            let point = format!("{whole}.{fraction}");
            (digits(whole) && parse_duration(&point).is_ok()).then_some(point)
        }
        _ => None,
    }
}

fn unknown_unit(number: &str, unit: &str) -> String {
    if unit == "M" {
        return format!(
            "`M` could be minutes or months: write `\"{number}m\"` for minutes, `\"{number}ms\"` for milliseconds"
        );
    }
    if let Some((_, days)) = LONGER_UNITS.iter().find(|(names, _)| names.contains(&unit.to_lowercase().as_str())) {
        let meant = match number.parse::<u64>() {
            Ok(number) => number.saturating_mul(*days).to_string(),
            Err(_) => days.to_string(),
        };
        return format!("the longest unit is the day: write `\"{meant}d\"`");
    }
    let otherwise = UNITS.iter().find(|(short, ..)| *short == unit.to_lowercase()).map(|(short, ..)| *short);
    match otherwise.or_else(|| nearest_unit(unit)) {
        Some(short) => format!("unknown unit `{unit}`: did you mean `\"{number}{short}\"`?"),
        None => format!("unknown unit `{unit}`: the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`"),
    }
}

/// Units that are longer than the longest that there is, and their days.
const LONGER_UNITS: &[(&[&str], u64)] =
    &[(&["w", "wk", "week", "weeks"], 7), (&["y", "yr", "yrs", "year", "years"], 365)];

/// Each unit, its nanoseconds, and the names that people give it.
const UNITS: &[(&str, u64, &[&str])] = &[
    ("ns", 1, &["ns", "nano", "nanos", "nanoseconds"]),
    ("us", 1_000, &["us", "µs", "micro", "micros", "microseconds"]),
    ("µs", 1_000, &[]),
    ("ms", 1_000_000, &["ms", "msec", "milli", "millis", "milliseconds"]),
    ("s", 1_000_000_000, &["sec", "secs", "second", "seconds"]),
    ("m", 60_000_000_000, &["min", "mins", "minute", "minutes"]),
    ("h", 3_600_000_000_000, &["hr", "hrs", "hour", "hours"]),
    ("d", 86_400_000_000_000, &["day", "days"]),
];

/// The ratio of a `50%`.
pub(crate) fn percent(text: &str) -> Option<f64> {
    let percent: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    percent.is_finite().then(|| percent_to_ratio(percent))
}

/// Dividing by 100 in decimal, so that `"7%"` is 0.07.
fn percent_to_ratio(percent: f64) -> f64 {
    format!("{percent}e-2").parse().unwrap_or(percent / 100.0)
}

fn is_percent(expression: &Expr) -> bool {
    matches!(literal(expression), Some(Lit::Str(_)))
}

/// The number that the expression is, sign included.
fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => finite(number.base10_digits(), number.suffix()),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => finite(number.base10_digits(), number.suffix()),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr).map(|number| -number),
        _ => None,
    }
}

fn finite(digits: &str, suffix: &str) -> Option<f64> {
    let number: f64 = digits.parse().ok()?;
    (number.is_finite() && matches!(suffix, "" | "f64")).then_some(number)
}

pub(crate) fn literal(expression: &Expr) -> Option<Lit> {
    match expression {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        for (written, nanos) in [
            ("250ms", 250_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5s", 1_500_000_000),
            ("2 h", 7_200_000_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("0s", 0),
            ("1_000ms", 1_000_000_000),
        ] {
            assert_eq!(parse_duration(written), Ok(Duration::from_nanos(nanos)), "{written}");
        }
    }

    #[test]
    fn what_is_not_a_duration_says_why() {
        for (written, message) in [
            ("", "empty"),
            ("-1s", "negative"),
            ("5", "needs a unit"),
            ("5 sconds", "did you mean `\"5s\"`"),
            ("5M", "minutes"),
            ("5 parsecs", "the units are"),
            ("s", "a number and a unit"),
            ("1..5s", "not a number"),
            ("99999999999999d", "584 years"),
            (".5s", "not a number"),
            ("213503d 23h59m", "584 years"),
            ("1y", "write `\"365d\"`"),
            ("2 weeks", "write `\"14d\"`"),
            ("2S", "did you mean `\"2s\"`"),
            ("3H", "did you mean `\"3h\"`"),
            ("1s2", "the last number has no unit"),
            ("1:30", "write `\"1m30s\"`"),
            ("1:02:03", "write `\"1h02m03s\"`"),
            ("1,5s", "write `\"1.5s\"`"),
            ("1s2s", "each unit once"),
            ("500ms1s", "the largest first"),
            ("1:x", "not a duration"),
        ] {
            let error = parse_duration(written).unwrap_err();
            assert!(error.contains(message), "{written}: {error}");
        }
    }

    #[test]
    fn a_duration_is_written_with_its_largest_exact_unit() {
        let tokens = duration_tokens(Duration::from_millis(1_500));

        assert_eq!(tokens.to_string(), quote::quote!(::core::time::Duration::from_millis(1500)).to_string());
    }

    #[test]
    fn percents_are_exact_decimals() {
        for (percent, ratio) in [(7.0, 0.07), (50.0, 0.5), (29.0, 0.29), (99.9, 0.999)] {
            assert_eq!(percent_to_ratio(percent).to_bits(), f64::to_bits(ratio));
        }
    }
}
