//! Outcomes that go to other calls: what the key must not leave out by accident, and what cannot be given away.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, Ident, Type};

use crate::diagnostic::Errors;
use crate::function::{Binding, Function, borrow_in};
use crate::reads::reads;
use crate::settings::Settings;
use crate::source::{borrow_parts, place};

/// Advice where nothing says whether calls on different objects are the same.
pub(super) const ADVICE: &str = "write `shared_across(self)` if it makes no difference to the outcome, or what does into `key`, as in `key = (self.tenant, id)`";

/// Which calls are the same: `key` and `shared_across`.
pub(super) struct Sharing {
    /// `None` if all calls have the same.
    pub(super) key: Option<Expr>,
    across: Vec<Ident>,
}

impl Sharing {
    pub(super) fn parse(settings: &Settings<'_>) -> Self {
        let Settings { function, errors, .. } = *settings;
        let key = settings.expression("key");
        let across = settings.names("shared_across");
        check_names(&across, function, errors);
        if settings.span("key").is_none() && settings.understood {
            needs_key(&across, function, settings.attribute.span(), errors);
        }
        if let Some(key) = &key {
            check_credentials(key, &across, function, errors);
        }
        Self { key, across }
    }

    /// Returns whether the key, the user's own policy or `shared_across` says what `self` has to do with it.
    pub(super) fn says_whose(&self, with: Option<&Expr>) -> bool {
        self.key.iter().chain(with).any(|expression| reads(expression, "self"))
            || self.across.iter().any(|name| name == "self")
    }
}

/// `call(&(&first, &second))`, which begins a call with a key, and moves nothing into it.
pub(super) fn call(key: Option<&Expr>) -> TokenStream {
    let span = Span::mixed_site();
    match key {
        Some(key) => {
            let (call, key) = (place(key, "call"), borrow_parts(key));
            quote_spanned!(span=> #call(#key))
        }
        None => quote_spanned!(span=> call(&())),
    }
}

/// A result shared with other calls cannot borrow from this one.
pub(super) fn check_owned(shared: &Type, reason: &str, errors: &Errors) {
    if let Some(span) = borrow_in(shared) {
        errors.at(span, format!("{reason}: return an owned value, or an `Arc`"));
    }
}

/// `shared_across` names arguments, or `self`.
fn check_names(across: &[Ident], function: &Function, errors: &Errors) {
    for name in across {
        let message = match () {
            () if name == "self" && function.signature.receiver().is_none() => "this function has no `self`".to_owned(),
            () if name != "self" && !is_argument(name, function) => format!("`{name}` is no argument of this function"),
            () => continue,
        };
        errors.at(name.span(), format!("{message}: `shared_across` names what callers may differ in and still share"));
    }
}

/// A function with arguments says what makes two calls the same, unless none of them makes a difference.
fn needs_key(across: &[Ident], function: &Function, span: Span, errors: &Errors) {
    let names: Vec<String> =
        arguments(function).filter(|argument| !across.contains(argument)).map(Ident::to_string).collect();
    let typed = function.signature.inputs.iter().filter(|input| matches!(input, syn::FnArg::Typed(_))).count();
    let key = match names.as_slice() {
        [] if typed > arguments(function).count() => "…".to_owned(),
        [] => return,
        [only] => only.clone(),
        several => format!("({})", several.join(", ")),
    };
    errors.at(span, format!("which calls are the same? write `key = {key}`, with all that the outcome depends on"));
}

/// An argument that looks like somebody's identity is in the key, or is said to make no difference.
fn check_credentials(key: &Expr, across: &[Ident], function: &Function, errors: &Errors) {
    for argument in bindings(function).filter(|argument| says_who(&argument.ident.to_string())) {
        let Binding { ident: argument, conditions, .. } = argument;
        if !reads(key, &argument.to_string()) && !across.contains(argument) {
            let message = format!(
                "`{argument}` looks like something that the outcome depends on, and is not in the key, so that one caller would get what belongs to another: put it into `key`, or write `shared_across({argument})`"
            );
            errors.at_if(conditions, argument.span(), message);
        }
    }
}

fn bindings(function: &Function) -> impl Iterator<Item = &Binding> {
    function.bindings.iter().filter(|binding| binding.ident != "__self")
}

fn arguments(function: &Function) -> impl Iterator<Item = &Ident> {
    bindings(function).map(|binding| &binding.ident)
}

fn is_argument(name: &Ident, function: &Function) -> bool {
    arguments(function).any(|argument| argument == name)
}

/// Returns whether the name is that of a credential, or of somebody who has one.
fn says_who(name: &str) -> bool {
    let name = name.trim_start_matches("r#").to_lowercase();
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let is_one = |word: &&str| {
        WORDS.split(' ').any(|known| known == *word)
            || BEGINNINGS.split(' ').any(|beginning| word.starts_with(beginning))
    };
    words.iter().any(is_one)
        || words.windows(2).any(|pair| matches!(pair, ["api" | "access" | "private", "key" | "keys"]))
}

/// Words that mean it only as they are: an `author` is no `auth`.
const WORDS: &str = "\
    actor auth authn authz authentication authorization caller claims context ctx header headers \
    identity login member org orgs owner passphrase passwd permission permissions principal pwd req \
    request role roles scopes subject uid uids viewer";

/// And with an ending: `userid`, `tokens`.
const BEGINNINGS: &str = "\
    account apikey bearer cookie credential creds customer jwt oauth organisation organization \
    password secret session tenant token user workspace";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_and_of_their_owners_are_known() {
        let names = "\
            token auth authorization password secret credential credentials api_key apikey session \
            cookie jwt bearer tenant user account access_token _token userId user_name username \
            tenant_id session_cookie accounts AuthToken_token r#user customer_id org org_id \
            workspace uid caller identity role headers ctx req";
        for name in names.split(' ') {
            assert!(says_who(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_others() {
        let names = "\
            id query page author key organ origin contextual controller required ownership \
            timeout_hint host reuse unused access api";
        for name in names.split(' ') {
            assert!(!says_who(name), "{name}");
        }
    }
}
