//! One `#[exempt(…)]`: from which rules, and why.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Path, Token};

use crate::arguments::{absolute_path, between_commas};
use crate::diagnostic::Errors;
use crate::policies::{KINDS, kind};
use crate::value;
use crate::wording::{list, nearest};

/// An exception to the rules.
pub(crate) struct Exemption {
    pub(crate) span: Span,
    /// The policies whose rules do not hold; none means all.
    pub(crate) names: Vec<Ident>,
    pub(crate) krate: Option<Path>,
}

enum Written {
    Name(Ident),
    Reason(Span, Expr),
    Crate(Path),
}

impl Exemption {
    /// Parses the arguments of an `#[exempt(…)]` at `span`.
    pub(crate) fn parse(span: Span, arguments: TokenStream, errors: &Errors) -> Self {
        let mistakes = errors.count();
        let mut exemption = Self { span, names: Vec::new(), krate: None };
        let mut reason = None;
        for written in between_commas(arguments, parse_written, errors) {
            match written {
                Written::Name(name) if exemption.names.contains(&name) => {
                    errors.at(name.span(), format!("`{name}` is named twice: once is enough"));
                }
                Written::Name(name) => exemption.names.push(name),
                Written::Reason(span, _) if reason.is_some() => {
                    errors.at(span, "`reason` is already there: merge the two into one");
                }
                Written::Reason(_, text) => reason = Some(text),
                Written::Crate(path) => exemption.krate = Some(path),
            }
        }
        match reason.map(|text| value::text("reason", &text)) {
            Some(Ok(text)) if text.value().trim().is_empty() => {
                errors.at(text.span(), "the reason is empty: say why the rule does not hold here");
            }
            Some(Err(error)) => errors.push(error),
            None if errors.count() == mistakes => {
                let mut arguments: Vec<String> = exemption.names.iter().map(Ident::to_string).collect();
                arguments.push("reason = \"…\"".to_owned());
                errors.at(span, format!("an exception says why: write `#[exempt({})]`", arguments.join(", ")));
            }
            Some(Ok(_)) | None => {}
        }
        exemption
    }
}

fn parse_written(input: ParseStream<'_>) -> syn::Result<Written> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("name policies here, and a reason: `#[exempt(timeout, reason = \"…\")]`"));
    }
    let name = Ident::parse_any(input)?;
    let word = name.unraw().to_string();
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(name.span(), format!("`{word}` takes a value: write `{word} = …`")));
        }
        let value: Expr = input.parse()?;
        return match word.as_str() {
            "reason" => Ok(Written::Reason(name.span(), value)),
            "crate" => absolute_path(value).map(Written::Crate),
            _ => Err(syn::Error::new(name.span(), unknown(&word))),
        };
    }
    match word.as_str() {
        "reason" => Err(syn::Error::new(name.span(), "`reason` takes a value: write `reason = \"…\"`")),
        _ if kind(&word).is_some() => Ok(Written::Name(name)),
        _ => Err(syn::Error::new(name.span(), unknown(&word))),
    }
}

fn unknown(word: &str) -> String {
    let names = || KINDS.iter().map(|kind| kind.name);
    match nearest(word, names().chain(["reason"])) {
        Some(meant) => format!("unknown policy `{word}`: did you mean `{meant}`?"),
        None => format!("unknown policy `{word}`: name policies, {}, and a `reason = \"…\"`", list(names())),
    }
}
