//! Stacks as people write them: `timeout(total = "1s"), retry(max = 3)`.

use resilient_expansion::as_written;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprAssign, ExprCall, ExprLit, Lit, Token, UnOp};

/// A policy of a stack: its name and its arguments in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The name of the attribute.
    pub policy: String,
    /// The arguments.
    pub arguments: Vec<Argument>,
}

/// An argument of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The key; empty for a value without one, as in `timeout("2s")`.
    pub key: String,
    /// The value; `None` for a word alone, as in `hedge(idempotent)`.
    pub value: Option<Value>,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The text of a literal.
    Text(String),
    /// An expression of Rust, which the compiler alone can evaluate, as it is written.
    Code(String),
}

impl Written {
    /// Returns the value of the key, if it is a literal.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.arguments.iter().find(|argument| argument.key == key)?.text()
    }

    /// Returns whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.arguments.iter().any(|argument| argument.key == key)
    }
}

impl Argument {
    /// Returns the value, if it is a literal.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads a stack, the outermost policy first.
///
/// # Errors
///
/// A message that names what is no policy.
pub fn stack(text: &str) -> Result<Vec<Written>, String> {
    let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
    let policies = syn::parse::Parser::parse_str(parser, text)
        .map_err(|error| format!("a stack is written as `timeout(total = \"1s\"), retry(max = 3)`: {error}"))?;
    policies.iter().map(policy).collect()
}

/// Reads one policy.
///
/// # Errors
///
/// A message if it is none.
pub fn policy(expression: &Expr) -> Result<Written, String> {
    let (path, arguments) = match expression {
        Expr::Call(ExprCall { func, args, .. }) => (&**func, self::arguments(args)),
        path => (path, Vec::new()),
    };
    match path {
        Expr::Path(path) if !path.path.segments.is_empty() => {
            let policy = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            Ok(Written { policy, arguments })
        }
        _ => Err("a policy is a name with its arguments, such as `retry(max = 3)`".to_owned()),
    }
}

/// Returns the arguments of a policy.
pub fn arguments(expressions: &Punctuated<Expr, Token![,]>) -> Vec<Argument> {
    let name = |expression: &Expr| match expression {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    };
    let read = |expression: &Expr| match expression {
        Expr::Assign(ExprAssign { left, right, .. }) => {
            Argument { key: name(left).unwrap_or_default(), value: Some(value(right)) }
        }
        word @ Expr::Path(_) if name(word).is_some() => Argument { key: name(word).unwrap_or_default(), value: None },
        other => Argument { key: String::new(), value: Some(value(other)) },
    };
    expressions.iter().map(read).collect()
}

fn value(expression: &Expr) -> Value {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Value::Text(text.value()),
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Value::Text(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => Value::Text(number.base10_digits().to_owned()),
        Expr::Lit(ExprLit { lit: Lit::Bool(word), .. }) => Value::Text(word.value.to_string()),
        Expr::Path(path) if path.path.is_ident("none") || path.path.is_ident("unlimited") => {
            Value::Text(path.path.get_ident().map(ToString::to_string).unwrap_or_default())
        }
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match value(&unary.expr) {
            Value::Text(number) => Value::Text(format!("-{number}")),
            Value::Code(_) => Value::Code(code(expression)),
        },
        other => Value::Code(code(other)),
    }
}

/// Returns the expression as it is written, if that is one line.
fn code(expression: &Expr) -> String {
    let text = expression.span().source_text().filter(|text| !text.is_empty() && !text.contains('\n'));
    text.unwrap_or_else(|| as_written(expression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_read_as_they_are_written() {
        let stack =
            stack("timeout(\"2s\"), resilient::retry(max = 3, budget = none), hedge(idempotent, after = D)").unwrap();

        let names: Vec<&str> = stack.iter().map(|written| written.policy.as_str()).collect();
        assert_eq!(names, ["timeout", "retry", "hedge"]);
        assert_eq!(
            (stack[0].text(""), stack[1].text("max"), stack[1].text("budget")),
            (Some("2s"), Some("3"), Some("none"))
        );
        assert_eq!(stack[2].arguments[0], Argument { key: "idempotent".to_owned(), value: None });
        assert_eq!(stack[2].arguments[1].value, Some(Value::Code("D".to_owned())));
    }

    #[test]
    fn other_text_is_no_stack() {
        for text in ["retry(", "3", "\"1s\"", "a + b"] {
            assert!(super::stack(text).is_err(), "{text}");
        }
    }
}
