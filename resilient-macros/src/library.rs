//! The expansion of the attributes as functions on tokens, for programs that show it.
//!
//! This is the root of the package `resilient-expansion`. It has the modules of the macros, which are the same files.

#![allow(clippy::large_enum_variant, reason = "tokens are larger where they know their places")]

// the macros ask the compiler for the places of mistakes, if there is one
extern crate proc_macro;

mod amount;
mod arguments;
mod bounds;
mod check;
mod classify;
mod companion;
mod constructor;
mod diagnostic;
mod drop_order;
mod enforce;
mod entry;
mod expand;
mod family;
mod fragment;
mod function;
mod given;
mod key;
mod list;
mod policies;
mod policy;
mod profile;
mod reads;
mod renewed;
mod repeated;
mod settings;
mod source;
mod stack;
mod tokens;
mod types;
mod value;
mod when;
mod wording;

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::key::{Positional, Sort, StandIns};

/// Returns the name of the attribute if it is one of the family, by that name alone.
pub fn policy_name(attribute: &syn::Attribute) -> Option<String> {
    stack::policy_name(attribute).map(|name| name.to_string())
}

/// Expands the attribute of that name over the item, which still has those below it.
pub fn expand(name: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    match name {
        "enforce" => entry::enforce::enforce(arguments, item),
        "exempt" => entry::enforce::exempt(arguments, item),
        policy => stack::expand(policy, arguments, item),
    }
}

/// Returns the names of the attributes that [`expand`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    policies::KINDS.iter().map(|kind| kind.name).chain(["resilient", "enforce", "exempt"])
}

/// Expands `derive(Classify)`.
pub fn classify(item: TokenStream) -> TokenStream {
    classify::expand(item)
}

/// Expands the definition of a profile, which reports what is wrong with it.
pub fn define(definition: TokenStream) -> TokenStream {
    entry::profile::define(definition)
}

/// Returns the body of a function that uses a profile: the input is the stack in braces, and the function with its attributes.
pub fn compose(input: TokenStream) -> TokenStream {
    entry::profile::compose(input)
}

/// Returns the tokens as text, without the spaces that the compiler puts between them.
pub fn as_written(tokens: &impl ToTokens) -> String {
    wording::as_written(tokens)
}

/// A key of a policy, as far as it concerns readers of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a key")]
pub struct Row {
    /// The name.
    pub name: &'static str,
    /// The value that counts where none is written, as Rust; `None` if it is no value of the key.
    pub default: Option<&'static str>,
    /// The behaviour without the key in words, where it has no default.
    pub absent: &'static str,
    /// A word without quotes that may stand in place of the value.
    pub word: Option<&'static str>,
    /// A key beside which the default does not count.
    pub unless: Option<&'static str>,
    /// The quantity that the value is.
    pub quantity: Quantity,
    /// Is true if a value without a key is for this one.
    pub positional: bool,
    /// Is true if it is a part of the policy's configuration, which a policy of the user's own has itself.
    pub configures: bool,
    /// Is true if another key can stand in its place.
    pub replaceable: bool,
    /// Is true if it is the runtime's path, which no call depends on.
    pub is_path: bool,
}

/// The quantity that a value of a key is. Two texts can mean the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A time, such as `"250ms"`.
    Time,
    /// A share, such as `"50%"` or `0.5`.
    Share,
    /// A number.
    Number,
    /// Something else.
    Other,
}

/// Returns the keys of the policy in the order of its documentation; `None` if there is no such policy.
pub fn rows(policy: &str) -> Option<Vec<Row>> {
    let kind = policies::kind(policy)?;
    let stands_in = |name: &str| {
        kind.keys.iter().any(|key| match key.stand_ins {
            Some(StandIns::Outside(names) | StandIns::Inside(names)) => key.name == name || names.contains(&name),
            None => false,
        })
    };
    let row = |key: &key::Key| Row {
        name: key.name,
        default: key.default,
        absent: key.doc.absent,
        word: key.word,
        unless: key.unless,
        quantity: match key.sort {
            Sort::Duration => Quantity::Time,
            Sort::Ratio => Quantity::Share,
            Sort::Count | Sort::Number => Quantity::Number,
            _ => Quantity::Other,
        },
        positional: matches!(kind.positional, Positional::Is(name) if name == key.name),
        configures: key.configures,
        replaceable: stands_in(key.name),
        is_path: matches!(key.sort, Sort::Crate),
    };
    Some(kind.keys.iter().map(row).collect())
}
