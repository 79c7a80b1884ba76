//! The names that the arguments of a function bind.

use syn::visit::Visit;
use syn::{Attribute, FnArg, Ident, Pat, ReceiverKind, Stmt, Type};

/// A name bound by an argument.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) ident: Ident,
    /// The place of the argument, if that is known.
    pub(crate) argument: usize,
    pub(crate) mutable: bool,
    /// Set if its type is written as a reference.
    pub(crate) reference: bool,
    /// Set if something may happen when it is dropped, as far as its type tells.
    pub(crate) may_drop: bool,
    /// The `#[cfg(…)]`s of its argument, which may not be there.
    pub(crate) conditions: Vec<Attribute>,
}

impl Binding {
    pub(super) fn new(ident: Ident, argument: usize) -> Self {
        Self { ident, argument, mutable: false, reference: false, may_drop: true, conditions: Vec::new() }
    }

    /// With what the type and the attributes of its argument say.
    pub(super) fn of(self, ty: &Type, attributes: &[Attribute]) -> Self {
        Self {
            reference: self.reference || matches!(ty, Type::Reference(_)),
            may_drop: may_drop(ty),
            conditions: conditions(attributes),
            ..self
        }
    }
}

/// `self` as a binding, unless it is a reference.
pub(super) fn owned_self(receiver: &syn::Receiver) -> Option<Binding> {
    let by_reference = match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(**ty, Type::Reference(_)),
        _ => false,
    };
    let binding = Binding {
        mutable: receiver.mutability.is_some(),
        conditions: conditions(&receiver.attrs),
        ..Binding::new(Ident::new("self", receiver.self_token.span), 0)
    };
    (!by_reference).then_some(binding)
}

pub(super) fn bindings_of_argument((index, argument): (usize, &FnArg)) -> Vec<Binding> {
    match argument {
        FnArg::Receiver(_) => Vec::new(),
        FnArg::Typed(argument) => {
            let bindings = bindings_of_pattern(&argument.pat, index).into_iter();
            bindings.map(|binding| binding.of(&argument.ty, &argument.attrs)).collect()
        }
    }
}

pub(super) fn bindings_of_statement(statement: &Stmt) -> Vec<Binding> {
    match statement {
        Stmt::Local(local) => bindings_of_pattern(&local.pat, 0),
        _ => Vec::new(),
    }
}

fn bindings_of_pattern(pattern: &Pat, argument: usize) -> Vec<Binding> {
    struct Idents {
        found: Vec<Binding>,
        argument: usize,
    }
    impl<'ast> Visit<'ast> for Idents {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            self.found.push(Binding {
                mutable: pattern.mutability.is_some() && pattern.by_ref.is_none(),
                reference: pattern.by_ref.is_some(),
                ..Binding::new(pattern.ident.clone(), self.argument)
            });
            syn::visit::visit_pat_ident(self, pattern);
        }
    }

    let mut idents = Idents { found: Vec::new(), argument };
    idents.visit_pat(pattern);
    idents.found
}

/// The `#[cfg(…)]`s among the attributes.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// Returns whether something may happen when a value of the type is dropped, as far as can be told.
pub(crate) fn may_drop(ty: &Type) -> bool {
    const NEVER: &str = "\
        bool char f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize Duration Instant \
        IpAddr SocketAddr";
    match ty {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => false,
        Type::Path(path) => {
            !path.path.segments.last().is_some_and(|last| NEVER.split(' ').any(|name| last.ident == name))
        }
        _ => true,
    }
}
