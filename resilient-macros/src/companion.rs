//! What the policies have in common that add a function beside the one they stand on.

use proc_macro2::Span;
use syn::visit::Visit;
use syn::{Expr, FnArg, Ident, Type, TypeImplTrait};

use crate::diagnostic::Errors;
use crate::function::Function;

/// The new function's name, as `name = …` gives it.
pub(crate) fn name(expression: Expr, example: &str) -> syn::Result<Ident> {
    match &expression {
        Expr::Path(path) if path.path.get_ident().is_some_and(|name| name != "self") => {
            Ok(path.path.require_ident()?.clone())
        }
        _ => {
            let message = format!("`name` is the name of the new function: write `name = {example}`");
            Err(syn::Error::new_spanned(expression, message))
        }
    }
}

/// Reports where there is no room for a further function, or not for one of this name.
pub(crate) fn check(policy: &str, at: Span, name: &Ident, suffix: &str, function: &Function, errors: &mut Errors) {
    if function.is_boxed() {
        let message = format!(
            "`#[{policy}]` adds a function beside this one, which a trait's `impl` has no room for: put it on an inherent method"
        );
        errors.at(at, message);
    }
    if name == function.name() {
        let message =
            format!("the new function needs a name of its own: write, for instance, `name = {name}_{suffix}`");
        errors.at(name.span(), message);
    }
}

/// An `impl Trait` in the argument's type, which the new function could not name.
pub(crate) fn unnamed(argument: &FnArg) -> Option<&TypeImplTrait> {
    let mut search = Unnamed(None);
    search.visit_fn_arg(argument);
    search.0
}

/// An `impl Trait` in the type.
pub(crate) fn unnamed_in(ty: &Type) -> Option<&TypeImplTrait> {
    let mut search = Unnamed(None);
    search.visit_type(ty);
    search.0
}

struct Unnamed<'ast>(Option<&'ast TypeImplTrait>);

impl<'ast> Visit<'ast> for Unnamed<'ast> {
    fn visit_type_impl_trait(&mut self, found: &'ast TypeImplTrait) {
        self.0.get_or_insert(found);
    }
}
