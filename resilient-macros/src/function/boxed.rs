//! The form that `#[async_trait]` makes of an `async fn`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::parse::Parser;
use syn::{FnArg, Pat, ReceiverKind, ReturnType, Signature, Stmt, Type};

use super::binding::{Binding, bindings_of_statement};
use super::{Frame, Written, inferred};

/// Recognises what `#[async_trait]` makes of an `async fn`:
///
/// ```text
/// Box::pin(async move {
///     if let Some(__ret) = None::<Output> { return __ret; }
///     let argument = argument;
///     let __ret: Output = { the user's statements };
///     __ret
/// })
/// ```
pub(super) fn boxed(signature: &Signature, body: &TokenStream) -> Option<Written> {
    let ReturnType::Type(_, output) = &signature.output else { return None };
    let Type::Path(output) = &**output else { return None };
    if output.path.segments.last()?.ident != "Pin" {
        return None;
    }
    let (constructor, block) = boxed_block(body.clone())?;
    let statements: Vec<Stmt> = syn::Block::parse_within.parse2(block).ok()?;
    let last_let = statements.iter().rposition(|statement| matches!(statement, Stmt::Local(_)))?;
    let (before, rest) = statements.split_at(last_let);
    let (binding, after) = rest.split_first()?;
    let Stmt::Local(binding) = binding else { return None };
    let Pat::Type(pattern) = &binding.pat else { return None };
    let initial = binding.init.as_ref()?;
    let syn::Expr::Block(user) = &*initial.expr else { return None };

    let (before, after) = (before.iter(), after.iter());
    let mut bindings: Vec<Binding> = before.clone().flat_map(bindings_of_statement).collect();
    for binding in &mut bindings {
        let argument = signature.inputs.iter().find_map(|argument| match argument {
            FnArg::Typed(argument) if matches!(&*argument.pat, Pat::Ident(pattern) if pattern.ident == binding.ident) => Some(argument),
            _ => None,
        });
        if let Some(argument) = argument {
            *binding = binding.clone().of(&argument.ty, &argument.attrs);
        }
    }
    // `&mut self` has become `let mut __self = self;`, of which only the `&mut` is the user's
    let lent = signature.receiver().is_some_and(|receiver| matches!(receiver.kind, ReceiverKind::Reference(..)));
    if let (true, Some(this)) = (lent, bindings.iter_mut().find(|binding| binding.ident == "__self")) {
        this.reference = true;
    }
    let head = quote_spanned!(Span::mixed_site()=> let #pattern =);
    let frame = Frame::Boxed {
        constructor,
        before: before.cloned().collect(),
        binding: head,
        after: after.map(ToTokens::to_token_stream).collect(),
    };
    let statements = user.block.stmts.iter().map(ToTokens::to_token_stream).collect();
    Some(Written { output: inferred((*pattern.ty).clone()), this: None, bindings, statements, frame })
}

/// Splits `Box::pin(async move { … })` into the path and the block's tokens.
fn boxed_block(body: TokenStream) -> Option<(TokenStream, TokenStream)> {
    let mut tokens: Vec<TokenTree> = body.into_iter().collect();
    let TokenTree::Group(call) = tokens.pop()? else { return None };
    let constructor: TokenStream = tokens.into_iter().collect();
    if call.delimiter() != Delimiter::Parenthesis || !constructor.to_string().replace(' ', "").ends_with("Box::pin") {
        return None;
    }
    match call.stream().into_iter().collect::<Vec<_>>().as_slice() {
        [TokenTree::Ident(r#async), TokenTree::Ident(r#move), TokenTree::Group(block)]
            if r#async == "async" && r#move == "move" =>
        {
            Some((constructor, Group::stream(block)))
        }
        _ => None,
    }
}
