//! Arguments of which each attempt gets a clone, where their types are of the caller's choice.

use proc_macro2::Span;
use syn::visit_mut::VisitMut;
use syn::{Generics, Ident, Type};

/// Adds `Clone` to each `impl Trait` in a type, and notes the types that are named without a path, which may be parameters.
pub(super) struct RequireClone {
    pub(super) chosen: Vec<Ident>,
}

impl VisitMut for RequireClone {
    fn visit_type_impl_trait_mut(&mut self, unnamed: &mut syn::TypeImplTrait) {
        if !unnamed.bounds.iter().any(is_clone) {
            unnamed.bounds.push(clone_bound());
        }
    }

    fn visit_type_path_mut(&mut self, path: &mut syn::TypePath) {
        // these are clones whatever they hold
        const SHARED: &[&str] = &["Arc", "Rc", "PhantomData"];
        if path.path.segments.last().is_some_and(|last| SHARED.iter().any(|shared| last.ident == shared)) {
            return;
        }
        self.chosen.extend(path.path.get_ident().cloned());
        syn::visit_mut::visit_type_path_mut(self, path);
    }

    // so is a reference
    fn visit_type_reference_mut(&mut self, _: &mut syn::TypeReference) {}
}

pub(super) fn clone_bound() -> syn::TypeParamBound {
    syn::parse_quote_spanned!(Span::mixed_site()=> ::core::clone::Clone)
}

/// Returns whether the generics say that the parameter is `Clone`.
pub(super) fn is_bounded_by_clone(parameter: &Ident, generics: &Generics) -> bool {
    let inline = generics.type_params().filter(|own| own.ident == *parameter).flat_map(|own| &own.bounds);
    let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let apart = predicates.filter_map(|predicate| match predicate {
        syn::WherePredicate::Type(predicate) => match &predicate.bounded_ty {
            Type::Path(path) if path.path.is_ident(parameter) => Some(&predicate.bounds),
            _ => None,
        },
        _ => None,
    });
    inline.chain(apart.flatten()).any(is_clone)
}

fn is_clone(bound: &syn::TypeParamBound) -> bool {
    match bound {
        syn::TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|last| last.ident == "Clone" || last.ident == "Copy")
        }
        _ => false,
    }
}
