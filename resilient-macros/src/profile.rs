//! `profile!`: a stack that is defined once and used by name.
//!
//! A macro sees no other item's tokens, so the definition becomes a `macro_rules!` that hands them over: the body of a
//! function that uses it is a call of that macro with the function as it was written, which calls the macros here again,
//! with both. The function itself stays where it is, so that a wrong name costs its body and not its callers.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, Path, Token, Visibility};

use crate::arguments::Arguments;
use crate::diagnostic::Errors;
use crate::list::{Listed, listed};
use crate::policies::{KINDS, kind};
use crate::policy::Kind;
use crate::stack::{self, check_profile, unknown_policy};
use crate::wording::as_written;
use crate::wording::{list, nearest};

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
    if let Some(dollar) = stack.clone().into_iter().find(|token| token.to_string() == "$") {
        errors.at(dollar.span(), "a `$` means nothing in a profile: remove it");
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

/// The call that has the profile at `path` fill the body of the function.
pub(crate) fn call(path: &Path, krate: &Path, first: TokenStream, item: TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #path! { [#krate::__compose] #first #item })
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

/// A profile where it is used.
pub(crate) struct Profile {
    name: String,
    pub(crate) policies: Vec<(&'static Kind, Arguments)>,
    pub(crate) krate: Option<Path>,
}

impl Profile {
    /// The profile with these tokens, which was found by `path`. Its mistakes have been reported where it is defined.
    pub(crate) fn parse(path: &Path, tokens: TokenStream) -> Self {
        let place = path.segments.last().map_or_else(Span::mixed_site, |last| last.ident.span());
        let mut profile = Self { name: shown(path), policies: Vec::new(), krate: None };
        let errors = Errors::new();
        for entry in listed(resolved_at(tokens, place), &errors) {
            match entry {
                Listed::Policy(name, arguments) => {
                    let Some(kind) = kind(&name.to_string()) else { continue };
                    let mut arguments = kind.arguments(name, arguments, &errors);
                    arguments.relocate(place);
                    profile.policies.push((kind, arguments));
                }
                Listed::Crate(path) => profile.krate = Some(path),
                Listed::Profile(_) | Listed::Without(_) => {}
            }
        }
        errors.discard();
        profile
    }

    /// Leaves policies out.
    pub(crate) fn leave_out(&mut self, names: &[Ident], errors: &Errors) {
        for name in names {
            let before = self.policies.len();
            self.policies.retain(|(kind, _)| name != kind.name);
            if self.policies.len() == before {
                errors.at(name.span(), self.has_no(&name.to_string()));
            }
        }
    }

    fn has_no(&self, name: &str) -> String {
        let mut there: Vec<&str> = Vec::new();
        for (kind, _) in &self.policies {
            if !there.contains(&kind.name) {
                there.push(kind.name);
            }
        }
        let profile = &self.name;
        match nearest(name, there.iter().copied()) {
            Some(meant) => format!("profile `{profile}` has no `{name}`: did you mean `{meant}`?"),
            None if KINDS.iter().all(|kind| kind.name != name) => unknown_policy(name),
            None => format!("profile `{profile}` has no `{name}`: it has {}", list(there)),
        }
    }

    /// Replaces arguments of the policy of that kind; gives it back if there is none.
    pub(crate) fn change(
        &mut self,
        kind: &'static Kind,
        arguments: Arguments,
        errors: &Errors,
    ) -> Option<(&'static Kind, Arguments)> {
        let policies = self.policies.iter_mut().filter(|(other, _)| other.name == kind.name);
        let mut policies: Vec<&mut Arguments> = policies.map(|(_, arguments)| arguments).collect();
        if policies.is_empty() {
            return Some((kind, arguments));
        }
        if arguments.is_empty() && arguments.understood {
            let message = format!(
                "profile `{}` has a `{}` already: write the arguments that are different here, or remove it",
                self.name, kind.name
            );
            errors.at(arguments.attribute.span(), message);
        }
        Arguments::replace(&mut policies, arguments, errors);
        None
    }
}

/// The path as people say it.
pub(crate) fn shown(path: &Path) -> String {
    as_written(path)
}

/// The tokens where they are, with the names that they would have at `place`.
fn resolved_at(tokens: TokenStream, place: Span) -> TokenStream {
    let resolved = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let mut resolved = Group::new(group.delimiter(), resolved_at(group.stream(), place));
            resolved.set_span(group.span().resolved_at(place));
            TokenTree::Group(resolved)
        }
        mut token => {
            token.set_span(token.span().resolved_at(place));
            token
        }
    };
    tokens.into_iter().map(resolved).collect()
}
