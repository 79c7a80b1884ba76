//! The order in which a body that owns its arguments drops them: that of the plain function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::visit::Visit;
use syn::{FnArg, Pat, PatType};

use crate::function::{Binding, Function, conditions, may_drop};
use crate::source::borrow_local;
use crate::tokens::mentions;

/// Has the block that owns the arguments take apart those of which the body keeps a part only.
///
/// A function drops the rest of such an argument after the parts that have names, and before the arguments that come before it. Only an
/// argument in a variable of its own leaves its rest there. Its variable, and those of the arguments behind it, are
/// locals of the block then: [`kept`] declares them. Where the code `outside` of the block mentions one of them, they all stay.
pub(crate) fn take_patterns(function: &mut Function, outside: &TokenStream) {
    let keeps_a_rest = |argument: &PatType, index: usize| {
        let mut own = function.owned().filter(|binding| binding.argument == index);
        may_drop(&argument.ty)
            && !matches!(&*argument.pat, Pat::Ident(pattern) if pattern.by_ref.is_none())
            && (leaves_out(&argument.pat) || !own.all(|binding| is_held(binding, function)))
    };
    let typed = function.signature.inputs.iter().enumerate().filter_map(|(index, argument)| match argument {
        FnArg::Typed(argument) => Some((index, argument)),
        FnArg::Receiver(_) => None,
    });
    let Some((first, _)) = typed.clone().find(|(index, argument)| keeps_a_rest(argument, *index)) else { return };

    let behind: Vec<(usize, Pat)> = typed
        .filter(|(index, argument)| *index >= first && may_drop(&argument.ty))
        .map(|(index, argument)| (index, (*argument.pat).clone()))
        .collect();
    let is_read = |binding: &Binding| {
        behind.iter().any(|(index, _)| *index == binding.argument)
            && mentions(outside.clone(), &binding.ident.to_string())
    };
    if function.bindings.iter().any(is_read) {
        return;
    }
    for (index, argument) in function.signature.inputs.iter_mut().enumerate() {
        let FnArg::Typed(argument) = argument else { continue };
        if behind.iter().any(|(taken, _)| *taken == index) {
            let name = named(index);
            *argument.pat = syn::parse_quote_spanned!(Span::mixed_site()=> #name);
        }
    }
    function.patterns = behind;
}

/// The name of an argument that is taken apart.
fn named(index: usize) -> Ident {
    Ident::new(&format!("argument{index}_"), Span::mixed_site())
}

/// Returns whether some part of the value stays in its place, nameless or only borrowed.
fn leaves_out(pattern: &Pat) -> bool {
    struct LeavesOut(bool);
    impl<'ast> Visit<'ast> for LeavesOut {
        fn visit_pat(&mut self, pattern: &'ast Pat) {
            self.0 |= matches!(pattern, Pat::Wild(_) | Pat::Rest(_))
                || matches!(pattern, Pat::Struct(fields) if fields.rest.is_some())
                || matches!(pattern, Pat::Ident(ident) if ident.by_ref.is_some());
            syn::visit::visit_pat(self, pattern);
        }
    }

    let mut visitor = LeavesOut(false);
    visitor.visit_pat(pattern);
    visitor.0
}

/// The statements that stand first in the block that owns the arguments.
///
/// A function drops its arguments from the last to the first. An async block drops the variables that it has captured in the
/// order in which they are first mentioned, which is `let _ = (&c, &b, &a);` for the arguments `a`, `b` and `c`. One argument alone needs
/// no order.
///
/// Arguments that are [taken apart](take_patterns) become locals, which drop before all that is captured:
/// `let argument1_ = argument1_; let (d, _) = argument1_;`.
pub(crate) fn kept(function: &Function) -> Option<TokenStream> {
    let is_local = |binding: &Binding| function.patterns.iter().any(|(index, _)| *index == binding.argument);
    let captured = function.owned().filter(|binding| !is_local(binding));
    let owned: Vec<&Binding> = captured.filter(|binding| is_held(binding, function)).collect();
    let mentions = owned.iter().rev().map(|Binding { ident, conditions, .. }| {
        let borrowed = borrow_local(ident);
        quote_spanned!(Span::mixed_site()=> #(#conditions)* #borrowed)
    });
    // those names say that nobody reads them, and this does not either
    let underscored = owned.iter().any(|binding| binding.ident.to_string().starts_with('_'));
    let allowed = underscored.then(|| quote_spanned!(Span::mixed_site()=> #[allow(clippy::used_underscore_binding)]));
    let order = (owned.len() > 1).then(|| quote_spanned!(Span::mixed_site()=> #allowed let _ = (#(#mentions),*);));

    let locals = function.patterns.iter().map(|(index, pattern)| {
        let name = named(*index);
        let conditions = function.signature.inputs.get(*index).map(|argument| match argument {
            FnArg::Typed(argument) => conditions(&argument.attrs),
            FnArg::Receiver(_) => Vec::new(),
        });
        let conditions = conditions.unwrap_or_default();
        if matches!(pattern, Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none()) {
            return quote_spanned!(Span::mixed_site()=> #(#conditions)* let #pattern = #name;);
        }
        quote_spanned!(Span::mixed_site()=> #(#conditions)* let #name = #name; #(#conditions)* let #pattern = #name;)
    });
    (order.is_some() || !function.patterns.is_empty()).then(|| quote_spanned!(Span::mixed_site()=> #order #(#locals)*))
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
