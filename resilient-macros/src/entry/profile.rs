//! `profile!` and the macro that it makes, where they are called.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, Token, Visibility};

use crate::diagnostic::Errors;
use crate::stack::{self, check_profile};

/// Expands `profile! { pub(crate) search = timeout("2s"), retry }`:
///
/// ```text
/// macro_rules! __resilient_profile_search {
///     ([$($compose:tt)*] $($function:tt)*) => {
///         $($compose)* ! { { timeout("2s"), retry } $($function)* }
///     };
/// }
/// pub(crate) use __resilient_profile_search as search;
/// ```
///
/// The macro has a name of its own so that the `use` imports no function that is called as the profile is.
pub(crate) fn define(input: TokenStream) -> TokenStream {
    let errors = Errors::new();
    let parser = |input: ParseStream<'_>| definition(input, &errors);
    let definition = match parser.parse2(input) {
        Ok(definition) => definition,
        Err(error) => {
            errors.push(error);
            return errors.finish().unwrap_or_default();
        }
    };
    let Definition { attributes, visibility, name, stack } = definition;
    if let Some(place) = dollar(stack.clone()) {
        errors.at(place, "a `$` means nothing in a profile: remove it");
    }
    let krate = if errors.count() == 0 { check_profile(&name, stack.clone(), &errors) } else { None };

    if let Visibility::Public(public) = &visibility {
        errors.at(public.span, "a profile is for one crate: write `pub(crate)`");
    }

    let span = Span::mixed_site();
    let errors = errors.finish();
    // a faulty one leaves its functions as they are, without another word
    let stack = if errors.is_some() { quote_spanned!(span=> !) } else { quote_spanned!(span=> { #stack }) };
    let compose = match &krate {
        Some(path) => quote_spanned!(span=> #path::__compose),
        None => quote_spanned!(span=> $($compose)*),
    };
    let visibility = if errors.is_some() { quote_spanned!(span=> pub(crate)) } else { visibility.into_token_stream() };
    let hidden = format_ident!("__resilient_profile_{}", name.unraw(), span = span);
    quote_spanned! {span=>
        #errors
        #(#attributes)*
        macro_rules! #hidden {
            ([$($compose:tt)*] $($function:tt)*) => { #compose ! { #stack $($function)* } };
        }
        #(#attributes)*
        #visibility use #hidden as #name;
    }
}

/// The place of the first `$`, in brackets or not.
fn dollar(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => dollar(group.stream()),
        TokenTree::Punct(mark) if mark.as_char() == '$' => Some(mark.span()),
        _ => None,
    })
}

struct Definition {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    name: Ident,
    stack: TokenStream,
}

fn definition(input: ParseStream<'_>, errors: &Errors) -> syn::Result<Definition> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    let example = "write a name and a stack: `profile! { search = timeout(\"2s\"), retry(max = 3) }`";
    if input.is_empty() {
        return Err(syn::Error::new(Span::call_site(), example));
    }
    if !input.peek(Ident) {
        return Err(input.error(example));
    }
    let name: Ident = input.parse()?;
    if input.is_empty() {
        errors.at(name.span(), format!("the stack is missing: write `{name} = timeout(\"2s\"), retry(max = 3)`"));
    } else {
        let place = input.fork();
        if input.parse::<Token![=]>().is_err() {
            errors.push(place.error(format!("a profile and its stack are joined by `=`: write `{name} = …`")));
        } else if input.is_empty() {
            errors.at(name.span(), format!("the stack is missing: write `{name} = timeout(\"2s\"), retry(max = 3)`"));
        }
    }
    Ok(Definition { attributes, visibility, name, stack: input.parse()? })
}

/// Expands `__compose! { { timeout("2s"), retry } #[resilient(profile = search)] async fn … }` to the body of the function.
pub(crate) fn compose(input: TokenStream) -> TokenStream {
    let mut tokens = input.into_iter();
    let profile = match tokens.next() {
        Some(TokenTree::Group(profile)) => Some(profile.stream()),
        _ => None,
    };
    stack::compose(profile, tokens.collect())
}
