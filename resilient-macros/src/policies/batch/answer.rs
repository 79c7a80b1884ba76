//! What one caller of a batch gets, as a type.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, Path, PathArguments, ReturnType, Type};

use crate::fragment::Context;

/// The part of the output that is for one key: written out if its shape can be told from its names, and otherwise left to the
/// runtime's trait.
pub(super) fn of_one(output: &ReturnType, key: &Type, context: &Context<'_>) -> TokenStream {
    let ReturnType::Type(_, output) = output else { return TokenStream::new() };
    if let Some(one) = written_out(output) {
        return one;
    }
    let krate = context.krate;
    // at the output, which is what is wrong if there is no such type
    let span = output.span().resolved_at(Span::mixed_site());
    quote_spanned!(span=> <#output as #krate::BatchOutcome<#key>>::One)
}

fn written_out(output: &Type) -> Option<TokenStream> {
    let Type::Path(path) = output else { return None };
    let first = argument(&path.path, 0)?;
    if is(&path.path, "Vec") {
        return Some(result(first)?.to_token_stream());
    }
    if !is(&path.path, "Result") {
        return None;
    }
    let Type::Path(answers) = first else { return None };
    let one = if is(&answers.path, "HashMap") || is(&answers.path, "BTreeMap") {
        let value = argument(&answers.path, 1)?;
        syn::parse_quote_spanned!(Span::mixed_site()=> ::core::option::Option<#value>)
    } else if is(&answers.path, "Vec") {
        argument(&result(argument(&answers.path, 0)?)?.path, 0)?.clone()
    } else {
        return None;
    };
    let mut path = path.clone();
    let last = path.path.segments.last_mut()?;
    let PathArguments::AngleBracketed(arguments) = &mut last.arguments else { return None };
    *arguments.args.first_mut()? = GenericArgument::Type(one);
    Some(path.to_token_stream())
}

/// A type that is written as a `Result`.
fn result(ty: &Type) -> Option<&syn::TypePath> {
    match ty {
        Type::Path(path) if is(&path.path, "Result") => Some(path),
        _ => None,
    }
}

fn is(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

fn argument(path: &Path, index: usize) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &path.segments.last()?.arguments else { return None };
    match arguments.args.get(index)? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}
