//! The order in which a body that owns its arguments drops them: that of the plain function.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::function::{Binding, Function};
use crate::source::borrow_local;
use crate::tokens::mentions;

/// `let _ = (&c, &b, &a);` for the arguments `a`, `b` and `c`, to stand first in the block that owns them.
///
/// A function drops its arguments from the last to the first. An async block drops the variables that it has captured in the
/// order in which they are first mentioned. One argument alone needs no order.
pub(crate) fn kept(function: &Function) -> Option<TokenStream> {
    let owned: Vec<&Binding> = function.owned().filter(|binding| is_held(binding, function)).collect();
    let mentions = owned.iter().rev().map(|Binding { ident, conditions, .. }| {
        let borrowed = borrow_local(ident);
        quote_spanned!(Span::mixed_site()=> #(#conditions)* #borrowed)
    });
    // those names say that nobody reads them, and this does not either
    let underscored = owned.iter().any(|binding| binding.ident.to_string().starts_with('_'));
    let allowed = underscored.then(|| quote_spanned!(Span::mixed_site()=> #[allow(clippy::used_underscore_binding)]));
    (owned.len() > 1).then(|| quote_spanned!(Span::mixed_site()=> #allowed let _ = (#(#mentions),*);))
}

/// Returns whether the block holds the argument until its end. One that the body ought to use and does not stays outside, so that the
/// compiler warns of it.
fn is_held(binding: &Binding, function: &Function) -> bool {
    let name = binding.ident.to_string();
    binding.may_drop
        && (name == "self"
            || name.starts_with('_')
            || mentions(function.statements().clone(), name.trim_start_matches("r#")))
}
