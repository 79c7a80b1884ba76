//! The expansion: the stack's layers around the user's statements.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Ident, Token};

use crate::fragment::{Context, Fragment, Value};
use crate::policy::Layer;
use crate::source::borrow;

/// The whole output: the function with its stack inside, and the layers' companions.
///
/// ```text
/// // Input:
/// #[timeout(total = "2s")]
/// #[retry(max = 3)]
/// async fn fetch(id: u64) -> Result<User, Error> { statements }
///
/// // Output:
/// async fn fetch(id: u64) -> Result<User, Error> {
///     let timeout = { static POLICY: Timeout = …; &POLICY };
///     let mut timeout = timeout.begin();
///     let mut retry = { static POLICY: Retry = …; POLICY.begin() };
///     let settled = loop {
///         let attempt = async { statements };
///         if let Some(outcome) = retry.run_within(&mut timeout, attempt).await {
///             break outcome;
///         }
///     };
///     finish(settled)
/// }
/// ```
pub(crate) fn expand(layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    let function = context.function.with_statements(statements(layers, context));
    let companions = layers.iter().filter_map(|layer| layer.companion(context));
    quote_spanned!(Span::mixed_site()=> #function #(#companions)*)
}

/// What takes the place of the user's statements.
pub(crate) fn statements(layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    if layers.iter().all(|layer| layer.stands_beside()) {
        return context.function.statements().clone();
    }
    let above_retry = |pair: &[Box<dyn Layer>]| pair[0].name() == "timeout" && pair[1].name() == "retry";
    // a hedge makes its attempts while the retry would be lent to the round
    let hedged = layers.iter().any(|layer| layer.facts().hedges);
    let context = &Context { in_rounds: !hedged && layers.windows(2).any(above_retry), ..*context };
    let declarations = layers.iter().map(|layer| layer.declare(context));
    let stack = layers.iter().rev().fold(attempt(layers, context), |inside, layer| layer.wrap(inside, context));
    let (statements, value) = (&stack.statements, finish(&stack, layers, context));
    quote_spanned! {Span::mixed_site()=>
        #(#declarations)*
        #statements
        #value
    }
}

/// One run of the body.
///
/// It borrows the arguments if there may be another run, or something that reads them later, and owns them otherwise. A
/// cloned argument is moved in, so that the future owns it and need not be able to share it.
fn attempt(layers: &[Box<dyn Layer>], context: &Context<'_>) -> Fragment {
    let span = Span::mixed_site();
    let facts = layers.last().map(|layer| layer.facts()).unwrap_or_default();
    let clones = clones(layers);
    let clones = clones.iter().map(|ident| clone_of(ident, context));
    let (outside, inside): (Vec<_>, Vec<_>) = if facts.hedges {
        clones.map(|clone| (None, clone.at_once)).unzip()
    } else {
        clones.map(|clone| (Some(clone.outside), clone.inside)).unzip()
    };
    let numbers = layers.iter().filter_map(|layer| {
        let number = layer.body().number?;
        let retry = Ident::new(layer.name(), span);
        Some(quote_spanned!(span=> let #number = #retry.attempt();))
    });
    let borrows = layers.iter().any(|layer| layer.facts().reads_arguments);
    let repeats = layers.iter().any(|layer| layer.facts().repeats);
    let capture = (!repeats && !borrows).then(|| Token![move](span));
    let mut body = context.function.attempt(capture, inside.into_iter().collect());
    if layers.iter().any(|layer| layer.body().suppresses_retries) {
        let krate = context.krate;
        body = quote_spanned!(span=> #krate::without_retries(#body));
    }
    let statements = quote_spanned!(span=> #(#numbers)* #(#outside)*);
    let (statements, value) = if facts.hedges {
        (statements, Value::Body(body))
    } else {
        (quote_spanned!(span=> #statements let attempt = #body;), Value::Future(quote_spanned!(span=> attempt)))
    };
    Fragment { statements, value, settled: false, borrows, repeated: repeats, bulkhead: None }
}

/// The arguments that some layer has each attempt get a clone of.
pub(crate) fn clones(layers: &[Box<dyn Layer>]) -> Vec<Ident> {
    let mut clones: Vec<Ident> = Vec::new();
    for ident in layers.iter().flat_map(|layer| layer.body().clones) {
        if !clones.contains(ident) {
            clones.push(ident.clone());
        }
    }
    clones
}

/// A clone for one attempt: made before its future and moved into it, or made inside.
struct CloneOf {
    outside: TokenStream,
    inside: TokenStream,
    at_once: TokenStream,
}

fn clone_of(ident: &Ident, context: &Context<'_>) -> CloneOf {
    let span = Span::mixed_site();
    let mutable = context.function.bindings.iter().any(|binding| binding.ident == *ident && binding.mutable);
    let mutability = mutable.then(|| Token![mut](span));
    let borrowed = borrow(ident);
    CloneOf {
        outside: quote_spanned!(span=> let #ident = ::core::clone::Clone::clone(#borrowed);),
        inside: quote_spanned!(span=> let #mutability #ident = #ident;),
        at_once: quote_spanned!(span=> let #mutability #ident = ::core::clone::Clone::clone(#borrowed);),
    }
}

/// The function's last expression.
fn finish(stack: &Fragment, layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    let value = stack.expression();
    if !stack.settled {
        return value;
    }
    let (krate, output) = (context.krate, context.function.output_at_error());
    let span = Span::mixed_site();
    // an error type without room for a rejection is the business of the policy that rejects
    let refuses = layers.iter().find(|layer| layer.facts().refuses).map_or(span, |layer| layer.span());
    let finish = quote_spanned!(refuses.resolved_at(span)=> #krate::finish);
    match stack.value {
        Value::Future(_) | Value::Body(_) | Value::Timed { .. } => quote_spanned!(span=> #finish::<#output>(#value)),
        Value::Expression(_) | Value::Rounds { .. } => quote_spanned! {span=>
            let settled = #value;
            #finish::<#output>(settled)
        },
    }
}
