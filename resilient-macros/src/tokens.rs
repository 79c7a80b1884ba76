//! The searches among tokens, and their places.

use proc_macro2::{Span, TokenStream, TokenTree};

/// Returns whether the name stands among the tokens, or in braces in a string, as in `format!("{name}")`.
pub(crate) fn mentions(tokens: TokenStream, name: &str) -> bool {
    mention(tokens, name).is_some()
}

/// The first place at which the name stands among the tokens, or in braces in a string.
pub(crate) fn mention(tokens: TokenStream, name: &str) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident == name).then(|| ident.span()),
        TokenTree::Group(group) => mention(group.stream(), name),
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            let formats = [format!("{{{name}}}"), format!("{{{name}:")];
            formats.iter().any(|written| text.contains(written)).then(|| literal.span())
        }
        TokenTree::Punct(_) => None,
    })
}

/// The tokens at another place, where the compiler reports what is wrong with them; what is in parentheses stays.
pub(crate) fn placed(tokens: TokenStream, place: Span) -> TokenStream {
    let at_place = |mut token: TokenTree| {
        token.set_span(place.resolved_at(token.span()));
        token
    };
    tokens.into_iter().map(at_place).collect()
}
