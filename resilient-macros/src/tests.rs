//! Tests of the attributes as a whole: what they write, what any input becomes, and what their documentation says.

mod any_tokens;
mod coverage;
mod half_typed;
mod messages;
mod pages;
mod snapshots;

use proc_macro2::TokenStream;

use crate::{entry, stack};

/// The attribute of that name, as the compiler would call it.
fn expand_attribute(name: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    match name {
        "enforce" => entry::enforce::enforce(arguments, item),
        "exempt" => entry::enforce::exempt(arguments, item),
        policy => stack::expand(policy, arguments, item),
    }
}
