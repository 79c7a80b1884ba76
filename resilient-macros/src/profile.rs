//! `profile!`: a stack that is defined once and used by name.
//!
//! A macro sees no other item's tokens, so the definition becomes a `macro_rules!` that hands them over: the body of a
//! function that uses it is a call of that macro with the function as it was written, which calls the macros here again,
//! with both. The function itself stays where it is, so that a wrong name costs its body and not its callers.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::{Ident, Path};

use crate::arguments::Arguments;
use crate::diagnostic::Errors;
use crate::list::{Listed, listed};
use crate::policies::{KINDS, kind, unknown_policy};
use crate::policy::Kind;
use crate::wording::as_written;
use crate::wording::{list, nearest};

/// The call that has the profile at `path` fill the body of the function.
pub(crate) fn call(path: &Path, krate: &Path, first: TokenStream, item: TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> #path! { [#krate::__compose] #first #item })
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
