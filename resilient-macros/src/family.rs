//! The attributes of the family as they stand on an item, collected or not.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Path};

/// The rest of an attribute that was collected by its name: its path, under which it still counts as used.
///
/// One with a path that is not known is asked whether it is of the family: it answers with a constant, which no other attribute does.
pub(crate) fn remains(path: &Path) -> TokenStream {
    let span = Span::mixed_site();
    if path.segments.len() == 1 || path.segments[0].ident == "resilient" {
        return quote_spanned!(span=> #[#path(__composed)] const _: () = (););
    }
    let place = path.span().resolved_at(span);
    let answer = Ident::new(ANSWER, place);
    quote_spanned! {place=>
        const _: () = {
            #[#path(__composed?)]
            const _: () = ();
            #answer
        };
    }
}

/// Expansion of such an attribute, if it is one that has been collected already: to nothing, or to the answer.
pub(crate) fn collected(arguments: &TokenStream, item: &TokenStream) -> Option<TokenStream> {
    // on anything else, it is a word that somebody wrote
    if item.to_string().replace(' ', "") != "const_:()=();" {
        return None;
    }
    match arguments.to_string().replace(' ', "").as_str() {
        "__composed" => Some(TokenStream::new()),
        "__composed?" => {
            let answer = Ident::new(ANSWER, Span::mixed_site());
            Some(quote_spanned!(Span::mixed_site()=> const #answer: () = ();))
        }
        _ => None,
    }
}

/// The compiler says that there is no such constant where an attribute of another crate was taken for one of ours.
const ANSWER: &str = "THIS_ATTRIBUTE_IS_ONE_OF_RESILIENT";

/// Returns whether the attribute is the sign that a stack was composed.
pub(crate) fn is_marker(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "composed")
}

/// Returns whether the attribute is the compiler's own and expands to nothing.
pub(crate) fn is_inert(attribute: &Attribute) -> bool {
    const INERT: &[&str] = &[
        "allow",
        "cfg",
        "cold",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "inline",
        "must_use",
        "no_mangle",
        "rustfmt",
        "clippy",
        "target_feature",
        "track_caller",
        "warn",
    ];
    attribute.path().segments.first().is_some_and(|first| INERT.iter().any(|name| first.ident == name))
}
