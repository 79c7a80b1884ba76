//! Values of arguments: durations, ratios and counts, known where they are literals.

use std::time::Duration;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use resilient_words::{nearest_unit, negative_duration, parse_duration, percent, unit_nanos};
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
    fn a_duration_is_written_with_its_largest_exact_unit() {
        let tokens = duration_tokens(Duration::from_millis(1_500));

        assert_eq!(tokens.to_string(), quote::quote!(::core::time::Duration::from_millis(1500)).to_string());
    }
}
