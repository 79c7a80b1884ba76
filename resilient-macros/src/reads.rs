//! Finds out whether an expression reads the arguments of the function, or `self`.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, ExprPath, Lit};

use crate::function::{Binding, Function};
use crate::tokens::{mention, mentions};
use crate::value::literal;

/// Refuses an expression that is the same for every call.
pub(crate) fn differs_between_calls(expression: &Expr, function: &Function) -> syn::Result<()> {
    let is_argument = |name: &str| function.bindings.iter().any(|argument| argument.ident == name);
    let meant = match (expression, literal(expression)) {
        (_, Some(Lit::Str(text))) if is_argument(&text.value()) => text.value(),
        (_, Some(_)) => function.bindings.first().map_or("host".to_owned(), |argument| argument.ident.to_string()),
        (Expr::Tuple(tuple), _) if tuple.elems.is_empty() => "host".to_owned(),
        _ => return Ok(()),
    };
    let message =
        format!("`key` is what tells one call from another, and this is the same for all: write, say, `key = {meant}`");
    Err(syn::Error::new_spanned(expression, message))
}

/// Refuses what cannot be called.
pub(crate) fn settings_of_key(expression: &Expr, _: &Function) -> syn::Result<()> {
    let is_none = literal(expression).is_some() || matches!(expression, Expr::Tuple(_) | Expr::Array(_));
    if is_none {
        let message = "`settings` is a function of the key and of a policy with the shared settings: write, for instance, `settings = plan_of`";
        return Err(syn::Error::new_spanned(expression, message));
    }
    Ok(())
}

/// Refuses an expression that reads `self` or an argument.
pub(crate) fn reads_nothing_of_the_call(expression: &Expr, function: &Function) -> syn::Result<()> {
    if let Some(span) = mention(expression.to_token_stream(), "self") {
        let message = "this is fixed when the program is compiled and cannot read `self`: put the policy itself into a field and write `with = self.…`";
        return Err(syn::Error::new(span, message));
    }
    if let Some(argument) = first_argument(expression, &function.bindings) {
        let name = argument.to_token_stream();
        let message = format!(
            "this is fixed when the program is compiled and cannot read the argument `{name}`: write a constant, or hand over a policy and write `with = …`"
        );
        return Err(syn::Error::new(argument.span(), message));
    }
    Ok(())
}

/// Returns whether the expression reads an argument, or `self`, that is no shared reference, and that the body would take along if it owned its
/// arguments.
pub(crate) fn reads_what_can_be_owned(expression: &Expr, function: &Function) -> bool {
    let shared = function.signature.receiver().is_none_or(|receiver| {
        let written = receiver.to_token_stream().to_string();
        written.starts_with('&') && !written.starts_with("& mut")
    });
    let by_self = !shared && reads(expression, "self");
    by_self || function.exclusive_or_owned().any(|name| reads(expression, &name.to_string()))
}

/// Returns whether the expression reads the argument of that name, or `self`: by its name, or in the text of a macro.
pub(crate) fn reads(expression: &Expr, name: &str) -> bool {
    struct Search<'a> {
        name: &'a str,
        found: bool,
    }
    impl<'e> Visit<'e> for Search<'_> {
        fn visit_expr_path(&mut self, path: &'e ExprPath) {
            self.found |= path.path.is_ident(self.name);
        }

        fn visit_macro(&mut self, call: &'e syn::Macro) {
            self.found |= mentions(call.tokens.clone(), self.name);
        }
    }

    let mut search = Search { name, found: false };
    search.visit_expr(expression);
    search.found
}

/// The first name in the expression that is one of the arguments'.
fn first_argument<'e>(expression: &'e Expr, arguments: &[Binding]) -> Option<&'e ExprPath> {
    struct Search<'e, 'a> {
        arguments: &'a [Binding],
        found: Option<&'e ExprPath>,
    }
    impl<'e> Visit<'e> for Search<'e, '_> {
        fn visit_expr_path(&mut self, path: &'e ExprPath) {
            if self.arguments.iter().any(|argument| path.path.is_ident(&argument.ident)) {
                self.found.get_or_insert(path);
            }
        }

        // these have names of their own
        fn visit_expr_closure(&mut self, _: &'e syn::ExprClosure) {}
        fn visit_block(&mut self, _: &'e syn::Block) {}
    }

    let mut search = Search { arguments, found: None };
    search.visit_expr(expression);
    search.found
}
