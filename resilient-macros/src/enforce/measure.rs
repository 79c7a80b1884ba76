//! Values that rules compare, as they stand in the code.

use quote::ToTokens;
use resilient_words::{Measure, percent};
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use crate::wording::{as_written, shown};

/// The value of a literal, or one of the words without quotes; `None` if the compiler is the first to know it.
pub(crate) fn measure_of(expression: &Expr) -> Option<Measure> {
    match expression {
        Expr::Lit(ExprLit { lit, .. }) => Some(of_literal(lit)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match measure_of(expr)? {
            Measure::Count(count) => Some(Measure::Number(-(count as f64))),
            Measure::Number(number) => Some(Measure::Number(-number)),
            Measure::Duration(_) | Measure::Rate(..) | Measure::Word(_) => None,
        },
        Expr::Group(group) => measure_of(&group.expr),
        Expr::Paren(inside) => measure_of(&inside.expr),
        // any other name is that of a constant
        Expr::Path(path) => {
            let word = path.path.get_ident()?.to_string();
            ["none", "off", "unlimited"].contains(&word.as_str()).then_some(Measure::Word(word))
        }
        _ => None,
    }
}

fn of_literal(literal: &Lit) -> Measure {
    let known = match literal {
        Lit::Int(count) => count.base10_parse().ok().map(Measure::Count),
        Lit::Float(number) => number.base10_parse().ok().map(Measure::Number),
        Lit::Str(text) => Some(Measure::of_text(&text.value())),
        _ => None,
    };
    known.unwrap_or_else(|| Measure::Word(literal.to_token_stream().to_string()))
}

/// The value as people read it in a sentence.
pub(crate) fn in_words(expression: &Expr) -> String {
    match measure_of(expression) {
        Some(Measure::Duration(duration)) => shown(duration),
        _ => match expression {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if percent(&text.value()).is_some() => text.value(),
            other => as_written(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(written: &str) -> Option<Measure> {
        measure_of(&syn::parse_str(written).unwrap())
    }

    #[test]
    fn literals_have_their_values() {
        for (written, value) in [
            ("4_294_967_295", Measure::Count(4_294_967_295)),
            ("1.5", Measure::Number(1.5)),
            ("-1", Measure::Number(-1.0)),
            ("(3)", Measure::Count(3)),
            ("\"50%\"", Measure::Number(0.5)),
            ("none", Measure::Word("none".to_owned())),
            ("true", Measure::Word("true".to_owned())),
        ] {
            assert_eq!(measured(written), Some(value), "{written}");
        }
    }

    #[test]
    fn what_the_compiler_is_the_first_to_know_is_no_measure() {
        for written in ["RETRIES", "crate::RETRIES", "2 + 3", "Duration::from_secs(1)", "{ 3 }", "|n| n"] {
            assert_eq!(measured(written), None, "{written}");
        }
    }
}
