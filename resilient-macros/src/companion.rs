//! The companion: a function beside the one that a policy stands on.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Attribute, Expr, FnArg, GenericParam, Ident, Meta};

use crate::diagnostic::Errors;
use crate::function::{Function, conditions};
use crate::key::{Key, Sort};
use crate::settings::Settings;

/// Rejects an expression that cannot name the new function; `name = …` can.
pub(crate) fn is_name_of_all(expression: &Expr, _: &Function) -> syn::Result<()> {
    is_name(expression, "search_all")
}

/// As [`is_name_of_all`], for a function that takes one key.
pub(crate) fn is_name_of_one(expression: &Expr, _: &Function) -> syn::Result<()> {
    is_name(expression, "load_one")
}

fn is_name(expression: &Expr, example: &str) -> syn::Result<()> {
    match expression {
        Expr::Path(path) if path.path.get_ident().is_some_and(|name| name != "self") => Ok(()),
        _ => {
            let message = format!("`companion` is the name of the new function: write `companion = {example}`");
            Err(syn::Error::new_spanned(expression, message))
        }
    }
}

/// The new function's name: the one that is written, or the function's with the suffix.
pub(crate) fn name(settings: &Settings<'_>, suffix: &str) -> Ident {
    let written = settings.expression("companion").and_then(|name| syn::parse2(name.into_token_stream()).ok());
    written.unwrap_or_else(|| format_ident!("{}_{suffix}", settings.function.name()))
}

/// Reports where there is no room for a further function, or not for one of this name.
pub(crate) fn check(policy: &str, at: Span, name: &Ident, suffix: &str, function: &Function, errors: &Errors) {
    if function.is_boxed() {
        let message = format!(
            "`#[{policy}]` adds a function beside this one, which a trait's `impl` has no room for: put it on an inherent method"
        );
        errors.at(at, message);
    }
    if name == function.name() {
        let message =
            format!("the new function needs a name of its own: write, for instance, `companion = {name}_{suffix}`");
        errors.at(name.span(), message);
    }
}

/// The row of `associated`, which says that the function belongs to a type though it has no `self`.
pub(crate) const ASSOCIATED: Key = Key::usage("associated", "associated", Sort::Flag)
    .takes("a word")
    .means("the function belongs to a type though it has no `self`");

/// Tells if `associated` is written, and reports where that is wrong.
pub(crate) fn associated(settings: &Settings<'_>) -> bool {
    let span = settings.flag("associated");
    if let (Some(span), Some(_)) = (span, settings.function.signature.receiver()) {
        settings.errors.at(span, "`associated` is for a function without `self`, and this has one: remove it");
    }
    span.is_some()
}

/// The function as the new one calls it, with its type parameters.
///
/// Nothing tells an associated function without `self` from a free one, except that it speaks of `Self`, or that the attribute
/// says so.
pub(crate) fn path(function: &Function, associated: bool) -> TokenStream {
    let span = Span::mixed_site();
    let (name, types) = (function.name(), types(function));
    if is_associated(function, associated) {
        quote_spanned!(span=> Self::#name #types)
    } else {
        quote_spanned!(span=> #name #types)
    }
}

/// Returns whether the function belongs to a type and has no `self`.
pub(crate) fn is_associated(function: &Function, associated: bool) -> bool {
    function.signature.receiver().is_none() && (associated || function.mentions("Self"))
}

/// An item that an `impl` has no room for, beside a function that is called by its bare name: in an `impl`, that would be another
/// function.
pub(crate) fn free(function: &Function, associated: bool, krate: &syn::Path) -> Option<TokenStream> {
    let is_free = function.signature.receiver().is_none() && !is_associated(function, associated);
    let span = function.name().span().resolved_at(Span::mixed_site());
    let conditions = function.attributes_named("cfg");
    is_free.then(|| {
        quote_spanned! {span=>
            #(#conditions)*
            #krate::write_associated_in_the_attribute_of_an_associated_function! {}
        }
    })
}

/// The type and constant parameters that the call is given. None where one of them may not be there.
pub(crate) fn types(function: &Function) -> Option<TokenStream> {
    let span = Span::mixed_site();
    let mut types: Vec<&Ident> = Vec::new();
    for parameter in &function.signature.generics.params {
        let (ident, attributes) = match parameter {
            GenericParam::Type(parameter) => (&parameter.ident, &parameter.attrs),
            GenericParam::Const(parameter) => (&parameter.ident, &parameter.attrs),
            GenericParam::Lifetime(_) => continue,
        };
        if !conditions(attributes).is_empty() {
            return None;
        }
        types.push(ident);
    }
    (!types.is_empty()).then(|| quote_spanned!(span=> ::<#(#types),*>))
}

/// The attributes that hold for the new function too.
pub(crate) fn attributes(function: &Function) -> Vec<TokenStream> {
    let kept = function.attributes.iter().filter_map(|attribute| {
        let path = attribute.path();
        let same = ["cfg", "deprecated", "allow", "warn", "deny", "forbid"].iter().any(|name| path.is_ident(name));
        let hides =
            path.is_ident("doc") && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "hidden");
        match &attribute.meta {
            _ if same || hides => Some(attribute.to_token_stream()),
            // what is expected of the one need not be true of the other
            Meta::List(lints) if path.is_ident("expect") => {
                let lints = &lints.tokens;
                Some(quote_spanned!(Span::mixed_site()=> #[allow(#lints)]))
            }
            _ => None,
        }
    });
    // it calls the function all the same
    let calls = function.attributes_named("deprecated").next();
    let calls = calls.map(|_| quote_spanned!(Span::mixed_site()=> #[allow(deprecated)]));
    kept.chain(calls).collect()
}

/// The `#[cfg(…)]`s of an argument.
pub(crate) fn conditions_of(argument: &FnArg) -> Vec<Attribute> {
    match argument {
        FnArg::Receiver(receiver) => conditions(&receiver.attrs),
        FnArg::Typed(argument) => conditions(&argument.attrs),
    }
}
