//! Who is joined: what the key must not leave out by accident.

use proc_macro2::Span;
use syn::{Expr, Ident};

use crate::diagnostic::Errors;
use crate::function::Function;
use crate::value::reads;

/// `shared_across` names arguments, or `self`.
pub(super) fn check_names(across: &[Ident], function: &Function, errors: &mut Errors) {
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
pub(super) fn needs_key(across: &[Ident], function: &Function, span: Span, errors: &mut Errors) {
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
pub(super) fn check_credentials(key: Option<&Expr>, across: &[Ident], function: &Function, errors: &mut Errors) {
    for argument in arguments(function).filter(|argument| says_who(&argument.to_string())) {
        let is_in_key = key.is_some_and(|key| reads(key, &argument.to_string()));
        if key.is_some() && !is_in_key && !across.contains(argument) {
            let message = format!(
                "`{argument}` looks like something that the outcome depends on, and is not in the key, so that one caller would get what belongs to another: put it into `key`, or write `shared_across({argument})`"
            );
            errors.at(argument.span(), message);
        }
    }
}

fn arguments(function: &Function) -> impl Iterator<Item = &Ident> {
    function.bindings.iter().map(|binding| &binding.ident).filter(|name| *name != "__self")
}

fn is_argument(name: &Ident, function: &Function) -> bool {
    arguments(function).any(|argument| argument == name)
}

/// Whether the name is that of a credential, or of somebody who has one.
fn says_who(name: &str) -> bool {
    let name = name.trim_start_matches("r#").to_lowercase();
    let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
    let is_one = |word: &&str| WORDS.contains(word) || BEGINNINGS.iter().any(|beginning| word.starts_with(beginning));
    words.iter().any(is_one)
        || words.windows(2).any(|pair| matches!(pair, ["api" | "access" | "private", "key" | "keys"]))
}

/// Words that mean it only as they are: an `author` is no `auth`.
const WORDS: &[&str] =
    &["auth", "authn", "authz", "authentication", "authorization", "login", "passphrase", "passwd", "principal", "pwd"];

/// And with an ending: `userid`, `tokens`.
const BEGINNINGS: &[&str] = &[
    "account",
    "apikey",
    "bearer",
    "cookie",
    "credential",
    "creds",
    "jwt",
    "oauth",
    "password",
    "secret",
    "session",
    "tenant",
    "token",
    "user",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_and_of_their_owners_are_known() {
        for name in [
            "token",
            "auth",
            "authorization",
            "password",
            "secret",
            "credential",
            "credentials",
            "api_key",
            "apikey",
            "session",
            "cookie",
            "jwt",
            "bearer",
            "tenant",
            "user",
            "account",
            "access_token",
            "_token",
            "userId",
            "user_name",
            "username",
            "tenant_id",
            "session_cookie",
            "accounts",
            "AuthToken_token",
            "r#user",
        ] {
            assert!(says_who(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_others() {
        for name in ["id", "query", "page", "author", "key", "timeout_hint", "host", "reuse", "unused", "access", "api"]
        {
            assert!(!says_who(name), "{name}");
        }
    }
}
