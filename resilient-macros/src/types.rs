//! The searches in types, as far as their names tell.

use syn::visit::Visit;
use syn::{Expr, FnArg, GenericArgument, Lifetime, Path, PathArguments, Type, TypeImplTrait, TypeReference};

/// A part of a type that checks look for.
#[derive(Clone, Copy)]
pub(crate) enum Part<'t> {
    Reference(&'t TypeReference),
    Lifetime(&'t Lifetime),
    /// An `impl Trait`.
    Unnamed(&'t TypeImplTrait),
}

/// The parts of the type in their order, but for those of functions in it: what a closure takes is not what it holds.
pub(crate) fn parts(ty: &Type) -> Vec<Part<'_>> {
    struct Search<'t>(Vec<Part<'t>>);
    impl<'t> Visit<'t> for Search<'t> {
        fn visit_type_reference(&mut self, reference: &'t TypeReference) {
            self.0.push(Part::Reference(reference));
            syn::visit::visit_type_reference(self, reference);
        }

        fn visit_lifetime(&mut self, lifetime: &'t Lifetime) {
            self.0.push(Part::Lifetime(lifetime));
        }

        fn visit_type_impl_trait(&mut self, unnamed: &'t TypeImplTrait) {
            self.0.push(Part::Unnamed(unnamed));
            syn::visit::visit_type_impl_trait(self, unnamed);
        }

        fn visit_type_fn_ptr(&mut self, _: &'t syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments(&mut self, _: &'t syn::ParenthesizedGenericArguments) {}
    }

    let mut search = Search(Vec::new());
    search.visit_type(ty);
    search.0
}

/// The first `&mut` in the type.
pub(crate) fn exclusive_reference(ty: &Type) -> Option<&TypeReference> {
    parts(ty).into_iter().find_map(|part| match part {
        Part::Reference(reference) if reference.mutability.is_some() => Some(reference),
        _ => None,
    })
}

/// The first `impl Trait` in the type.
pub(crate) fn unnamed(ty: &Type) -> Option<&TypeImplTrait> {
    parts(ty).into_iter().find_map(|part| match part {
        Part::Unnamed(unnamed) => Some(unnamed),
        _ => None,
    })
}

/// The argument's type, unless it is `self`.
pub(crate) fn of_argument(argument: &FnArg) -> Option<&Type> {
    match argument {
        FnArg::Typed(argument) => Some(&argument.ty),
        FnArg::Receiver(_) => None,
    }
}

/// The type's path, if its last name is this one.
pub(crate) fn named<'t>(ty: &'t Type, name: &str) -> Option<&'t Path> {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name).then_some(&path.path),
        Type::Paren(inside) => named(&inside.elem, name),
        _ => None,
    }
}

/// The type argument at `index` of the path's last name.
pub(crate) fn argument(path: &Path, index: usize) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &path.segments.last()?.arguments else { return None };
    match arguments.args.get(index)? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// The expression that a method is called on: a call borrows by itself.
pub(crate) fn without_reference(expression: &Expr) -> &Expr {
    match expression {
        Expr::Reference(reference) => &reference.expr,
        other => other,
    }
}
