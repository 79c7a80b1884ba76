//! The expansion: the stack's layers around the user's statements.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Ident, Token};

use crate::drop_order;
use crate::fragment::{Context, Form, Fragment, Notes, local, number_of_attempt};
use crate::function::Binding;
use crate::policy::Layer;
use crate::source::{Source, borrow_local};
use crate::tokens::placed;

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
///     static TOTAL_TIMEOUT_: Timeout = …;
///     static RETRY_: Retry = …;
///     listed!("fetch": own TOTAL_TIMEOUT_, own RETRY_);
///     let mut total_timeout_ = TOTAL_TIMEOUT_.begin();
///     let mut retry_ = RETRY_.begin();
///     let settled_ = loop {
///         let attempt_ = async { statements };
///         let settled_ = run((&mut total_timeout_, &mut retry_), attempt_).await;
///         let delay_ = match retry_.verdict(settled_) {
///             Verdict::Accept(outcome_) => break outcome_,
///             Verdict::Retry(delay_) => delay_,
///         };
///         delay_.await;
///     };
///     finish(settled_)
/// }
/// ```
pub(crate) fn expand(layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    let function = context.function.with_statements(statements(layers, context));
    let companions = layers.iter().filter_map(|layer| layer.companion(context));
    quote_spanned!(Span::mixed_site()=> #function #(#companions)*)
}

/// Returns what takes the place of the user's statements.
pub(crate) fn statements(layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    if layers.is_empty() {
        return context.function.statements().clone();
    }
    if layers.iter().all(|layer| layer.stands_beside()) {
        return context.function.alone(context.krate);
    }
    let contexts = contexts(layers, context);
    let each = layers.iter().zip(&contexts);
    let declarations = each.clone().map(|(layer, context)| layer.declare(context));
    let items = each.clone().filter_map(|(layer, context)| layer.common().source.as_ref()?.item(context));
    let listed = listed(layers, &contexts, context);
    let stack = each.rev().fold(attempt(layers, context), |inside, (layer, context)| layer.wrap(inside, context));
    let end = finish(stack, layers, context);
    quote_spanned! {Span::mixed_site()=>
        #(#items)*
        #listed
        #(#declarations)*
        #end
    }
}

/// `listed!("fetch": own RETRY_, given CIRCUIT_BREAKER_);`, which adds the function to the list of all policies.
fn listed(layers: &[Box<dyn Layer>], contexts: &[Context<'_>], context: &Context<'_>) -> TokenStream {
    let entries: Vec<TokenStream> =
        layers.iter().zip(contexts).filter_map(|(layer, context)| layer.entry(context)).collect();
    if entries.is_empty() {
        return TokenStream::new();
    }
    // where the attributes are, so that the list has their line
    let place = layers.first().map_or_else(Span::mixed_site, |layer| layer.span().resolved_at(Span::mixed_site()));
    let krate = placed(context.krate.to_token_stream(), place);
    let name = context.function.name().unraw().to_string();
    let limits = &context.function.limits;
    let limits = (!limits.is_empty()).then(|| quote_spanned!(place=> ; #(#limits),*));
    quote_spanned!(place=> #krate::listed!(#name: #(#entries),* #limits);)
}

/// For each layer, the context that names what is its own.
fn contexts<'a>(layers: &[Box<dyn Layer>], context: &Context<'a>) -> Vec<Context<'a>> {
    let names: Vec<&str> =
        (0..layers.len()).map(|index| layers[index].local(&layers[..index], &layers[index + 1..])).collect();
    let nth = |index: usize| 1 + names[..index].iter().filter(|name| **name == names[index]).count();
    let is_static = |index: usize| layers[index].common().source.as_ref().is_some_and(Source::is_static);
    (0..layers.len()).map(|index| context.of_layer(names[index], nth(index), is_static(index))).collect()
}

/// One run of the body.
///
/// It borrows the arguments if there may be another run, or something that reads them later, and owns them otherwise. A
/// cloned argument is moved in, so that the future owns it and need not be able to share it.
fn attempt(layers: &[Box<dyn Layer>], context: &Context<'_>) -> Fragment {
    let span = Span::mixed_site();
    let facts = layers.last().map(|layer| layer.facts()).unwrap_or_default();
    let mut clones = clones(layers);
    // like the arguments, they are dropped from the last to the first
    clones.sort_by_key(|name| context.function.bindings.iter().position(|binding| binding.ident == *name));
    let if_possible = |ident: &Ident| {
        layers.iter().map(|layer| layer.body()).all(|body| body.if_possible || !body.clones.contains(ident))
    };
    let clones = clones.iter().map(|ident| clone_of(ident, if_possible(ident), context));
    let (outside, inside): (Vec<_>, Vec<_>) = if facts.hedges {
        clones.map(|clone| (None, clone.at_once)).unzip()
    } else {
        clones.map(|clone| (Some(clone.outside), clone.inside)).unzip()
    };
    let references =
        context.function.changing_references().filter(|_| layers.iter().any(|layer| layer.facts().repeats));
    let references = references.map(|(Binding { ident, conditions, .. }, exclusive)| {
        let own = if exclusive { quote_spanned!(span=> &mut *#ident) } else { ident.to_token_stream() };
        quote_spanned!(span=> #(#conditions)* let mut #ident = #own;)
    });
    let innermost = layers.iter().rev().find(|layer| !layer.stands_beside());
    let number = innermost.and_then(|layer| layer.body().number).map(number_of_attempt);
    let inside: Vec<TokenStream> = number.into_iter().chain(references).chain(inside).collect();
    let borrows = layers.iter().any(|layer| layer.common().reads_arguments);
    let repeats = layers.iter().any(|layer| layer.facts().repeats);
    // a closure leaves the function the arguments that the body does not move, in the order in which it drops them
    let blocks = context.function.blocks;
    let owns = !blocks && runs_once(layers);
    let capture = owns.then(|| Token![move](span));
    let drop_order = if blocks { None } else { drop_order::kept(context.function) };
    let (first, drop_order) = if owns { (drop_order, None) } else { (Some(inside.into_iter().collect()), drop_order) };
    let mut body = context.function.attempt(capture, first.unwrap_or_default(), context.krate);
    if layers.iter().any(|layer| layer.body().suppresses_retries) {
        let krate = context.krate;
        body = if blocks {
            quote_spanned!(span=> || #krate::blocking::without_retries(#body))
        } else {
            quote_spanned!(span=> #krate::without_retries(#body))
        };
    }
    let statements = outside.into_iter().flatten().collect();
    let notes = Notes { borrows, repeated: repeats, drop_order, bulkhead: None };
    Fragment { statements, form: Form::Body(body), settled: false, notes }
}

/// Returns the code that reads the arguments before a block owns them.
pub(crate) fn outside(layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    layers.iter().flat_map(|layer| [Some(layer.declare(context)), layer.companion(context)]).flatten().collect()
}

/// Returns whether some block of the expansion may own the arguments.
pub(crate) fn owns_arguments(layers: &[Box<dyn Layer>]) -> bool {
    let mut wrapping = layers.iter().filter(|layer| !layer.stands_beside()).map(|layer| layer.facts());
    let repeats_first = wrapping.next().is_none_or(|outermost| outermost.repeats);
    !repeats_first && layers.iter().all(|layer| !layer.common().reads_arguments)
}

/// Returns whether the body runs once, and nothing needs its arguments afterwards, so that it can own them.
fn runs_once(layers: &[Box<dyn Layer>]) -> bool {
    layers.iter().all(|layer| !layer.facts().repeats && !layer.common().reads_arguments)
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

fn clone_of(ident: &Ident, if_possible: bool, context: &Context<'_>) -> CloneOf {
    let span = Span::mixed_site();
    let binding =
        context.function.this.iter().chain(&context.function.bindings).find(|binding| binding.ident == *ident);
    let mutability = binding.filter(|binding| binding.mutable).map(|_| Token![mut](span));
    let conditions = binding.map_or(&[][..], |binding| &binding.conditions);
    let (krate, borrowed) = (context.krate, borrow_local(ident));
    let clone = if if_possible {
        quote_spanned!(span=> #krate::own!(#borrowed))
    } else {
        quote_spanned!(span=> ::core::clone::Clone::clone(#borrowed))
    };
    let ident = if ident == "self" { &this_clone() } else { ident };
    CloneOf {
        outside: quote_spanned!(span=> #(#conditions)* let #ident = #clone;),
        inside: quote_spanned!(span=> #(#conditions)* let #mutability #ident = #ident;),
        at_once: quote_spanned!(span=> #(#conditions)* let #mutability #ident = #clone;),
    }
}

/// The name of an attempt's own clone of `self`.
pub(crate) fn this_clone() -> Ident {
    local("this")
}

/// The function's last statements, and its value.
fn finish(stack: Fragment, layers: &[Box<dyn Layer>], context: &Context<'_>) -> TokenStream {
    let span = Span::mixed_site();
    let settled = stack.settled;
    let is_loop = matches!(stack.form, Form::Rounds(_));
    // where no block owns the arguments, the function takes them apart
    let apart = stack.notes.drop_order.clone().filter(|_| !context.function.patterns.is_empty());
    let (statements, value) = stack.awaited(context);
    let statements = quote_spanned!(span=> #apart #statements);
    if !settled {
        return quote_spanned!(span=> #statements #value);
    }
    let (krate, output) = (context.krate, context.function.output_at_error());
    // an error type without room for a rejection is the business of the policy that rejects
    let refuses = layers.iter().find(|layer| layer.facts().refuses).map_or(span, |layer| layer.span());
    let finish = quote_spanned!(refuses.resolved_at(span)=> #krate::finish);
    if is_loop {
        return quote_spanned!(span=> #statements let settled_ = #value; #finish::<#output>(settled_));
    }
    quote_spanned!(span=> #statements #finish::<#output>(#value))
}
