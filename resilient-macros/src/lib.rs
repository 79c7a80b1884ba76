//! The attribute macros of `resilient`. Depend on `resilient-runtime`, which re-exports them.
//!
//! The modules are the pipeline, in one direction: [`arguments`] and [`function`] parse, [`stack`] collects the layers,
//! [`check`] refuses what cannot work, and [`expand`] writes the code. Each policy has its file under [`policy`].

mod arguments;
mod check;
mod classify;
mod diagnostic;
mod expand;
mod function;
mod policy;
#[cfg(test)]
mod snapshots;
mod stack;
mod value;
mod when;

use proc_macro::TokenStream;

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn retry(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("retry", arguments.into(), item.into()).into()
}

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn circuit_breaker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("circuit_breaker", arguments.into(), item.into()).into()
}

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn timeout(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("timeout", arguments.into(), item.into()).into()
}

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn fan_out(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("fan_out", arguments.into(), item.into()).into()
}

#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn resilient(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stack::expand("resilient", arguments.into(), item.into()).into()
}

/// Marks a function whose stack is complete, for attributes that come too late. Expands to the function.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn composed(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

#[allow(missing_docs)]
#[proc_macro_derive(Classify, attributes(transient, permanent, throttled, transparent, classify))]
pub fn classify(item: TokenStream) -> TokenStream {
    classify::expand(item.into()).into()
}
