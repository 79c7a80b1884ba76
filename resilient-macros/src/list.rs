//! The list in `#[resilient(…)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Path, Token};

use crate::arguments::{Argument, Entry, Written, absolute_path, distinct, split};
use crate::diagnostic::Errors;
use crate::key::Positional;
use crate::policies::kind;

/// One of the policies listed in `#[resilient(…)]`, or an argument for all of them.
pub(crate) enum Listed {
    Policy(Ident, TokenStream),
    /// The stack of that name.
    Profile(Path),
    /// The policies of the profile that are left out.
    Without(Vec<Ident>),
    Crate(Path),
}

/// The entries of `#[resilient(…)]`, in their order.
pub(crate) fn listed(tokens: TokenStream, errors: &Errors) -> Vec<Listed> {
    let mut all = Vec::new();
    for written in split(tokens, errors) {
        match written {
            Argument::Entry(Entry { key, value: Written::Expr(value) }) if key == "profile" => {
                match profile_path(value) {
                    Ok(path) => all.push(Listed::Profile(path)),
                    Err(error) => errors.push(error),
                }
            }
            Argument::Entry(Entry { key, value }) if key == "profile" => {
                let name = match value {
                    Written::List(name) if !name.is_empty() => name.to_string().trim_matches('"').to_owned(),
                    _ => "search".to_owned(),
                };
                errors.at(key.span(), format!("`profile` takes the name of a `profile!`: write `profile = {name}`"));
            }
            Argument::Entry(Entry { key, value: Written::List(names) }) if key == "without" => {
                let parser = |input: ParseStream<'_>| input.parse_terminated(Ident::parse_any, Token![,]);
                match parser.parse2(names) {
                    Ok(names) if !names.is_empty() => all.push(Listed::Without(distinct(names, errors))),
                    _ => errors.at(key.span(), "`without` takes policies between commas: write `without(retry)`"),
                }
            }
            Argument::Entry(Entry { key, .. }) if key == "without" => {
                errors.at(key.span(), "`without` takes policies in parentheses: write `without(retry)`");
            }
            Argument::Entry(Entry { key, value: Written::List(arguments) }) => all.push(Listed::Policy(key, arguments)),
            Argument::Entry(Entry { key, value: Written::Flag }) => all.push(Listed::Policy(key, TokenStream::new())),
            Argument::Entry(Entry { key, value: Written::Expr(value) }) if key == "crate" => match absolute_path(value)
            {
                Ok(path) => all.push(Listed::Crate(path)),
                Err(error) => errors.push(error),
            },
            Argument::Entry(Entry { key, value: Written::Expr(value) }) => {
                let value = value.to_token_stream();
                let needed = match kind(&key.to_string()).map(|kind| kind.positional) {
                    Some(Positional::Write(first)) => format!("{first} = {value}"),
                    _ => value.to_string(),
                };
                errors
                    .at(key.span(), format!("the arguments of a policy go into parentheses: write `{key}({needed})`"));
            }
            Argument::Entry(Entry { key, value: Written::Missing }) => {
                errors.at(key.span(), format!("the arguments of a policy go into parentheses: write `{key}(…)`"));
            }
            Argument::Positional(value) => {
                errors.over(&value, "list policies here: `#[resilient(timeout(\"2s\"), retry(max = 3))]`");
            }
        }
    }
    all
}

fn profile_path(value: Expr) -> syn::Result<Path> {
    let message = match value {
        Expr::Path(syn::ExprPath { qself: None, path, .. })
            if path.segments.iter().all(|segment| segment.arguments.is_none()) && !path.is_ident("self") =>
        {
            return Ok(path);
        }
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(ref text), .. }) => {
            format!("a profile is named without quotes: write `profile = {}`", text.value())
        }
        _ => "`profile` takes the name of a `profile!`: write `profile = search`".to_owned(),
    };
    Err(syn::Error::new_spanned(value, message))
}
