//! `#[enforce]` and `#[exempt]`: what functions must carry, and which one need not.
//!
//! On an `impl`, a trait or a module, the rules are handed on to each function inside that may carry policies. On a function they are one of
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

/// The functions that an attribute is for which already stands last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// Functions that carry policies, and each `async fn`.
    IfCarried,
    /// All of them.
    Always,
}

impl Last {
    /// The word that marks the attribute.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::IfCarried => "__last",
            Self::Always => "__last_of_any",
        }
    }
}

/// Tells the mark of an attribute that stands last, and gives the arguments without it.
pub(crate) fn handed_on(arguments: TokenStream) -> (Option<Last>, TokenStream) {
    let mut tokens = arguments.clone().into_iter();
    let (Some(TokenTree::Ident(word)), Some(TokenTree::Punct(_))) = (tokens.next(), tokens.next()) else {
        return (None, arguments);
    };
    let mark = [Last::IfCarried, Last::Always].into_iter().find(|last| word == last.mark());
    let arguments = if mark.is_some() { tokens.collect() } else { arguments };
    (mark, arguments)
}

/// The name, the mark and the arguments of an attribute that was written here, under whatever path.
pub(crate) fn last(attribute: &Attribute) -> Option<(Ident, Last, TokenStream)> {
    let name = attribute.path().segments.last().map(|last| last.ident.clone())?;
    let arguments = attribute.meta.require_list().ok()?.tokens.clone();
    let (Some(last), arguments) = handed_on(arguments) else { return None };
    (name == "enforce" || name == "exempt").then_some((name, last, arguments))
}
