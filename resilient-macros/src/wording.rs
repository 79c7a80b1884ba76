//! Words in messages: suggestions, lists, and code as it was written.

use std::time::Duration;

use quote::ToTokens;

pub(crate) use resilient_words::{choice, list, nearest, other_formula, other_word};

/// The tokens without the spaces that the compiler puts between them.
pub(crate) fn as_written(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, close) in [(" :: ", "::"), (":: ", "::"), (" . ", "."), (" (", "("), (" ,", ","), ("& ", "&")] {
        text = text.replace(spaced, close);
    }
    text
}

/// The type without the spaces that the compiler puts between its tokens.
pub(crate) fn type_as_written(ty: &syn::Type) -> String {
    as_written(ty).replace(" <", "<").replace("< ", "<").replace(" >", ">")
}

/// A duration as people write it: with the largest units that are exact.
pub(crate) fn shown(duration: Duration) -> String {
    format!("{duration:?}")
}
