//! `#[enforce]` and `#[exempt]` where they are written: handed on to the functions inside, or the last attribute of one.

mod walk;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, GenericParam, Ident, Path, Signature, Visibility, token};

use crate::diagnostic::Errors;
use crate::enforce::{Exemption, Last, Rules, handed_on, last};
use crate::family::{collected, is_inert, is_marker};
use crate::stack;

/// Expands `#[enforce(…)]`.
pub(crate) fn enforce(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(remains) = collected(&arguments, &item) {
        return remains;
    }
    let errors = Errors::new();
    let rules = Rules::parse(Span::call_site(), handed_on(arguments.clone()).1, &errors);
    if let Some(errors) = errors.finish() {
        return quote_spanned!(Span::mixed_site()=> #errors #item);
    }
    let rule = |last: Last| attribute("enforce", last, rules.krate.as_ref(), &arguments);
    match walk::container(item.clone(), &rule) {
        Some(walked) => walked,
        None => on_function("enforce", rules.krate.as_ref(), arguments, item),
    }
}

/// Expands `#[exempt(…)]`.
pub(crate) fn exempt(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(remains) = collected(&arguments, &item) {
        return remains;
    }
    let errors = Errors::new();
    let exemption = Exemption::parse(Span::call_site(), handed_on(arguments.clone()).1, &errors);
    if let Some(errors) = errors.finish() {
        // what the exception was meant for would only be reported as well
        let item = without_rules(item);
        return quote_spanned!(Span::mixed_site()=> #errors #item);
    }
    on_function("exempt", exemption.krate.as_ref(), arguments, item)
}

fn without_rules(item: TokenStream) -> TokenStream {
    let parser = |input: ParseStream<'_>| Ok((input.call(Attribute::parse_outer)?, input.parse::<TokenStream>()?));
    let Ok((mut attributes, rest)) = parser.parse2(item.clone()) else { return item };
    attributes.retain(|attribute| last(attribute).is_none_or(|(name, ..)| name != "enforce"));
    quote_spanned!(Span::mixed_site()=> #(#attributes)* #rest)
}

/// Stands below all other attributes before it is looked at, so that the policies are the ones that collect it, and macros
/// that make another function of this one have run.
fn on_function(name: &str, krate: Option<&Path>, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let (place, arguments) = handed_on(arguments);
    let parser = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        let signature: Signature = input.parse()?;
        Ok((attributes, visibility, signature, input.peek(token::Brace), input.parse::<TokenStream>()?))
    };
    let Ok((attributes, visibility, signature, has_body, rest)) = parser.parse2(item.clone()) else {
        let errors = Errors::new();
        errors.push(misplaced(name, item.clone()));
        let errors = errors.finish();
        return quote_spanned!(Span::mixed_site()=> #errors #item);
    };
    let is_plain = !is_async(&signature);
    // a policy above would have collected it: the function carries none, and what was an `async fn` when the rules came to it is one no more
    if place == Some(Last::IfCarried) && is_plain {
        return item;
    }
    // one that comes too late for the stack says so there
    let is_last = place.is_some() || attributes.iter().all(is_inert) || attributes.iter().any(is_marker);
    let has_rules =
        || name == "enforce" || attributes.iter().filter_map(last).any(|(_, place, _)| place == Last::Always);
    if !has_body || signature.constness.is_some() || is_last && is_plain && !has_rules() {
        let errors = Errors::new();
        errors.at(signature.fn_token.span, no_rules_for(name, &signature, has_body));
        let errors = errors.finish();
        return quote_spanned!(Span::mixed_site()=> #errors #item);
    }
    if is_last {
        return stack::expand(name, arguments, item);
    }
    let place = if is_plain { Last::Always } else { Last::IfCarried };
    let last = attribute(name, place, krate, &arguments);
    quote_spanned!(Span::mixed_site()=> #(#attributes)* #last #visibility #signature #rest)
}

/// `#[::resilient::enforce(__last, …)]`, which stands below the others.
fn attribute(name: &str, last: Last, krate: Option<&Path>, arguments: &TokenStream) -> TokenStream {
    let span = Span::mixed_site();
    let name = Ident::new(name, span);
    let krate = krate.map_or_else(|| quote_spanned!(span=> ::resilient), ToTokens::to_token_stream);
    let last = Ident::new(last.mark(), span);
    let (_, arguments) = handed_on(arguments.clone());
    quote_spanned!(span=> #[#krate::#name(#last, #arguments)])
}

/// Returns whether it is an `async fn`, or the boxed form that `#[async_trait]` makes of one.
fn is_async(signature: &Signature) -> bool {
    let is_boxed = |parameter: &GenericParam| match parameter {
        GenericParam::Lifetime(parameter) => parameter.lifetime.ident == "async_trait",
        _ => false,
    };
    signature.asyncness.is_some() || signature.generics.params.iter().any(is_boxed)
}

fn no_rules_for(name: &str, signature: &Signature, has_body: bool) -> String {
    let function = &signature.ident;
    match name {
        "exempt" => format!("no rule is for `{function}`, so there is nothing to exempt it from: remove it"),
        _ if has_body => {
            format!(
                "`#[{name}]` is about policies, which a `const fn` cannot have: write `fn {function}`, or remove it"
            )
        }
        _ => format!("`#[{name}]` is about the policies of a function with a body: put it on the `impl`, or remove it"),
    }
}

/// Returns what is said of an item that is neither a function nor something that holds functions.
fn misplaced(name: &str, item: TokenStream) -> syn::Error {
    let message = match name {
        "exempt" => "`#[exempt]` stands on the one function that is an exception",
        _ => "`#[enforce]` stands on a function, an `impl`, a trait or a module",
    };
    let keyword = item.into_iter().find(|token| match token {
        TokenTree::Ident(ident) => ident != "pub",
        _ => false,
    });
    syn::Error::new(keyword.map_or_else(Span::call_site, |keyword| keyword.span()), message)
}
