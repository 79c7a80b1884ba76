//! A policy that is given by `with = …`: the items that keep it, each of which must be a `static`.
//!
//! A `const` is another value wherever it is named, so a policy in one would forget everything from call to call. The compiler refuses
//! one where the expansion borrows it for longer than a call.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Stmt};

use crate::fragment::Context;

/// The items by whose names the policy begins, as in `BREAKERS[0]` or `HOSTS.of(host)`.
#[derive(Default)]
pub(crate) struct Items<'a> {
    /// The items that the list of policies can name too, outside of the function's generics.
    listed: Vec<&'a ExprPath>,
    /// The constants of a type, such as `Self::BREAKER`, which may be references.
    associated: Vec<&'a ExprPath>,
}

impl<'a> Items<'a> {
    /// The items of the policy, by the upper case of their names.
    pub(crate) fn of(policy: &'a Expr, context: &Context<'_>) -> Self {
        let mut items = Self::default();
        items.add(policy);
        let bindings = &context.function.bindings;
        items.listed.retain(|path| bindings.iter().all(|argument| !path.path.is_ident(&argument.ident)));
        items
    }

    fn add(&mut self, policy: &'a Expr) {
        match policy {
            Expr::Path(path) => {
                let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
                if names.next().is_some_and(|name| is_upper_case(&name)) {
                    let is_of_a_type = path.qself.is_some() || names.any(|name| name.starts_with(char::is_uppercase));
                    if is_of_a_type { self.associated.push(path) } else { self.listed.push(path) }
                }
            }
            Expr::Field(field) => self.add(&field.base),
            Expr::Index(index) => self.add(&index.expr),
            Expr::MethodCall(call) => self.add(&call.receiver),
            Expr::Reference(reference) => self.add(&reference.expr),
            Expr::Unary(dereferenced) => self.add(&dereferenced.expr),
            Expr::Paren(inside) => self.add(&inside.expr),
            Expr::Group(inside) => self.add(&inside.expr),
            Expr::If(choice) => {
                self.add_only(&choice.then_branch.stmts);
                choice.else_branch.iter().for_each(|(_, otherwise)| self.add(otherwise));
            }
            Expr::Match(choice) => choice.arms.iter().for_each(|arm| self.add(&arm.body)),
            Expr::Block(block) => self.add_only(&block.block.stmts),
            _ => {}
        }
    }

    /// A block with statements may have items of its own, which nothing else can name.
    fn add_only(&mut self, statements: &'a [Stmt]) {
        if let [Stmt::Expr(value, None)] = statements {
            self.add(value);
        }
    }

    /// `[&BREAKERS]` for the list of policies, which lists those that are policies, and borrows them for good.
    pub(crate) fn listed(&self) -> Option<TokenStream> {
        let items = self.listed.iter().map(|path| borrow(path));
        (!self.listed.is_empty()).then(|| quote_spanned!(Span::mixed_site()=> [#(#items),*]))
    }

    /// `a_static(&Self::BREAKER);` for each item that the list does not name.
    pub(crate) fn checked(&self, context: &Context<'_>) -> TokenStream {
        let (span, krate) = (Span::mixed_site(), context.krate);
        let items = self.associated.iter().map(|path| borrow(path));
        quote_spanned!(span=> #(#krate::a_static(#items);)*)
    }
}

fn borrow(path: &ExprPath) -> TokenStream {
    quote_spanned!(path.span().resolved_at(Span::mixed_site())=> &#path)
}

fn is_upper_case(name: &str) -> bool {
    name.contains(char::is_uppercase) && !name.contains(char::is_lowercase)
}
