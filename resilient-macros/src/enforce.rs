//! `#[enforce]` and `#[exempt]`: what every `async fn` must carry, and which one need not.
//!
//! On an `impl`, a trait or a module, the rules are handed on to each `async fn` inside. On a function they are one of
//! the attributes that the stack collects: only there are all conditions, profiles and other macros resolved.

mod carried;
mod exempt;
mod judge;
mod measure;
mod rules;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Ident};

pub(crate) use self::carried::Carried;
pub(crate) use self::exempt::Exemption;
pub(crate) use self::judge::{judge, limits};
pub(crate) use self::rules::Rules;

/// The word that marks an attribute which already stands last.
pub(crate) const LAST: &str = "__last";

/// Tells the arguments of an attribute that stands last, and gives the arguments without the mark.
pub(crate) fn handed_on(arguments: TokenStream) -> (bool, TokenStream) {
    let mut tokens = arguments.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(mark)), Some(TokenTree::Punct(_))) if mark == LAST => (true, tokens.collect()),
        _ => (false, arguments),
    }
}

/// The name and the arguments of an attribute that was written here, under whatever path.
pub(crate) fn last(attribute: &Attribute) -> Option<(Ident, TokenStream)> {
    let name = attribute.path().segments.last().map(|last| last.ident.clone())?;
    let arguments = attribute.meta.require_list().ok()?.tokens.clone();
    let (true, arguments) = handed_on(arguments) else { return None };
    (name == "enforce" || name == "exempt").then_some((name, arguments))
}
