//! `when = …`: a closure or function that classifies in place of the error's own `Classify`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, Ident, Pat, PatType, Token, Type};

use crate::fragment::{Context, Fragment};
use crate::source::operand;
use crate::tokens::placed;

/// The value of a `when`.
pub(crate) struct When(pub(crate) Expr);

/// The value of a hook: what it is told of, and the user's function.
pub(crate) struct Hook {
    pub(crate) told: &'static str,
    pub(crate) function: Expr,
}

impl Hook {
    /// The expression, with types for the arguments of a closure that have none: `&` what it is told of, and that of a [`When`].
    pub(crate) fn tokens(&self, context: &Context<'_>) -> TokenStream {
        let Expr::Closure(closure) = &self.function else { return operand(&self.function) };
        let (krate, told) = (context.krate, Ident::new(self.told, Span::mixed_site()));
        let mut closure = closure.clone();
        let types = [quote_spanned!(Span::mixed_site()=> &#krate::#told), argument_type(context)];
        closure.inputs.iter_mut().zip(types).for_each(|(argument, ty)| annotate(argument, ty));
        let span = self.function.span().resolved_at(Span::mixed_site());
        quote_spanned!(span=> (#closure))
    }
}

impl When {
    /// The expression, with a type for a closure's argument that has none: `&` the error of a `Result`, otherwise `&` the
    /// outcome. Without it the compiler could not tell which of the two is meant.
    pub(crate) fn tokens(&self, context: &Context<'_>) -> TokenStream {
        match &self.0 {
            Expr::Closure(closure) => typed(closure.clone(), context).into_token_stream(),
            function => function.to_token_stream(),
        }
    }
}

/// Returns what decides on the class: the user's `when`, or, for a function that returns a response, its status too.
///
/// `None` leaves it to the outcome's own type.
pub(crate) fn deciding(when: Option<&When>, context: &Context<'_>) -> Option<TokenStream> {
    if let Some(when) = when {
        return Some(when.tokens(context));
    }
    let response = response_type(&context.function.output)?;
    let krate = context.krate;
    Some(quote_spanned! {Span::mixed_site()=>
        #krate::call::values(|response_: &#response| #krate::classify_value!(response_))
    })
}

/// The policy as a stack is given it: `&RETRY_`, or `RETRY_.when(…)` where something else than the outcome's type decides on the class.
pub(crate) fn judging(when: Option<&When>, inside: &Fragment, context: &Context<'_>) -> TokenStream {
    judged(&context.receiver(), when, inside, context)
        .unwrap_or_else(|| placed(context.reference(), context.function.place_of_outcome()))
}

/// `policy.when(…)`, if something else than the outcome's type decides on the class.
///
/// The outcome's type is spelled out where it can be, so that an unfit `when` is reported there.
pub(crate) fn judged(
    policy: &impl ToTokens,
    when: Option<&When>,
    inside: &Fragment,
    context: &Context<'_>,
) -> Option<TokenStream> {
    let span = when.map_or_else(Span::mixed_site, |when| when.0.span().resolved_at(Span::mixed_site()));
    let when = deciding(when, context)?;
    let output = &context.function.output;
    if inside.gives_settled() || matches!(output, Type::Infer(_) | Type::ImplTrait(_)) {
        return Some(quote_spanned!(span=> #policy.when(#when)));
    }
    Some(quote_spanned!(span=> #policy.when::<#output, _, _>(#when)))
}

/// The good type, if the output is a `Result` of something named `…Response`.
pub(crate) fn response_type(output: &Type) -> Option<&Type> {
    let Type::Path(path) = output else { return None };
    let last = path.path.segments.last().filter(|_| is_result(output))?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let Some(syn::GenericArgument::Type(good)) = arguments.args.first() else { return None };
    let Type::Path(named) = good else { return None };
    named.path.segments.last().filter(|last| last.ident.to_string().ends_with("Response")).map(|_| good)
}

fn typed(mut closure: ExprClosure, context: &Context<'_>) -> ExprClosure {
    if let Some(argument) = closure.inputs.first_mut() {
        annotate(argument, argument_type(context));
    }
    closure
}

/// Gives a type to a closure's argument that has none.
pub(crate) fn annotate(argument: &mut Pat, ty: TokenStream) {
    let pattern = match &*argument {
        Pat::Type(typed) if !is_inferred(&typed.ty) => return,
        Pat::Type(inferred) => (*inferred.pat).clone(),
        pattern => pattern.clone(),
    };
    *argument = Pat::Type(PatType {
        attrs: Vec::new(),
        pat: Box::new(pattern),
        colon_token: Token![:](Span::mixed_site()),
        ty: Box::new(Type::Verbatim(ty)),
    });
}

/// Returns whether the type is left to the compiler: `_`, or `&_`.
fn is_inferred(ty: &Type) -> bool {
    match ty {
        Type::Infer(_) => true,
        Type::Reference(reference) => is_inferred(&reference.elem),
        _ => false,
    }
}

fn argument_type(context: &Context<'_>) -> TokenStream {
    let (function, krate) = (context.function, context.krate);
    let output = &function.output;
    let span = Span::mixed_site();
    match function.error_type() {
        Some(error) => quote_spanned!(span=> &#error),
        None if is_result(output) => quote_spanned!(span=> &<#output as #krate::call::IntoResult>::Error),
        None => quote_spanned!(span=> &#output),
    }
}

/// Returns whether the type's name says that it is a `Result`, as in `io::Result<T>`.
pub(crate) fn is_result(output: &Type) -> bool {
    let Type::Path(path) = output else { return false };
    path.path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("Result"))
}
